//! What front-end developers use: the Next.js app in Chromium, the client of mobile apps, the contract and its page.

mod app;
mod contract;
mod docs;
mod fuzzing;
mod mobile;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where the suites leave their pictures.
fn pictures() -> PathBuf {
    let folder = root().join("target/tests-run/pictures");
    std::fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// Runs a script of `tests/browser` and answers with what it prints as its result.
///
/// # Panics
/// When it fails, or does not end.
async fn run(script: &str, argument: &Value) -> Value {
    let folder = root().join("tests/browser");
    assert!(folder.join("node_modules").exists(), "`npm ci` in tests/browser brings what the scripts need");
    let mut command = Command::new("node");
    command.arg(folder.join(script)).arg(argument.to_string()).kill_on_drop(true);
    // A browser takes its time on a busy machine.
    let patience = std::time::Duration::from_secs(170);
    let ran =
        tokio::time::timeout(patience, command.output()).await.expect("the script ends").expect("node runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let result = said.lines().find_map(|line| line.strip_prefix("result "));
    serde_json::from_str(result.unwrap_or_else(|| panic!("{said}"))).expect("JSON")
}
