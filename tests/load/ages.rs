//! How long 1,000 users wait whose documents live for 5 seconds, beside users whose documents live for an hour: what is
//! composed in the background must not keep readers waiting.

use std::time::Duration;

use crate::{
    callers::{Callers, Until},
    instant::Instant,
    say,
    server::Server,
};

const USERS: usize = 1000;
const ROUNDS: usize = 3;
/// Each round outlives the short lives twice.
const SECONDS: Duration = Duration::from_secs(12);

pub(crate) async fn measure() {
    let upstreams = Instant::start().await;
    let mut servers = Vec::new();
    for (name, fresh_ms) in [("a life of 5 s", "5000"), ("a life of an hour", "3600000")] {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = [("screens.home_feed.fresh_ms", fresh_ms), ("screens.home_feed.stale_ms", "30000")];
        let server = Server::gateway(folder.path(), upstreams.address, &settings).await;
        let callers = Callers::signed_in(&server.address, USERS).await;
        callers.ask(Until::Requests(2 * USERS)).await;
        servers.push((name, folder, server, callers, Vec::new()));
    }
    for round in 1..=ROUNDS {
        for (name, _, _, callers, found) in &mut servers {
            upstreams.calls();
            let answered = callers.ask(Until::Time(SECONDS)).await;
            let (p50, p99, p999) = (answered.within(500), answered.within(990), answered.within(999));
            say(&format!(
                "round {round}: {name}: {:.0}/s, p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.2} ms, {} calls",
                answered.rate(),
                upstreams.calls()
            ));
            found.push(p99);
        }
    }
    let medians = servers.iter().map(|(.., found)| {
        let mut found = found.clone();
        found.sort_by(f64::total_cmp);
        found[found.len() / 2]
    });
    let medians: Vec<f64> = medians.collect();
    say(&format!(
        "median p99: {:.2} ms and {:.2} ms, ratio {:.2}",
        medians[0],
        medians[1],
        medians[0] / medians[1]
    ));
    for (_, _, server, ..) in servers {
        server.stop().await;
    }
}
