//! A service of `tests/shop` as a child process.

use std::{net::SocketAddr, path::PathBuf};

use tokio::process::Command;

use super::shop;
use crate::Program;

/// What the line begins with that tells the address.
const LISTENING: &str = "listening on ";

/// Starts `services.py NAME` and waits until it listens. It is killed when the program is dropped.
pub(super) async fn start(name: &str, gateway: &str) -> (Program, SocketAddr) {
    let mut command = Command::new(python());
    let jwks = format!("{gateway}/.well-known/jwks.json");
    command.arg(shop().join("services.py")).args([name, &jwks]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let mut program = Program::start(command);
    let line = program.line(LISTENING).await;
    let address = line.trim_start_matches(LISTENING).trim().parse().expect("an address");
    (program, address)
}

/// The Python that `tests/run` prepares, with PyJWT.
fn python() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness is no part of the gateway and not configured by it"
    )]
    let named = std::env::var_os("TEST_PYTHON");
    PathBuf::from(named.expect("TEST_PYTHON: tests/run makes a Python environment"))
}
