//! One `redis-server`.

use std::path::PathBuf;

use redis::FromRedisValue;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Counters, StoreUrl, ports::free_port};
use crate::{Output, Program, eventually, soon};

/// The password of every Redis under test. Planted: it must turn up in no log.
pub const REDIS_PASSWORD: &str = "planted-redis-password-0123456789";

/// How often another port is tried when somebody else was quicker.
const STARTS: usize = 20;

/// What outlasts a `kill -9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing.
    Nothing,
    /// `appendonly yes`, `appendfsync everysec`: what was answered, but for moments in which the disk is slow.
    EverySecond,
    /// `appendonly yes`, `appendfsync always`: whatever was answered.
    Always,
}

/// A running `redis-server`, or a sentinel. It is killed when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    folder: TempDir,
    port: u16,
    mode: Mode,
    program: Option<Program>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Server,
    Sentinel,
}

impl RedisServer {
    /// A server that keeps nothing.
    ///
    /// # Panics
    /// When `redis-server` is not there or does not start.
    pub async fn start() -> Self {
        Self::durable(Durability::Nothing).await
    }

    /// A server that keeps what `durability` says.
    ///
    /// # Panics
    /// When `redis-server` is not there or does not start.
    pub async fn durable(durability: Durability) -> Self {
        let settings = match durability {
            Durability::Nothing => "",
            Durability::EverySecond => "appendonly yes\nappendfsync everysec\n",
            Durability::Always => "appendonly yes\nappendfsync always\n",
        };
        Self::with(Mode::Server, |_| settings.to_owned()).await
    }

    /// A server with further lines of configuration, which may name its port.
    pub(super) async fn with(mode: Mode, settings: impl Fn(u16) -> String) -> Self {
        for _ in 0..STARTS {
            let port = free_port();
            let mut server =
                Self { folder: tempfile::tempdir().expect("a folder"), port, mode, program: None };
            server.configure(&settings(port));
            if server.try_start().await {
                return server;
            }
        }
        panic!("redis-server found no port in {STARTS} starts");
    }

    fn configure(&self, settings: &str) {
        let (port, dir) = (self.port, self.folder.path().display());
        let mut text = format!("bind 127.0.0.1\nport {port}\ndir {dir}\nset-proc-title no\n");
        if self.mode == Mode::Server {
            text += &format!("save \"\"\nrequirepass {REDIS_PASSWORD}\nmasterauth {REDIS_PASSWORD}\n");
        }
        std::fs::write(self.file(), text + settings).expect("its configuration is written");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("redis.conf")
    }

    /// Starts it on its port; `false` when the port has been taken meanwhile.
    async fn try_start(&mut self) -> bool {
        let mut command = Command::new("redis-server");
        command.arg(self.file());
        let ready = match self.mode {
            Mode::Server => "Ready to accept connections",
            Mode::Sentinel => {
                command.arg("--sentinel");
                "+monitor master"
            }
        };
        let mut program = Program::start(command);
        match program.says(ready).await {
            Ok(()) => {
                self.program = Some(program);
                true
            }
            Err(output) if output.contains("Address already in use") => false,
            Err(output) => panic!("redis-server ended at its start:\n{output}"),
        }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `kill -9`. Its data stay where they are.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        self.program.take().expect("it runs").kill().await;
    }

    /// Starts it again on the same port with what it has kept.
    ///
    /// # Panics
    /// When it still runs, or does not start.
    pub async fn restart(&mut self) {
        assert!(self.program.is_none(), "it still runs");
        assert!(self.try_start().await, "somebody took port {}", self.port);
    }

    /// Stops it in the middle of whatever it does (SIGSTOP): connections stay open, nothing is answered.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn pause(&self) {
        self.program().signal("STOP").await;
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn resume(&self) {
        self.program().signal("CONT").await;
    }

    /// Asks it something and reads the answer, over a connection of its own.
    ///
    /// # Panics
    /// When it cannot be asked, or says something else.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Asks it something.
    ///
    /// # Errors
    /// When it cannot be asked, or refuses, or says something else.
    pub async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        let url = match self.mode {
            Mode::Server => self.store_url(),
            Mode::Sentinel => format!("redis://{}", self.address()),
        };
        soon("Redis to answer", async {
            let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
            command.query_async(&mut connection).await
        })
        .await
    }

    /// One value of `INFO`.
    pub async fn info(&self, section: &str, field: &str) -> Option<String> {
        let info: String = self.try_ask(&["INFO", section]).await.ok()?;
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    }

    /// Calls of each command since it started.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub async fn counters(&self) -> Counters {
        Counters::parse(&self.ask::<String>(&["INFO", "commandstats"]).await)
    }

    /// Waits until so many replicas have all that it has answered so far.
    ///
    /// # Panics
    /// When they do not get it.
    pub(super) async fn replicated_to(&self, replicas: usize) {
        let offset = self.info("replication", "master_repl_offset").await.expect("an offset");
        let written: u64 = offset.parse().expect("a number");
        eventually("the replicas to catch up", || async {
            let info: String = self.ask(&["INFO", "replication"]).await;
            let offsets = info.lines().filter(|line| line.starts_with("slave")).filter_map(|line| {
                let offset = line.split(',').find_map(|field| field.strip_prefix("offset="))?;
                offset.parse::<u64>().ok()
            });
            (offsets.filter(|offset| *offset >= written).count() == replicas).then_some(())
        })
        .await;
    }

    /// Cuts the connections that `which` picks by their line of `CLIENT LIST`; how many there were.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub async fn cut_clients(&self, which: impl Fn(&str) -> bool) -> usize {
        let list: String = self.ask(&["CLIENT", "LIST"]).await;
        let mut cut = 0;
        for line in list.lines().filter(|line| which(line)) {
            let id = line.split(' ').find_map(|field| field.strip_prefix("id=")).expect("an id");
            cut += self.ask::<usize>(&["CLIENT", "KILL", "ID", id]).await;
        }
        cut
    }

    /// Whether it was started and not killed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.program.is_some()
    }

    /// What it has said since it was started last.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn output(&self) -> &Output {
        self.program().output()
    }

    fn program(&self) -> &Program {
        self.program.as_ref().expect("it runs")
    }
}

impl StoreUrl for RedisServer {
    fn store_url(&self) -> String {
        format!("redis://:{REDIS_PASSWORD}@{}", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_durable_server_has_after_kill_9_what_it_answered() {
        let mut redis = RedisServer::durable(Durability::Always).await;
        for number in 0..100 {
            let key = format!("key{number}");
            let () = redis.ask(&["SET", &key, "value"]).await;
        }
        assert_eq!(redis.counters().await.of("set"), 100);
        redis.kill().await;
        assert!(redis.try_ask::<u64>(&["DBSIZE"]).await.is_err());
        redis.restart().await;
        assert_eq!(redis.ask::<u64>(&["DBSIZE"]).await, 100);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_paused_server_answers_when_it_goes_on() {
        let redis = RedisServer::start().await;
        redis.pause().await;
        let asked = redis.ask::<String>(&["PING"]);
        tokio::pin!(asked);
        let silence = tokio::time::timeout(std::time::Duration::from_millis(200), &mut asked).await;
        assert!(silence.is_err());
        redis.resume().await;
        assert_eq!(asked.await, "PONG");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_gets_in_without_the_password() {
        let redis = RedisServer::start().await;
        let stranger = redis::Client::open(format!("redis://{}", redis.address())).expect("a URL");
        let mut connection = stranger.get_multiplexed_async_connection().await.expect("a connection");
        let refused = redis::cmd("DBSIZE").query_async::<u64>(&mut connection).await;
        assert!(refused.expect_err("refused").to_string().contains("NOAUTH"));
    }
}
