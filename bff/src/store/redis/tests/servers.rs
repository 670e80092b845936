//! Real Redis processes for the tests: on free ports of loopback, ended with what holds them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{FromRedisValue, Value};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// A port that nobody listens on at the moment.
pub(super) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A `redis-server`. Dropping it kills it.
pub(crate) struct Server {
    process: Option<Child>,
    pub(super) port: u16,
    folder: TempDir,
    program: &'static str,
    arguments: Vec<String>,
}

impl Server {
    /// One with `arguments`, ready to be asked.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_program("redis-server", |port, _| {
            let own = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""];
            own.iter().chain(arguments).map(|argument| (*argument).to_owned()).collect()
        })
    }

    pub(super) fn start_program(
        program: &'static str,
        arguments: impl Fn(u16, &Path) -> Vec<String>,
    ) -> Self {
        // Somebody else may take the port before the server does.
        for _ in 0..10 {
            let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
            let arguments = arguments(port, folder.path());
            let mut server = Self { process: None, port, folder, program, arguments };
            if server.run() {
                return server;
            }
        }
        panic!("{program} does not start");
    }

    /// Starts it, also again after [`kill`](Self::kill), with the same files. Answers whether it is ready.
    pub(crate) fn run(&mut self) -> bool {
        let mut command = Command::new(self.program);
        command.args(&self.arguments).current_dir(self.folder.path());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = lines.any(|line| {
            line.is_ok_and(|line| line.contains("Ready to accept connections") || line.contains("+monitor"))
        });
        self.process = Some(process);
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        if !ready {
            self.kill();
        }
        ready
    }

    /// As a machine that loses its power.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Stops it without a word: it keeps its connections and answers nothing.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Asks it on a connection made for the purpose.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &str) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            asked.arg(word);
        });
        asked.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again until `check` holds: for what no event tells.
pub(super) async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + LONG;
    while !check().await {
        assert!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A master with two replicas, watched by three sentinels.
pub(super) struct Watched {
    pub(super) servers: Vec<Server>,
    pub(super) sentinels: Vec<Server>,
}

impl Watched {
    /// A master that gets no processor for a while is not down: until [`Self::is_suspicious`] it takes a minute.
    pub(super) async fn start() -> Self {
        let master = Server::start(&[]);
        let port = master.port.to_string();
        let replica =
            || Server::start(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
        let servers = vec![replica(), replica(), master];
        let sentinel = |_| {
            Server::start_program("redis-server", |own, folder| {
                let file = folder.join("sentinel.conf");
                let settings = format!(
                    "port {own}\nbind 127.0.0.1\nsentinel monitor bff 127.0.0.1 {port} 1\n\
                     sentinel down-after-milliseconds bff 60000\nsentinel failover-timeout bff 3000\n"
                );
                std::fs::write(&file, settings).unwrap();
                vec![file.display().to_string(), "--sentinel".to_owned()]
            })
        };
        let sentinels: Vec<Server> = (0..3).map(sentinel).collect();
        let watched = Self { servers, sentinels };
        eventually("sentinels know everybody", async || {
            for sentinel in &watched.sentinels {
                let told: std::collections::HashMap<String, String> =
                    sentinel.ask("SENTINEL MASTER bff").await;
                if told["num-slaves"] != "2" || told["num-other-sentinels"] != "2" {
                    return false;
                }
            }
            true
        })
        .await;
        let master = watched.servers.last().unwrap();
        eventually("replicas are in step", async || {
            let info: String = master.ask("INFO replication").await;
            info.matches("state=online").count() == 2
        })
        .await;
        watched
    }

    pub(super) fn url(&self) -> String {
        let sentinels: Vec<String> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis+sentinel://{}/bff", sentinels.join(","))
    }

    /// Whether half a second without a word is enough to replace the master: for one of the sentinels, which the others
    /// vote for. Two that begin at the same time may each promote a replica, and the second one undoes the first.
    pub(super) async fn is_suspicious(&self, suspicious: bool) {
        let patience = if suspicious { 500 } else { 60_000 };
        let command = format!("SENTINEL SET bff down-after-milliseconds {patience}");
        let _: Value = self.sentinels[0].ask(&command).await;
    }
}

/// Three masters that share the slots.
pub(super) struct Clustered {
    pub(super) servers: Vec<Server>,
}

impl Clustered {
    /// A node that gets no processor for a while is not down: until [`Self::is_suspicious`] it takes a minute.
    pub(super) async fn start() -> Self {
        let cluster = Self { servers: (0..3).map(|_| Self::node()).collect() };
        // Nodes of one epoch settle who is the newer while they already serve: one that hands a slot over may be
        // given the newer epoch in the same moment, and then each of the two says that the other has the slot.
        for (epoch, (server, slots)) in
            (1..).zip(cluster.servers.iter().zip(["0 5460", "5461 10922", "10923 16383"]))
        {
            let _: Value = server.ask(&format!("CLUSTER SET-CONFIG-EPOCH {epoch}")).await;
            let _: Value = server.ask(&format!("CLUSTER ADDSLOTSRANGE {slots}")).await;
        }
        for server in &cluster.servers[1..] {
            cluster.meet(server).await;
        }
        cluster.agrees(3).await;
        cluster
    }

    fn node() -> Server {
        Server::start_program("redis-server", |port, _| {
            let (port, bus) = (port.to_string(), free_port().to_string());
            let own =
                ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", "0"];
            let bus = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "60000"];
            own.iter().chain(&bus).map(|argument| (*argument).to_owned()).collect()
        })
    }

    /// Two seconds without a word are enough for the nodes, and for `replica`, to give a node up.
    pub(super) async fn is_suspicious(&self, replica: &Server) {
        for node in self.servers.iter().chain([replica]) {
            let _: Value = node.ask("CONFIG SET cluster-node-timeout 2000").await;
        }
    }

    async fn meet(&self, server: &Server) {
        let mut words = server.arguments.iter().skip_while(|argument| *argument != "--cluster-port");
        let (port, bus) = (server.port, words.nth(1).unwrap());
        let _: Value = self.servers[0].ask(&format!("CLUSTER MEET 127.0.0.1 {port} {bus}")).await;
    }

    /// Waits until all nodes know each other and all slots.
    async fn agrees(&self, nodes: usize) {
        eventually("the cluster works", async || {
            for server in &self.servers {
                let (info, slots): (String, Vec<Value>) =
                    (server.ask("CLUSTER INFO").await, server.ask("CLUSTER SLOTS").await);
                let known = format!("cluster_known_nodes:{nodes}");
                if !info.contains("cluster_state:ok") || !info.contains(&known) || slots.len() != 3 {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// A replica of the last master, in step with it.
    pub(super) async fn replica_of_the_last(&self) -> Server {
        let replica = Self::node();
        self.meet(&replica).await;
        self.agrees(4).await;
        let master = self.servers.last().unwrap();
        let id: String = master.ask("CLUSTER MYID").await;
        eventually("the replica knows its master", async || {
            let nodes: String = replica.ask("CLUSTER NODES").await;
            nodes.lines().any(|line| line.starts_with(&id) && line.contains("connected"))
        })
        .await;
        let _: Value = replica.ask(&format!("CLUSTER REPLICATE {id}")).await;
        eventually("the replica is in step, and known as one to those who will vote for it", async || {
            let info: String = master.ask("INFO replication").await;
            let mut known = 0;
            for server in &self.servers {
                let nodes: String = server.ask("CLUSTER NODES").await;
                known += usize::from(nodes.contains(&format!("slave {id}")));
            }
            info.contains("state=online") && known == self.servers.len()
        })
        .await;
        replica
    }

    pub(super) fn url(&self) -> String {
        format!("redis+cluster://127.0.0.1:{}", self.servers[0].port)
    }
}
