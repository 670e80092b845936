//! A cluster: three masters, and replicas of them where they are asked for.

use futures_util::future::join_all;

use super::{REDIS_PASSWORD, RedisServer, StoreUrl, ports::free_port, server::Mode};
use crate::eventually;

const MASTERS: usize = 3;
const SLOTS: usize = 16_384;
/// How long a node may be silent before it counts as down: one that only gets no processor for a while is not.
const PATIENT_MS: u32 = 60_000;
const SUSPICIOUS_MS: u32 = 2000;

/// A running cluster.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, then a replica of each in the same order.
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Three masters.
    ///
    /// # Panics
    /// When they do not come together.
    pub async fn start() -> Self {
        Self::of(MASTERS).await
    }

    /// Three masters and a replica of each, which takes over when its master dies.
    ///
    /// # Panics
    /// When they do not come together.
    pub async fn with_replicas() -> Self {
        Self::of(2 * MASTERS).await
    }

    async fn of(count: usize) -> Self {
        let settings = |_| {
            format!(
                "cluster-enabled yes\ncluster-node-timeout {PATIENT_MS}\ncluster-port {}\n\
                 cluster-replica-validity-factor 0\nrepl-diskless-sync-delay 0\n",
                free_port()
            )
        };
        let nodes = join_all((0..count).map(|_| RedisServer::with(Mode::Server, settings))).await;
        for (number, node) in nodes.iter().enumerate() {
            let epoch = (number + 1).to_string();
            let () = node.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
            if number < MASTERS {
                let (first, last) = (number * SLOTS / MASTERS, (number + 1) * SLOTS / MASTERS - 1);
                let range = [first.to_string(), last.to_string()];
                let () = node.ask(&["CLUSTER", "ADDSLOTSRANGE", &range[0], &range[1]]).await;
            }
        }
        for node in &nodes[1..] {
            let (port, bus) = (node.port().to_string(), bus_port(node).await);
            let () = nodes[0].ask(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        }
        for node in &nodes {
            eventually("the nodes to know each other", || knows(node, count)).await;
        }
        for (replica, master) in nodes[MASTERS..].iter().zip(&nodes) {
            let id: String = master.ask(&["CLUSTER", "MYID"]).await;
            let () = replica.ask(&["CLUSTER", "REPLICATE", &id]).await;
            eventually("a replica to follow", || async {
                let status = replica.info("replication", "master_link_status").await?;
                (status == "up").then_some(())
            })
            .await;
        }
        let cluster = Self { nodes };
        cluster.ready().await;
        cluster
    }

    /// Waits until every node that runs says that the cluster is whole.
    pub async fn ready(&self) {
        for node in &self.nodes {
            if node.is_running() {
                eventually("the cluster to be whole", || is_whole(node)).await;
            }
        }
    }

    /// Waits until the replicas have all that their masters have answered so far.
    pub async fn caught_up(&self) {
        for master in &self.nodes[..self.nodes.len() - MASTERS] {
            master.replicated_to(1).await;
        }
    }

    /// The masters that it began with, then their replicas.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Kills a master (SIGKILL) and waits until its replica has taken over.
    ///
    /// # Panics
    /// When it has no replica, or that does not take over.
    pub async fn fail_over(&mut self, master: usize) {
        let successor = MASTERS + master;
        assert!(master < MASTERS && successor < self.nodes.len(), "it has no replica");
        self.down_after(SUSPICIOUS_MS).await;
        self.nodes[master].kill().await;
        let replica = &self.nodes[successor];
        eventually("the replica to take over", || async {
            (replica.info("replication", "role").await? == "master").then_some(())
        })
        .await;
        self.ready().await;
        self.down_after(PATIENT_MS).await;
    }

    async fn down_after(&self, silent_ms: u32) {
        for node in self.nodes.iter().filter(|node| node.is_running()) {
            let () = node.ask(&["CONFIG", "SET", "cluster-node-timeout", &silent_ms.to_string()]).await;
        }
    }
}

async fn bus_port(node: &RedisServer) -> String {
    // A line is `id host:port@bus,… myself,master - …`.
    let nodes: String = node.ask(&["CLUSTER", "NODES"]).await;
    let bus = nodes.split(['@', ',', ' ']).nth(2).expect("its bus port");
    bus.to_owned()
}

async fn knows(node: &RedisServer, count: usize) -> Option<()> {
    let info: String = node.try_ask(&["CLUSTER", "INFO"]).await.ok()?;
    let known = format!("cluster_known_nodes:{count}");
    let nodes: String = node.try_ask(&["CLUSTER", "NODES"]).await.ok()?;
    (info.lines().any(|line| line.trim() == known) && !nodes.contains("handshake")).then_some(())
}

async fn is_whole(node: &RedisServer) -> Option<()> {
    let info: String = node.try_ask(&["CLUSTER", "INFO"]).await.ok()?;
    let says = |wanted: &str| info.lines().any(|line| line.trim() == wanted);
    let whole = says("cluster_state:ok") && says("cluster_slots_assigned:16384");
    (whole && says("cluster_slots_ok:16384")).then_some(())
}

impl StoreUrl for RedisCluster {
    fn store_url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(RedisServer::address).collect();
        format!("redis+cluster://:{REDIS_PASSWORD}@{}", nodes.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn three_nodes_share_the_keys() {
        let cluster = RedisCluster::start().await;
        let url = cluster.store_url().replace("redis+cluster://", "");
        let (login, nodes) = url.split_once('@').expect("a login");
        let urls: Vec<_> = nodes.split(',').map(|node| format!("redis://{login}@{node}")).collect();
        let client = redis::cluster::ClusterClient::new(urls).expect("URLs");
        let mut connection = client.get_async_connection().await.expect("a connection");
        for number in 0..60 {
            let () = redis::cmd("SET")
                .arg(format!("key{number}"))
                .arg("value")
                .query_async(&mut connection)
                .await
                .expect("written");
        }
        let mut sizes = Vec::new();
        for node in cluster.nodes() {
            sizes.push(node.ask::<u64>(&["DBSIZE"]).await);
        }
        assert!(sizes.iter().sum::<u64>() == 60 && sizes.iter().all(|size| *size > 0), "{sizes:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dead_master_is_replaced_by_its_replica() {
        let mut cluster = RedisCluster::with_replicas().await;
        cluster.fail_over(1).await;
    }
}
