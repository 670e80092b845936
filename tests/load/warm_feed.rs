//! How fast a warm feed is: requests per second of the gateway in its production profile beside those of a
//! bare actix-web handler that sends the same bytes, in turns, each with one worker on one core and `wrk` on
//! another. Prints both and their ratio. `tests/load/run` builds and calls it.

mod feed;

use tests::program;
use tokio::process::Command;

use self::feed::{FEED, bare, reader, say};

const SERVER_CORE: &str = "0";
const WRK_CORE: &str = "1";
const ROUNDS: usize = 5;
const SECONDS: u32 = 8;
const CONNECTIONS: u32 = 64;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let bff = feed::gateway(folder.path()).await.spawn().await;
    let ada = reader(&bff).await;
    let feed = ada.get(FEED).await.expect(200);
    let bytes = folder.path().join("feed.json");
    std::fs::write(&bytes, &feed.body).expect("the feed's bytes");
    let (mut bare, bare_address) = bare(Command::new(program("bare")), &bytes).await;

    for process in [bff.process_id(), bare.id()] {
        pin(process).await;
    }
    let cookie = format!("Cookie: {}", ada.cookie().expect("a cookie"));
    let (gateway_url, bare_url) = (format!("{}{FEED}", bff.url()), format!("http://{bare_address}{FEED}"));
    say(&format!(
        "{} bytes, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s, in turns",
        feed.body.len()
    ));
    for url in [&gateway_url, &bare_url] {
        wrk(url, &cookie, 2).await;
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let (gateway, bare) =
            (wrk(&gateway_url, &cookie, SECONDS).await, wrk(&bare_url, &cookie, SECONDS).await);
        say(&format!("round {round}: gateway {gateway:.0}/s, bare {bare:.0}/s, ratio {:.3}", gateway / bare));
        with.push(gateway);
        without.push(bare);
    }
    let lines =
        std::fs::read_to_string(folder.path().join("access.log")).expect("the access log").lines().count();
    let (gateway, bare_rate) = (median(&mut with), median(&mut without));
    say(&format!("median: gateway {gateway:.0}/s, bare {bare_rate:.0}/s, ratio {:.3}", gateway / bare_rate));
    say(&format!("access lines written: {lines}"));
    let _ = bare.line("listening").await;
    bare.terminate().await;
}

/// All threads of the process on the servers' core.
async fn pin(process: u32) {
    let pinned =
        Command::new("taskset").args(["-a", "-c", "-p", SERVER_CORE, &process.to_string()]).output().await;
    assert!(pinned.expect("taskset").status.success());
}

/// Requests per second.
async fn wrk(url: &str, cookie: &str, seconds: u32) -> f64 {
    let (duration, connections) = (format!("-d{seconds}s"), format!("-c{CONNECTIONS}"));
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", WRK_CORE, "wrk", "-t1", &connections, &duration, "-H", cookie, url]);
    let output = wrk.output().await.expect("wrk");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && !text.contains("Non-2xx"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).expect("a rate");
    rate.trim().parse().expect("a number")
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
