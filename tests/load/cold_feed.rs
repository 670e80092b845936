//! How fast a miss is: requests per second for home feeds that are composed each time, of the gateway in its production
//! profile beside a handler that splices three answers (`lean.rs`) and a Fastify BFF with three plain calls, in turns, each
//! with one worker on one core; the services (`instant.rs`) and `wrk` are on another. The gateway makes five calls: it joins
//! authors and recipe cards as well. `tests/load/run-cold` builds and calls it.

mod common;
mod measured;

use std::path::{Path, PathBuf};

use tests::program;
use tokio::process::Command;

use self::{
    common::{FEED, say},
    measured::{gateway_over, listening, median, pin, sign_in, size_of_feed, wrk},
};

const USERS: usize = 2000;
const ROUNDS: usize = 5;
const SECONDS: u32 = 6;

#[tokio::main]
async fn main() {
    let fastify = std::env::args_os().nth(1).map(PathBuf::from).expect("usage: cold-feed FOLDER-OF-FASTIFY");
    let folder = tempfile::tempdir().expect("a folder");
    let (_services, upstream) = listening(Command::new(program("instant"))).await;
    let bff = gateway_over(&upstream, folder.path())
        .await
        // Nothing that was composed is good for the next request.
        .set("screens.home_feed.fresh_ms", 0)
        .set("screens.home_feed.stale_ms", 0)
        .set("screens.home_feed.stale_if_error_ms", 0)
        .spawn()
        .await;
    let cookies = sign_in(&bff, USERS).await;
    let mut lean = Command::new(program("lean"));
    lean.args([&upstream, &USERS.to_string()]);
    let (lean, lean_url) = listening(lean).await;
    let mut node = Command::new("node");
    node.arg(fastify.join("server.js")).args([&upstream, &USERS.to_string()]).env("NODE_ENV", "production");
    let (node, node_url) = listening(node).await;
    for process in [bff.process_id(), lean.id(), node.id()] {
        pin(process).await;
    }

    let theirs: Vec<String> = (0..USERS).map(|user| format!("sid=session-{user}")).collect();
    let contenders = [
        ("gateway", format!("{}{FEED}", bff.url()), script(folder.path(), "gateway", &cookies)),
        ("lean", format!("{lean_url}{FEED}"), script(folder.path(), "lean", &theirs)),
        ("fastify", format!("{node_url}{FEED}"), script(folder.path(), "fastify", &theirs)),
    ];
    let bytes = size_of_feed(&bff, &cookies[0]).await;
    say(&format!(
        "{USERS} users, {bytes} bytes of the gateway's feed, {ROUNDS} rounds of {SECONDS} s, in turns"
    ));
    let mut rates: [Vec<f64>; 3] = Default::default();
    for round in 0..=ROUNDS {
        let mut line = format!("round {round}:");
        for ((name, url, script), rates) in contenders.iter().zip(&mut rates) {
            let rate = wrk(url, script, SECONDS).await;
            line.push_str(&format!(" {name} {rate:.0}/s"));
            // The first round warms up.
            if round > 0 {
                rates.push(rate);
            }
        }
        say(&line);
    }
    let [gateway, lean_rate, node_rate] = rates.each_mut().map(|rates| median(rates));
    say(&format!("median: gateway {gateway:.0}/s, lean {lean_rate:.0}/s, fastify {node_rate:.0}/s"));
    say(&format!("ratio to lean {:.3}, to fastify {:.2}", gateway / lean_rate, gateway / node_rate));
    for one in [lean, node] {
        one.terminate().await;
    }
}

/// A script for `wrk` that asks for one user after the other.
fn script(folder: &Path, name: &str, cookies: &[String]) -> PathBuf {
    let cookies: Vec<String> = cookies.iter().map(|cookie| format!("\"{cookie}\"")).collect();
    let text = format!(
        "local cookies = {{{}}}\nlocal all = {{}}\nfunction init(args)\n  for i, cookie in ipairs(cookies) do\n    \
         all[i] = wrk.format(\"GET\", nil, {{[\"Cookie\"] = cookie}})\n  end\nend\nlocal at = 0\n\
         function request()\n  at = at % #all + 1\n  return all[at]\nend\n",
        cookies.join(", ")
    );
    let path = folder.join(name).with_extension("lua");
    std::fs::write(&path, text).expect("a script");
    path
}
