//! The Next.js app's server, and what holds for every page that a script has looked at.

use std::net::TcpListener;

use serde_json::{Value, json};
use tests::{Program, figures, soon};
use tokio::process::Command;

use super::root;

/// The app's server. What it renders comes from one gateway.
pub(crate) struct Web {
    pub(crate) url: String,
    _server: Program,
}

impl Web {
    pub(crate) async fn start(gateway: &str) -> Self {
        Self::start_with(gateway, &[]).await
    }

    /// Starts it with more in its environment.
    pub(crate) async fn start_with(gateway: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_on(free_port(), gateway, settings).await
    }

    /// Starts it where it was announced: its port has been told to others already.
    pub(crate) async fn start_on(port: u16, gateway: &str, settings: &[(&str, &str)]) -> Self {
        let folder = root().join("deploy/web");
        assert!(folder.join(".next/BUILD_ID").exists(), "tests/run builds the app");
        let mut command = Command::new("node");
        command
            .arg(folder.join("node_modules/next/dist/bin/next"))
            .args(["start", "--hostname", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(&folder)
            .envs(settings.iter().copied())
            .env("BFF_URL", gateway)
            .env("NEXT_TELEMETRY_DISABLED", "1");
        let mut server = Program::start(command);
        let _ = soon("the app's server", server.line("✓ Ready")).await;
        Self { url: format!("http://127.0.0.1:{port}"), _server: server }
    }
}

/// A port that was free a moment ago: Next.js does not say which one it was given.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port").port()
}

/// What must hold for every page that a script has looked at, and the times that it took.
#[track_caller]
pub(crate) fn expect_sound(result: &Value) {
    let serious: Vec<&Value> = result["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| matches!(finding["impact"].as_str(), Some("serious" | "critical")))
        .collect();
    assert!(serious.is_empty(), "{serious:#?}");
    assert_eq!(result["consoleMessages"], json!([]), "nothing is said on a console");
    assert_eq!(result["notSeen"], json!([]), "every refusal that was expected came");
    for (step, took) in result["times"].as_object().into_iter().flatten() {
        figures::note(&format!("the app in Chromium: {step}"), format!("{took} ms"));
    }
}
