//! Several gateways over one Redis, and Redis in trouble.

mod deleted;
mod failover;
mod many_sign_ins;
mod outage;
mod refresh;
mod signed_out;
mod stopped;

use std::time::{Duration, Instant};

use serde_json::json;
use tests::{
    Actor, Answer, Builder, Replica, TestBff,
    redis::{Durability, RedisServer, StoreUrl},
};

const FEED: &str = "/bff/home-feed";

/// What must be so at once is so within this time, also on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Two gateways over one store.
struct Pair<Store> {
    here: TestBff,
    there: Replica,
    store: Store,
}

impl Pair<RedisServer> {
    async fn start(durability: Durability, builder: Builder) -> Self {
        Self::over(RedisServer::durable(durability).await, builder).await
    }
}

impl<Store: StoreUrl> Pair<Store> {
    async fn over(store: Store, builder: Builder) -> Self {
        let here = builder.redis(&store).spawn().await;
        let there = here.replica().await;
        Self { here, there, store }
    }

    /// Both gateways.
    fn both(&self) -> [&Replica; 2] {
        [&self.here, &self.there]
    }
}

/// Somebody with this cookie and nothing else, at `replica`.
fn bearer_of(cookie: &Option<String>, replica: &Replica) -> Actor {
    let actor = replica.anonymous();
    actor.set_cookie(cookie.clone());
    actor
}

/// Asks until the answer is 401, and takes no other one but 200; since when `began` that is so.
async fn refused_since(began: Instant, actor: &Actor, path: &str) -> Duration {
    loop {
        let answer = actor.get(path).await;
        let took = began.elapsed();
        if answer.status == 401 {
            return took;
        }
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(took < AT_ONCE, "still signed in after {took:?}");
    }
}

async fn sign_out(actor: &Actor) {
    let _ = actor.post("/auth/logout", &json!({})).await.expect(204);
}

/// Checks that this is what is answered without the store.
#[track_caller]
fn expect_store_away(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(retry_after.is_some_and(|seconds| seconds > 0), "503 says when to come back: {answer:?}");
}

/// `median … ms, at most … ms of …`.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
    format!("median {}, at most {} of {}", ms(median), ms(most), times.len())
}
