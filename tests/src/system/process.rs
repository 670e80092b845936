//! The gateway as a child process.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

use crate::soon;

/// What the process says, standard output and standard error in one. Clones are the same text.
#[derive(Debug, Clone)]
pub struct Output {
    text: Arc<Mutex<String>>,
    grown: watch::Sender<usize>,
}

impl Default for Output {
    fn default() -> Self {
        Self { text: Arc::default(), grown: watch::Sender::new(0) }
    }
}

impl Output {
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().clone()
    }

    /// Waits for a line that begins with `prefix`, and returns it.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn line(&self, prefix: &str) -> String {
        let mut grown = self.grown.subscribe();
        let found = |text: &str| text.lines().find(|line| line.starts_with(prefix)).map(str::to_owned);
        let line = soon(prefix, async {
            loop {
                grown.borrow_and_update();
                if let Some(line) = found(&self.text()) {
                    return line;
                }
                // The sender lives as long as `self`.
                let _ = grown.changed().await;
            }
        });
        line.await
    }

    fn push(&self, line: &str) {
        let mut text = self.text.lock();
        text.push_str(line);
        text.push('\n');
        self.grown.send_replace(text.len());
    }

    fn read_from(&self, stream: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                output.push(&String::from_utf8_lossy(&line));
            }
        })
    }
}

/// A running gateway. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    readers: [JoinHandle<()>; 2],
    pub(super) http: SocketAddr,
    pub(super) internal: SocketAddr,
}

impl Process {
    /// Starts it and waits until it listens.
    pub(super) async fn start(settings: &[(String, String)], folder: &Path, output: &Output) -> Self {
        let mut child = command(settings, folder).arg("serve").spawn().expect("the gateway starts");
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        // Only what this process says counts, not its predecessor on the same output.
        let first = Output::default();
        let listening = first.clone();
        let (all, copy) = (output.clone(), first.clone());
        let out = tokio::spawn(async move {
            let mut lines = BufReader::new(out).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let line = String::from_utf8_lossy(&line);
                all.push(&line);
                copy.push(&line);
            }
        });
        let err = output.read_from(err);
        let line = tokio::select! {
            line = listening.line("listening ") => line,
            ended = child.wait() => panic!("the gateway ended at its start: {ended:?}\n{}", output.text()),
        };
        let address = |name: &str| {
            let word = line.split(' ').find_map(|word| word.strip_prefix(name)).expect("its address");
            word.parse::<SocketAddr>().expect("an address")
        };
        let (http, internal) = (address("http="), address("internal="));
        Self { child, readers: [out, err], http, internal }
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id().expect("a process that runs")
    }

    /// Sends SIGTERM.
    pub(super) async fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().await.expect("a shell");
        assert!(sent.success(), "SIGTERM was sent");
    }

    /// Waits for its end, and until all it said is here.
    pub(super) async fn ended(mut self) -> ExitStatus {
        let status = soon("the end of the gateway", self.child.wait()).await.expect("an exit status");
        for reader in self.readers {
            soon("the end of its output", reader).await.expect("reading does not panic");
        }
        status
    }

    /// SIGKILL: no handler, no flush.
    pub(super) async fn kill(mut self) {
        self.child.start_kill().expect("a process that runs");
        self.ended().await;
    }

    /// A line of `/proc/PID/status` in KiB, such as `VmRSS` or `VmHWM`.
    pub(super) fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        line.trim_matches([':', '\t', ' ', 'k', 'B']).parse().expect("a number of KiB")
    }
}

/// The binary under test: beside this test's own, or what `BFF_BIN` names.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn bff_binary() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness is no part of the gateway and not configured by it"
    )]
    let named = std::env::var_os("BFF_BIN").map(PathBuf::from);
    let beside = || {
        let own = std::env::current_exe().expect("the path of this test");
        // target/debug/deps/it-… -> target/debug/bff
        let folder = own.ancestors().nth(2).expect("target/debug");
        folder.join("bff")
    };
    let path = named.unwrap_or_else(beside);
    assert!(path.exists(), "{} is missing: `cargo build -p bff` makes it", path.display());
    path
}

/// The gateway with `settings` (`section.key`, value) and nothing else in its environment. Proxy variables
/// point nowhere: calls to upstreams must not heed them.
fn command(settings: &[(String, String)], folder: &Path) -> Command {
    let mut command = Command::new(bff_binary());
    command.env_clear().current_dir(folder);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    for (key, value) in settings {
        command.env(format!("BFF__{}", key.to_uppercase().replace('.', "__")), value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs the gateway's command to its end: exit code, and what it said on both outputs.
///
/// # Panics
/// When it does not end.
pub async fn run_bff(arguments: &[&str], settings: &[(&str, &str)], folder: &Path) -> (Option<i32>, String) {
    let settings: Vec<_> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let ran = command(&settings, folder).args(arguments).output();
    let output = soon("the end of the command", ran).await.expect("the command runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}
