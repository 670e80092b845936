//! Servers that are measured, as child processes on a core of their own.

use std::{net::SocketAddr, path::Path, time::Duration};

use tests::Program;
use tokio::process::Command;

use crate::SERVER_CORE;

/// A running server.
pub(crate) struct Server {
    program: Program,
    pub(crate) address: String,
}

impl Server {
    /// Starts `command` on the servers' core; it says `listening http=ADDRESS`.
    pub(crate) async fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE, program]).args(arguments);
        let mut program = Program::start(command);
        let line = program.line("listening ").await;
        Self { program, address: address(&line) }
    }

    /// Starts the gateway in its production profile with one worker and no limit that many users from one address would
    /// meet. Everything it keeps is in `folder`, its records in memory.
    pub(crate) async fn gateway(folder: &Path, upstreams: SocketAddr, settings: &[(&str, &str)]) -> Self {
        let keys = folder.join("keys").display().to_string();
        let (code, said) = tests::run_bff(&["keys", "new", "--dir", &keys], &[], folder).await;
        assert_eq!(code, Some(0), "{said}");
        let url = format!("http://{upstreams}");
        let own = [
            ("profile", "production"),
            ("keys.dir", &keys),
            ("http.listen", "127.0.0.1:0"),
            ("http.workers", "1"),
            ("http.drain_delay_ms", "0"),
            ("internal.listen", "127.0.0.1:0"),
            ("store.url", "memory:"),
            ("session.secret", "0123456789abcdef0123456789abcdef"),
            ("upstreams.profile.url", &url),
            ("upstreams.timeline.url", &url),
            ("upstreams.recipe.url", &url),
            ("limits.anonymous.per_second", "1000000"),
            ("limits.anonymous.burst", "1000000"),
            ("limits.user.per_second", "1000000"),
            ("limits.user.burst", "1000000"),
        ];
        let mut command = Command::new("taskset");
        command
            .env_clear()
            .current_dir(folder)
            .args(["-c", SERVER_CORE])
            .arg(tests::program("bff"))
            .arg("serve");
        for (key, value) in own.iter().chain(settings) {
            command.env(format!("BFF__{}", key.to_uppercase().replace('.', "__")), value);
        }
        let mut program = Program::start_logging_to(command, &folder.join("access.log"), "listening ");
        let line = program.line("listening ").await;
        Self { program, address: address(&line) }
    }

    /// Processor time that it has taken so far.
    pub(crate) fn took(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program.id())).expect("its figures");
        // proc(5): the 14th and 15th fields, in clock ticks of 10 ms; the name in brackets may hold blanks.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Memory that it holds, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.program.memory_kib("VmRSS")
    }

    pub(crate) async fn stop(self) {
        self.program.kill().await;
    }
}

fn address(line: &str) -> String {
    let word = line.split(' ').find_map(|word| word.strip_prefix("http="));
    word.expect("its address").to_owned()
}

/// All threads of a process run on that core from now on.
pub(crate) fn pin(process: u32, core: &str) {
    let mut taskset = std::process::Command::new("taskset");
    let pinned = taskset.args(["-a", "-c", "-p", core, &process.to_string()]).output();
    assert!(pinned.expect("taskset").status.success());
}
