//! The gateway as a child process.

use std::{net::SocketAddr, path::Path};

use tokio::process::Command;

use super::program::{Program, program};
use crate::soon;

/// What the line begins with that tells the addresses.
const LISTENING: &str = "listening ";

/// A running gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) program: Program,
    pub(super) http: SocketAddr,
    pub(super) internal: SocketAddr,
}

impl Gateway {
    /// Starts it and waits until it listens. Its output is kept in memory, or goes to `log`.
    pub(super) async fn start(
        settings: &[(String, String)],
        folder: &Path,
        declarations: Option<&Path>,
        log: Option<&Path>,
    ) -> Self {
        let mut command = command(settings, folder);
        command.arg("serve");
        if let Some(dir) = declarations {
            command.arg("--declarations").arg(dir);
        }
        let mut program = match log {
            Some(log) => Program::start_logging_to(command, log, LISTENING),
            None => Program::start(command),
        };
        let line = program.line(LISTENING).await;
        let address = |name: &str| {
            let word = line.split(' ').find_map(|word| word.strip_prefix(name)).expect("its address");
            word.parse::<SocketAddr>().expect("an address")
        };
        Self { http: address("http="), internal: address("internal="), program }
    }
}

/// The gateway with `settings` (`section.key`, value) and nothing else in its environment. Proxy variables
/// point nowhere: calls to upstreams must not heed them.
fn command(settings: &[(String, String)], folder: &Path) -> Command {
    let mut command = Command::new(program("bff"));
    command.env_clear().current_dir(folder);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    for (key, value) in settings {
        command.env(format!("BFF__{}", key.to_uppercase().replace('.', "__")), value);
    }
    command
}

/// Runs the gateway's command to its end: exit code, and what it said on both outputs.
///
/// # Panics
/// When it does not end.
pub async fn run_bff(arguments: &[&str], settings: &[(&str, &str)], folder: &Path) -> (Option<i32>, String) {
    let settings: Vec<_> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let ran = command(&settings, folder).kill_on_drop(true).args(arguments).output();
    let output = soon("the end of the command", ran).await.expect("the command runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}
