//! What the measurements of many users share: the gateway over services that answer at once, its users, and `wrk`.

use std::path::Path;

use reqwest::Method;
use tests::{Builder, PASSWORD, Program, TestBff};
use tokio::process::Command;

use crate::common::{self, FEED};

const SERVER_CORE: &str = "0";
const WRK_CORE: &str = "1";
const CONNECTIONS: &str = "-c32";

/// The gateway in its production profile over the services at `upstream`.
pub(crate) async fn gateway_over(upstream: &str, folder: &Path) -> Builder {
    common::gateway(folder)
        .await
        .set("upstreams.profile.url", upstream)
        .set("upstreams.timeline.url", upstream)
        .set("upstreams.recipe.url", upstream)
        .set("limits.enabled", "off")
        .shipped_times()
}

/// Starts a server, and says where it listens.
pub(crate) async fn listening(command: Command) -> (Program, String) {
    let mut program = Program::start(command);
    let line = program.line("listening http=").await;
    (program, format!("http://{}", line.trim_start_matches("listening http=")))
}

/// Cookies of so many users.
pub(crate) async fn sign_in(bff: &TestBff, users: usize) -> Vec<String> {
    let mut cookies = Vec::with_capacity(users);
    for user in 0..users {
        let actor = bff.anonymous();
        let input = serde_json::json!({ "login": format!("user-{user}"), "password": PASSWORD });
        let answer = actor.from_page(Method::POST, "/auth/login").json(&input).send().await.expect(200);
        let lines = answer.all("set-cookie");
        let cookie =
            lines.iter().find_map(|line| line.split(';').next().filter(|pair| pair.contains("sid=")));
        cookies.push(cookie.expect("a cookie").to_owned());
    }
    cookies
}

/// Bytes of the feed of the user with that cookie, as it is without encoding.
pub(crate) async fn size_of_feed(bff: &TestBff, cookie: &str) -> usize {
    let asked = bff.anonymous().request(Method::GET, FEED).header("cookie", cookie);
    asked.header("accept-encoding", "identity").send().await.expect(200).body.len()
}

/// All threads of the process on the servers' core.
pub(crate) async fn pin(process: u32) {
    let pinned =
        Command::new("taskset").args(["-a", "-c", "-p", SERVER_CORE, &process.to_string()]).output().await;
    assert!(pinned.expect("taskset").status.success());
}

/// Requests per second.
pub(crate) async fn wrk(url: &str, script: &Path, seconds: u32) -> f64 {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", WRK_CORE, "wrk", "-t1", CONNECTIONS, &format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(url);
    let output = wrk.output().await.expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && !text.contains("Non-2xx"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).expect("a rate");
    rate.trim().parse().expect("a number")
}

pub(crate) fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
