//! What front-end developers use: the Next.js app in Chromium, the client of mobile apps, the contract and its page.

mod account;
mod account_life;
mod app;
mod contract;
mod docs;
mod fuzzing;
mod mobile;
mod revalidation;
mod site;
mod troubles;
mod upstream_contracts;
pub(crate) mod web;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where the suites leave their pictures.
pub(crate) fn pictures() -> PathBuf {
    let folder = root().join("target/tests-run/pictures");
    std::fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// Runs a script of `tests/browser` and answers with what it prints as its result.
///
/// # Panics
/// When it fails, or does not end.
pub(crate) async fn run(script: &str, argument: &Value) -> Value {
    run_in_turns(script, argument, async |turn: &str| panic!("nobody does {turn:?}")).await
}

/// The same for a script that has things done here in between: it prints `turn {"name": …}` and goes on when it gets
/// what came of it.
///
/// # Panics
/// When it fails, or does not end.
async fn run_in_turns(script: &str, argument: &Value, turns: impl AsyncFnMut(&str) -> Value) -> Value {
    let folder = root().join("tests/browser");
    assert!(folder.join("node_modules").exists(), "`npm ci` in tests/browser brings what the scripts need");
    let mut command = Command::new("node");
    command.arg(folder.join(script)).arg(argument.to_string()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // A browser takes its time on a busy machine.
    let patience = Duration::from_secs(170);
    tokio::time::timeout(patience, converse(command, turns)).await.expect("the script ends")
}

async fn converse(mut command: Command, mut turns: impl AsyncFnMut(&str) -> Value) -> Value {
    let mut child = command.spawn().expect("node runs");
    let mut answers = child.stdin.take().expect("a pipe");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (mut result, mut other) = (None, Vec::new());
    while let Some(line) = said.next_line().await.expect("what it says is text") {
        if let Some(turn) = line.strip_prefix("turn ") {
            let turn: Value = serde_json::from_str(turn).expect("JSON");
            let answer = turns(turn["name"].as_str().expect("a name")).await;
            answers.write_all(format!("{answer}\n").as_bytes()).await.expect("the script listens");
        } else if let Some(json) = line.strip_prefix("result ") {
            result = Some(serde_json::from_str(json).expect("JSON"));
        } else {
            other.push(line);
        }
    }
    let status = child.wait().await.expect("an exit status");
    assert!(status.success(), "{status}: {other:?}");
    result.expect("a script that succeeds has a result")
}
