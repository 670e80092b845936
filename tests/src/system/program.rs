//! A child process.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::{
    process::{Child, Command},
    task::JoinHandle,
};

use super::Output;
use crate::soon;

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: Output,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    /// Starts `command`; all it says is kept in memory.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command);
        let output = Output::default();
        let out = output.read_from(child.stdout.take().expect("it is piped"));
        let err = output.read_from(child.stderr.take().expect("it is piped"));
        Self { child, output, readers: vec![out, err] }
    }

    /// Starts `command`; all it says goes to a file, which is read until a line begins with `last`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_logging_to(mut command: Command, file: &Path, last: &str) -> Self {
        let opened = std::fs::File::create(file).expect("the file for its output");
        command.stderr(opened.try_clone().expect("a second handle")).stdout(opened);
        let output = Output::default();
        let beginning = output.read_until(last, file.to_owned());
        Self { child: spawn(command), output, readers: vec![beginning] }
    }

    /// What it has said so far.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Waits for a line that begins with `prefix`.
    ///
    /// # Panics
    /// When the program ends before it comes.
    pub async fn line(&mut self, prefix: &str) -> String {
        tokio::select! {
            line = self.output.line(prefix) => line,
            ended = self.child.wait() => panic!("ended at its start: {ended:?}\n{}", self.output.text()),
        }
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("a process that runs")
    }

    /// Sends SIGTERM.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().await.expect("a shell");
        assert!(sent.success(), "SIGTERM was sent");
    }

    /// Waits for its end, and until all it said is here.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(mut self) -> ExitStatus {
        let status = soon("the end of the program", self.child.wait()).await.expect("an exit status");
        for reader in self.readers {
            soon("the end of its output", reader).await.expect("reading does not panic");
        }
        status
    }

    /// SIGKILL: no handler, no flush.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn kill(mut self) {
        self.child.start_kill().expect("a process that runs");
        self.ended().await;
    }

    /// A line of `/proc/PID/status` in KiB, such as `VmRSS` or `VmHWM`.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().expect("a number of KiB")
    }
}

fn spawn(mut command: Command) -> Child {
    command.stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.as_std()))
}

/// A program of this workspace: beside this test's own, or the gateway that `BFF_BIN` names.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness is no part of the gateway and not configured by it"
    )]
    let named = std::env::var_os("BFF_BIN").filter(|_| name == "bff").map(PathBuf::from);
    let beside = || {
        let own = std::env::current_exe().expect("the path of this test");
        // target/debug/deps/it-… or target/debug/… -> target/debug/name
        let mut folders = own.ancestors().skip(1).filter(|folder| !folder.ends_with("deps"));
        folders.next().expect("target/debug").join(name)
    };
    let path = named.unwrap_or_else(beside);
    assert!(path.exists(), "{} is missing: `cargo build --workspace` makes it", path.display());
    path
}
