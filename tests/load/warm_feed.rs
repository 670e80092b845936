//! How fast a warm feed is: requests per second of the gateway in its production profile beside those of a
//! bare actix-web handler that sends the same bytes, in turns, each with one worker on one core and `wrk` on
//! another. Prints both and their ratio. `tests/load/run` builds and calls it.

use std::{io::Write as _, path::Path};

use serde_json::json;
use tests::{Actor, Program, TestBff, program};
use tokio::process::Command;

const FEED: &str = "/bff/home-feed";
const SERVER_CORE: &str = "0";
const WRK_CORE: &str = "1";
const ROUNDS: usize = 5;
const SECONDS: u32 = 8;
const CONNECTIONS: u32 = 64;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys").display().to_string();
    let (code, said) = tests::run_bff(&["keys", "new", "--dir", &keys], &[], folder.path()).await;
    assert_eq!(code, Some(0), "{said}");
    let bff = TestBff::builder()
        .set("profile", "production")
        .set("keys.dir", &keys)
        .set("http.workers", 1)
        // One user asks as often as a whole town.
        .set("limits.user.per_second", 1_000_000)
        .set("limits.user.burst", 1_000_000)
        .log_to(&folder.path().join("access.log"))
        .alone()
        .spawn()
        .await;
    let ada = reader(&bff).await;
    let feed = ada.get(FEED).await.expect(200);
    let bytes = folder.path().join("feed.json");
    std::fs::write(&bytes, &feed.body).expect("the feed's bytes");
    let (mut bare, bare_url) = bare(&bytes).await;

    for process in [bff.process_id(), bare.id()] {
        pin(process).await;
    }
    let cookie = format!("Cookie: {}", ada.cookie().expect("a cookie"));
    let (gateway_url, bare_url) = (format!("{}{FEED}", bff.url()), format!("{bare_url}{FEED}"));
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

/// Somebody with a feed of ordinary length: 20 posts, half of them about recipes, and 10 recipes.
async fn reader(bff: &TestBff) -> Actor {
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let _ = ada.put(&format!("/api/follows/{}", bob.id())).await.expect(204);
    for number in 0..10 {
        let recipe = json!({
            "title": format!("돼지고기 김치찌개 {number}"), "body": "끓인다.", "servings": 4,
            "ingredients": [{ "ingredientId": "rice", "amount": 400 }, { "ingredientId": "egg", "amount": 2 }],
        });
        let made = bob.post("/api/recipes", &recipe).await.expect(201).json();
        let about =
            json!({ "text": "오늘 저녁은 이것. 한 그릇 값이 커피 한 잔보다 싸요.", "recipeId": made["id"] });
        let _ = bob.post("/api/posts", &about).await.expect(201);
        let _ = ada.post("/api/posts", &json!({ "text": "좋은 아침" })).await.expect(201);
    }
    ada
}

async fn bare(bytes: &Path) -> (Program, String) {
    let mut command = Command::new(program("bare"));
    command.arg(bytes);
    let mut bare = Program::start(command);
    let line = bare.line("listening http=").await;
    let address = line.trim_start_matches("listening http=").to_owned();
    (bare, format!("http://{address}"))
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

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output");
}
