//! How often callers may ask: by address, by user, by server; what they are told of it, and how it goes on.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::{
    Actor, Answer, Builder, PASSWORD, Replica, TestBff,
    redis::{Durability, RedisServer},
};

use crate::{callers, tokens::app};

const KEYS: &str = "/.well-known/jwks.json";
const SESSION: &str = "/auth/session";

/// Limits that a test can reach: a burst, and one more each second.
fn builder(anonymous: u32, user: u32, caller: u32) -> Builder {
    [("anonymous", anonymous), ("user", user), ("caller", caller)]
        .into_iter()
        .fold(callers::builder(), |builder, (tier, burst)| {
            let key = |name: &str| format!("limits.{tier}.{name}");
            builder.set(&key("per_second"), 1).set(&key("burst"), burst)
        })
        .set("http.trusted_proxies", "127.0.0.0/8")
}

/// What a request is told of its limit: tier, how many are left.
#[track_caller]
fn left(answer: &Answer, burst: u32) -> (String, u32) {
    let policy = answer.header("ratelimit-policy").expect("RateLimit-Policy");
    let state = answer.header("ratelimit").expect("RateLimit");
    let (tier, rest) = state.trim_start_matches('"').split_once("\";r=").expect("\"tier\";r=");
    assert_eq!(policy, format!("\"{tier}\";q={burst};w={burst}"), "one more each second");
    let left = rest.strip_suffix(";t=1").expect("t is a second").parse().expect("a number");
    (tier.to_owned(), left)
}

#[track_caller]
fn refused(answer: &Answer, tier: &str, burst: u32) {
    answer.expect_problem(429, "rate_limited");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(left(answer, burst), (tier.to_owned(), 0));
}

/// Asks until it is refused, as `tier`. Before, exactly a burst is allowed, and what was refilled meanwhile.
async fn exhaust(tier: &str, burst: u32, ask: impl AsyncFn() -> Answer) {
    let began = Instant::now();
    let mut allowed = 0;
    loop {
        let answer = ask().await;
        if answer.status == 429 {
            refused(&answer, tier, burst);
            break;
        }
        allowed += 1;
        assert_eq!(left(&answer, burst).0, tier);
        assert!(allowed <= 1000, "never refused");
    }
    let refilled = began.elapsed().as_secs() + 1;
    assert!(allowed >= u64::from(burst), "{allowed} of {burst}");
    assert!(allowed <= u64::from(burst) + refilled, "{allowed} of {burst} in {refilled} s");
}

fn from(nobody: &Actor, address: &str, method: Method, path: &str) -> tests::Request {
    nobody.signed_out().request(method, path).header("x-forwarded-for", address)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_limited_where_limits_are_off() {
    let bff = builder(1, 1, 1).set("limits.enabled", false).spawn().await;
    for answer in join_all((0..100).map(|_| async { bff.anonymous().get(KEYS).await })).await {
        let answer = answer.expect(200);
        assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_limited_by_address_wherever_they_ask() {
    let bff = builder(10, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    let first = from(&nobody, "192.0.2.1", Method::GET, KEYS).send().await.expect(200);
    assert_eq!(left(&first, 10), ("anonymous".to_owned(), 9));
    let second = from(&nobody, "192.0.2.1", Method::GET, "/nothing/here").send().await.expect(404);
    assert!(left(&second, 10).1 < 10);
    exhaust("anonymous", 10, async || from(&nobody, "192.0.2.2", Method::GET, "/nothing/here").send().await)
        .await;
    // One after the other, a second would go by.
    let login = json!({ "login": "ada", "password": PASSWORD });
    let asking = [
        from(&nobody, "192.0.2.2", Method::GET, KEYS),
        from(&nobody, "192.0.2.2", Method::GET, "/api/recipes"),
        from(&nobody, "192.0.2.2", Method::DELETE, KEYS),
        from(&nobody, "192.0.2.2", Method::POST, "/auth/login").json(&login),
        from(&nobody, "192.0.2.2", Method::OPTIONS, "/auth/login"),
    ];
    let answers = join_all(asking.map(tests::Request::send)).await;
    let refusals = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .inspect(|answer| refused(answer, "anonymous", 10));
    assert!(refusals.count() >= 4, "{answers:?}");
    let _ = from(&nobody, "192.0.2.3", Method::GET, KEYS).send().await.expect(200);
    let _ = from(&nobody, "2001:db8:1:2::1", Method::GET, KEYS).send().await.expect(200);
    let network = from(&nobody, "2001:db8:1:2:ffff::1", Method::GET, KEYS).send().await.expect(200);
    assert!(left(&network, 10).1 <= 9, "a /64 is one address");
    let metrics = bff.internal("/metrics").await.expect(200);
    assert_eq!(metrics.header("ratelimit"), None, "the operator is not limited");
    assert!(metrics.text().contains("bff_rate_limited_total{tier=\"anonymous\"}"), "{}", metrics.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_one_limit_on_all_devices_and_nobody_else_is_concerned() {
    let bff = builder(1000, 20, 1000).spawn().await;
    let (browser, phone, bob) =
        (bff.signed_in("ada").await, app(&bff, "ada").await, bff.signed_in("bob").await);
    let spent = browser.get(SESSION).await.expect(200);
    assert_eq!(left(&spent, 20).0, "user");
    exhaust_rest(async || phone.get(SESSION).await).await;
    let answers = join_all((0..5).map(|_| browser.request(Method::GET, "/bff/home-feed").send())).await;
    assert!(answers.iter().any(|answer| answer.status == 429));
    let _ = bob.get(SESSION).await.expect(200);
    let nobody = bff.anonymous().get(KEYS).await.expect(200);
    assert_eq!(left(&nobody, 1000).0, "anonymous");
    // The user is known by the session, not by where it comes from.
    let metrics = bff.internal("/metrics").await.text();
    assert!(metrics.contains("bff_rate_limited_total{tier=\"user\"}"), "{metrics}");
    assert!(!metrics.contains("bff_rate_limited_total{tier=\"anonymous\"}"), "{metrics}");
}

/// Asks until it is refused.
async fn exhaust_rest(ask: impl AsyncFn() -> Answer) {
    for _ in 0..1000 {
        if ask().await.status == 429 {
            return;
        }
    }
    panic!("never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_its_own_limit_and_its_users_are_not_charged() {
    let bff = builder(1000, 10, 20).spawn().await;
    let ada = bff.signed_in("ada").await;
    let by_server = || ada.request(Method::GET, SESSION).header("x-caller-token", callers::TOKEN).send();
    exhaust("caller", 20, async || by_server().await).await;
    let own = ada.get(SESSION).await.expect(200);
    assert!(left(&own, 10).1 >= 8, "{:?}", own.header("ratelimit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_no_good_are_charged_to_the_address() {
    let bff = builder(15, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    for (address, header, value) in [
        ("192.0.2.1", "cookie", "sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("192.0.2.2", "authorization", "Bearer of.bad.news"),
        ("192.0.2.3", "authorization", "Bearer"),
    ] {
        // Also where nobody looks at it.
        for path in [SESSION, KEYS] {
            let ask = async || from(&nobody, address, Method::GET, path).header(header, value).send().await;
            let answer = ask().await;
            let expected = if path == SESSION { 401 } else { 200 };
            assert!([expected, 429].contains(&answer.status.as_u16()), "{}", answer.text());
            exhaust_rest(ask).await;
        }
    }
    let wrong = |address: &'static str| {
        from(&nobody, address, Method::GET, KEYS).header("x-caller-token", "invented-token-of-nobody").send()
    };
    wrong("192.0.2.4").await.expect_problem(401, "invalid_caller_token");
    exhaust_rest(async || wrong("192.0.2.4").await).await;
    let metrics = bff.internal("/metrics").await.text();
    assert!(!metrics.contains("bff_rate_limited_total{tier=\"user\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_second_that_was_asked_for_it_goes_on() {
    let bff = builder(5, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    exhaust("anonymous", 5, async || nobody.get(KEYS).await).await;
    let refusal = loop {
        let answer = nobody.get(KEYS).await;
        if answer.status == 429 {
            break answer;
        }
    };
    let seconds = refusal.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("seconds");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let _ = nobody.get(KEYS).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_can_read_a_refusal_and_ask_beforehand_for_free() {
    let bff = builder(5, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    let across = |method: Method| nobody.request(method, KEYS).header("origin", TestBff::ORIGIN);
    exhaust("anonymous", 5, async || across(Method::GET).send().await).await;
    let refusal = loop {
        let answer = across(Method::GET).send().await;
        if answer.status == 429 {
            break answer;
        }
    };
    assert_eq!(refusal.header("access-control-allow-origin"), Some(TestBff::ORIGIN));
    for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
        assert!(refusal.lists("access-control-expose-headers", name), "{name}");
    }
    for _ in 0..20 {
        let preflight = across(Method::OPTIONS).header("access-control-request-method", "GET").send().await;
        assert!(preflight.status.is_success(), "{} {}", preflight.status, preflight.text());
    }
}

/// Asks both in turns until both refuse; how many were allowed.
async fn exhaust_both(replicas: [&Replica; 2]) -> u64 {
    let (mut allowed, mut refusals) = (0, 0);
    for number in 0..1000 {
        let answer = replicas[number % 2].anonymous().get(KEYS).await;
        if answer.status == 429 {
            refusals += 1;
        } else {
            let _ = answer.expect(200);
            allowed += 1;
            refusals = 0;
        }
        if refusals == 2 {
            return allowed;
        }
    }
    panic!("never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_over_one_redis_share_a_limit_and_go_on_alone_without_it() {
    let mut redis = RedisServer::durable(Durability::Nothing).await;
    let here = builder(30, 1000, 1000).set("limits.shared", true).redis(&redis).spawn().await;
    let there = here.replica().await;
    let began = Instant::now();
    let allowed = exhaust_both([&here, &there]).await;
    let refilled = began.elapsed().as_secs() + 1;
    assert!((30..=30 + refilled).contains(&allowed), "{allowed} in {refilled} s");
    redis.kill().await;
    // Each has still half of its own.
    let began = Instant::now();
    let alone = exhaust_both([&here, &there]).await;
    let refilled = 2 * (began.elapsed().as_secs() + 1);
    assert!(alone >= 20 && alone <= 30 + 2 * refilled, "{alone} in {refilled} s");
    for replica in [&here as &Replica, &there] {
        let metrics = replica.internal("/metrics").await.text();
        let count = metrics.lines().find_map(|line| line.strip_prefix("bff_rate_limits_alone_total "));
        assert!(count.is_some_and(|count| count != "0"), "{metrics}");
    }
}
