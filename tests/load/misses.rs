//! What a home feed costs that is in no cache, beside a lean handler that splices three answers and a Fastify server with
//! three plain calls. The gateway makes five calls for it (of which look-ups are joined over concurrent callers), checks what
//! comes, and keeps it; 1,024 users take turns, and no document is any good when its user comes again.

use std::{path::Path, time::Duration};

use crate::{
    callers::{Answered, Callers, Until},
    instant::Instant,
    say,
    server::Server,
};

const USERS: usize = 1024;
const ROUNDS: usize = 5;
const SECONDS: Duration = Duration::from_secs(4);
/// Nothing that is kept is ever good enough.
const NOTHING_STAYS: &[(&str, &str)] = &[
    ("screens.home_feed.fresh_ms", "0"),
    ("screens.home_feed.stale_ms", "0"),
    ("cache.cards_fresh_ms", "0"),
];

/// A server, those who call it, and what its rounds showed.
struct Contender {
    name: &'static str,
    server: Server,
    callers: Callers,
    rates: Vec<f64>,
    /// Processor time for each answer, in microseconds.
    costs: Vec<f64>,
}

/// `folder`: where the program `lean` and the folder `fastify` are; nothing: the gateway alone.
pub(crate) async fn measure(folder: Option<&Path>) {
    let (upstreams, own) = (Instant::start().await, tempfile::tempdir().expect("a folder"));
    let gateway = Server::gateway(own.path(), upstreams.address, NOTHING_STAYS).await;
    let callers = Callers::signed_in(&gateway.address, USERS).await;
    let mut contenders = vec![contender("gateway", gateway, callers)];
    if let Some(folder) = folder {
        let (address, users) = (upstreams.address.to_string(), USERS.to_string());
        let lean = folder.join("lean").display().to_string();
        let fastify = folder.join("fastify/server.mjs").display().to_string();
        let lean = Server::start(&lean, &[&address, &users]).await;
        let fastify = Server::start("node", &[&fastify, &address, &users]).await;
        for (name, server) in [("lean", lean), ("fastify", fastify)] {
            let cookies = (0..USERS).map(|user| format!("sid=lean-{user}")).collect();
            let callers = Callers::new(&server.address, cookies);
            contenders.push(contender(name, server, callers));
        }
    }
    for contender in &mut contenders {
        let answered = contender.callers.ask(Until::Requests(2 * USERS)).await;
        say(&format!("{}: {} bytes", contender.name, answered.bytes));
    }
    for round in 1..=ROUNDS {
        for contender in &mut contenders {
            upstreams.calls();
            let before = contender.server.took();
            let answered = contender.callers.ask(Until::Time(SECONDS)).await;
            contender.note(round, &answered, contender.server.took() - before, upstreams.calls());
        }
    }
    say("medians:");
    let (rate, cost) = (median(&contenders[0].rates), median(&contenders[0].costs));
    for contender in &contenders {
        let (theirs, their_cost) = (median(&contender.rates), median(&contender.costs));
        say(&format!(
            "{:8} {theirs:6.0}/s, {their_cost:4.0} µs of the processor; gateway beside it: {:.3} by rate, {:.3} by processor",
            contender.name,
            rate / theirs,
            their_cost / cost
        ));
    }
    for contender in contenders {
        contender.server.stop().await;
    }
}

fn contender(name: &'static str, server: Server, callers: Callers) -> Contender {
    Contender { name, server, callers, rates: Vec::new(), costs: Vec::new() }
}

impl Contender {
    #[expect(clippy::cast_precision_loss, reason = "it is printed")]
    fn note(&mut self, round: usize, answered: &Answered, took: Duration, calls: usize) {
        let count = answered.count() as f64;
        let cost = took.as_secs_f64() * 1e6 / count;
        say(&format!(
            "round {round}: {:8} {:6.0}/s, {cost:4.0} µs of the processor each, p50 {:.1} ms, p99 {:.1} ms, {:.2} calls each",
            self.name,
            answered.rate(),
            answered.within(500),
            answered.within(990),
            calls as f64 / count
        ));
        self.rates.push(answered.rate());
        self.costs.push(cost);
    }
}

fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
