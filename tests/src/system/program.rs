//! A child process.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::process::{Child, Command};

use super::Output;
use crate::{eventually, soon};

/// Milliseconds within which a killed program's output ends.
const ENDS: u32 = 2000;

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    output: Output,
    reader: Reader,
}

/// Who reads what it says.
#[derive(Debug)]
enum Reader {
    /// All of it.
    Whole(std::thread::JoinHandle<()>),
    /// Its beginning.
    Beginning(tokio::task::JoinHandle<()>),
}

impl Reader {
    /// Waits until it has read what it is to read.
    async fn ended(self) {
        match self {
            Self::Whole(thread) => {
                let joined = tokio::task::spawn_blocking(|| thread.join());
                let joined = soon("the end of its output", joined).await.expect("joining does not panic");
                joined.expect("reading does not panic");
            }
            Self::Beginning(task) => {
                soon("the beginning of its output", task).await.expect("reading does not panic");
            }
        }
    }
}

impl Program {
    /// Starts `command`; all it says is kept in memory.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let (said, out) = std::io::pipe().expect("a pipe");
        command.stderr(out.try_clone().expect("a second handle")).stdout(out);
        // The command takes its ends of the pipe along, so that the reader sees the program's end.
        let child = spawn(command);
        let output = Output::default();
        let reader = Reader::Whole(output.read_from(said));
        Self { child, output, reader }
    }

    /// Starts `command`; all it says goes to a file, which is read until a line begins with `last`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_logging_to(mut command: Command, file: &Path, last: &str) -> Self {
        let opened = std::fs::File::create(file).expect("the file for its output");
        command.stderr(opened.try_clone().expect("a second handle")).stdout(opened);
        let output = Output::in_file(file);
        let reader = Reader::Beginning(output.read_until(last, file.to_owned()));
        Self { child: spawn(command), output, reader }
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

    /// Waits for a line that has `part` in it.
    ///
    /// # Errors
    /// All it said, when it ends before that.
    ///
    /// # Panics
    /// When neither comes.
    pub async fn says(&mut self, part: &str) -> Result<(), String> {
        let ended = tokio::select! {
            _ = self.output.line_with(part) => false,
            _ = self.child.wait() => true,
        };
        if !ended {
            return Ok(());
        }
        eventually("the end of its output", || async { self.has_been_read().then_some(()) }).await;
        Err(self.output.whole())
    }

    fn has_been_read(&self) -> bool {
        match &self.reader {
            Reader::Whole(thread) => thread.is_finished(),
            Reader::Beginning(task) => task.is_finished(),
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
        self.signal("TERM").await;
    }

    /// Sends a signal, such as `HUP`.
    ///
    /// # Panics
    /// When it has ended.
    pub async fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().await.expect("a shell");
        assert!(sent.success(), "SIG{name} was sent");
    }

    /// Waits for its end, and until all it said is here.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(mut self) -> ExitStatus {
        let status = soon("the end of the program", self.child.wait()).await.expect("an exit status");
        self.reader.ended().await;
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

    /// Kills it and returns all it said: for destructors, which cannot await anything.
    #[must_use]
    pub(super) fn cut_off(mut self) -> String {
        // It may have ended already.
        let _ = self.child.start_kill();
        // The thread reads on by itself; a child of the program that holds its output open must not hold up more.
        for _ in 0..ENDS {
            if self.has_been_read() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.output.whole()
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
