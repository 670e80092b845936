//! A master with two replicas, and three sentinels that watch them.

use futures_util::future::join_all;

use super::{REDIS_PASSWORD, RedisServer, StoreUrl, server::Mode};
use crate::eventually;

/// The name of what the sentinels watch.
const SERVICE: &str = "bff-store";
const REPLICAS: usize = 2;
const SENTINELS: usize = 3;
/// How long a server may be silent before it counts as down.
const PATIENT_MS: u32 = 60_000;
const SUSPICIOUS_MS: u32 = 1000;

/// Three servers and three sentinels; a master that is killed is replaced within some seconds, one that only gets no
/// processor for a while is not.
#[derive(Debug)]
pub struct SentinelGroup {
    nodes: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
    /// Of the nodes, the one that is the master.
    master: usize,
}

impl SentinelGroup {
    /// Starts them and waits until all know each other.
    ///
    /// # Panics
    /// When that does not come about.
    pub async fn start() -> Self {
        let master = RedisServer::start().await;
        let port = master.port();
        let replica = |_| format!("replicaof 127.0.0.1 {port}\nrepl-diskless-sync-delay 0\n");
        let watch = |_| {
            format!(
                "sentinel monitor {SERVICE} 127.0.0.1 {port} 1\n\
                 sentinel auth-pass {SERVICE} {REDIS_PASSWORD}\n\
                 sentinel down-after-milliseconds {SERVICE} {PATIENT_MS}\n\
                 sentinel failover-timeout {SERVICE} 4000\n\
                 sentinel parallel-syncs {SERVICE} 2\n"
            )
        };
        let replicas = join_all((0..REPLICAS).map(|_| RedisServer::with(Mode::Server, replica))).await;
        let nodes: Vec<_> = [master].into_iter().chain(replicas).collect();
        for replica in &nodes[1..] {
            eventually("a replica to follow", || linked(replica)).await;
        }
        let sentinels = join_all((0..SENTINELS).map(|_| RedisServer::with(Mode::Sentinel, watch))).await;
        for sentinel in &sentinels {
            eventually("the sentinels to know everybody", || knows_all(sentinel)).await;
        }
        Self { nodes, sentinels, master: 0 }
    }

    /// The server that is the master.
    #[must_use]
    pub fn master(&self) -> &RedisServer {
        &self.nodes[self.master]
    }

    /// Waits until the replicas have all that the master has answered so far: replication is asynchronous, and
    /// a failover loses what no replica has.
    pub async fn caught_up(&self) {
        self.master().replicated_to(REPLICAS).await;
    }

    /// Kills the master (SIGKILL) and returns at once.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill_master(&mut self) {
        self.down_after(SUSPICIOUS_MS).await;
        self.nodes[self.master].kill().await;
    }

    /// Waits until every sentinel names another master, and that one is.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn failed_over(&mut self) {
        let before = self.master().port();
        let mut named = before;
        for sentinel in &self.sentinels {
            named = eventually("another master", || async {
                let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE];
                let (_, port) = sentinel.try_ask::<(String, u16)>(&words).await.ok()?;
                (port != before).then_some(port)
            })
            .await;
        }
        self.master = self.nodes.iter().position(|node| node.port() == named).expect("one of the nodes");
        eventually("the new master to be one", || async {
            let role = self.master().info("replication", "role").await?;
            (role == "master").then_some(())
        })
        .await;
        self.down_after(PATIENT_MS).await;
    }

    /// For one of the sentinels, which the others vote for: two that begin at the same time may each promote a replica,
    /// and the second one undoes what the first one's clients were answered.
    async fn down_after(&self, silent_ms: u32) {
        let silent = silent_ms.to_string();
        let words = ["SENTINEL", "SET", SERVICE, "down-after-milliseconds", &silent];
        let () = self.sentinels[0].ask(&words).await;
    }
}

async fn linked(replica: &RedisServer) -> Option<()> {
    (replica.info("replication", "master_link_status").await? == "up").then_some(())
}

async fn knows_all(sentinel: &RedisServer) -> Option<()> {
    let master: std::collections::HashMap<String, String> =
        sentinel.try_ask(&["SENTINEL", "MASTER", SERVICE]).await.ok()?;
    let number = |field: &str| master.get(field)?.parse::<usize>().ok();
    let all = number("num-slaves")? == REPLICAS && number("num-other-sentinels")? == SENTINELS - 1;
    (all && master.get("flags")? == "master").then_some(())
}

impl StoreUrl for SentinelGroup {
    fn store_url(&self) -> String {
        let sentinels: Vec<_> = self.sentinels.iter().map(RedisServer::address).collect();
        format!("redis+sentinel://:{REDIS_PASSWORD}@{}/{SERVICE}", sentinels.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_replica_takes_over_with_what_it_has() {
        let mut group = SentinelGroup::start().await;
        let () = group.master().ask(&["SET", "key", "value"]).await;
        group.caught_up().await;
        let before = group.master().port();
        group.kill_master().await;
        group.failed_over().await;
        assert_ne!(group.master().port(), before);
        assert_eq!(group.master().ask::<String>(&["GET", "key"]).await, "value");
        let () = group.master().ask(&["SET", "key", "other"]).await;
    }
}
