//! How often callers may ask: by address, by user, by server; what they are told of it, and how it goes on.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, future::join_all, stream};
use reqwest::Method;
use serde_json::json;
use tests::{
    Actor, Answer, Builder, PASSWORD, Replica, TestBff,
    redis::{Durability, RedisServer},
};

use crate::{callers, tokens::app};

/// What everybody may read.
const OPEN: &str = "/auth/oidc";
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
    for answer in join_all((0..100).map(|_| async { bff.anonymous().get(OPEN).await })).await {
        let answer = answer.expect(200);
        assert_eq!((answer.header("ratelimit"), answer.header("ratelimit-policy")), (None, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_limited_by_address_wherever_they_ask() {
    let bff = builder(10, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    let first = from(&nobody, "192.0.2.1", Method::GET, OPEN).send().await.expect(200);
    assert_eq!(left(&first, 10), ("anonymous".to_owned(), 9));
    let second = from(&nobody, "192.0.2.1", Method::GET, "/nothing/here").send().await.expect(404);
    assert!(left(&second, 10).1 < 10);
    exhaust("anonymous", 10, async || from(&nobody, "192.0.2.2", Method::GET, "/nothing/here").send().await)
        .await;
    // One after the other, a second would go by.
    let login = json!({ "login": "ada", "password": PASSWORD });
    let asking = [
        from(&nobody, "192.0.2.2", Method::GET, OPEN),
        from(&nobody, "192.0.2.2", Method::GET, "/api/recipes"),
        from(&nobody, "192.0.2.2", Method::DELETE, OPEN),
        from(&nobody, "192.0.2.2", Method::POST, "/auth/login").json(&login),
        from(&nobody, "192.0.2.2", Method::OPTIONS, "/auth/login"),
    ];
    let answers = join_all(asking.map(tests::Request::send)).await;
    let refusals = answers
        .iter()
        .filter(|answer| answer.status == 429)
        .inspect(|answer| refused(answer, "anonymous", 10));
    assert!(refusals.count() >= 4, "{answers:?}");
    let _ = from(&nobody, "192.0.2.3", Method::GET, OPEN).send().await.expect(200);
    let _ = from(&nobody, "2001:db8:1:2::1", Method::GET, OPEN).send().await.expect(200);
    let network = from(&nobody, "2001:db8:1:2:ffff::1", Method::GET, OPEN).send().await.expect(200);
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
    let nobody = bff.anonymous().get(OPEN).await.expect(200);
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
        for path in [SESSION, OPEN] {
            let ask = async || from(&nobody, address, Method::GET, path).header(header, value).send().await;
            let answer = ask().await;
            let expected = if path == SESSION { 401 } else { 200 };
            assert!([expected, 429].contains(&answer.status.as_u16()), "{}", answer.text());
            exhaust_rest(ask).await;
        }
    }
    let wrong = |address: &'static str| {
        from(&nobody, address, Method::GET, OPEN).header("x-caller-token", "invented-token-of-nobody").send()
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
    exhaust("anonymous", 5, async || nobody.get(OPEN).await).await;
    let refusal = loop {
        let answer = nobody.get(OPEN).await;
        if answer.status == 429 {
            break answer;
        }
    };
    let seconds = refusal.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("seconds");
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let _ = nobody.get(OPEN).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_can_read_a_refusal_and_ask_beforehand_for_free() {
    let bff = builder(5, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    let across = |method: Method| nobody.request(method, OPEN).header("origin", TestBff::ORIGIN);
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
        let answer = replicas[number % 2].anonymous().get(OPEN).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_there_for_everybody_however_much_their_address_has_asked() {
    let bff = builder(5, 1000, 1000).spawn().await;
    let nobody = bff.anonymous();
    exhaust("anonymous", 5, async || nobody.get(OPEN).await).await;
    for method in [Method::GET, Method::HEAD].into_iter().cycle().take(40) {
        let keys = nobody.request(method, KEYS).send().await.expect(200);
        assert_eq!((keys.header("ratelimit"), keys.header("ratelimit-policy")), (None, None));
    }
    assert!(nobody.get(KEYS).await.json()["keys"][0]["kid"].is_string());
    exhaust_rest(async || nobody.request(Method::DELETE, KEYS).send().await).await;
}

/// Counts what the store reads while `requests` are sent, fifty at a time: how many were let through, how many records
/// were read.
async fn let_through(redis: &RedisServer, requests: Vec<tests::Request>) -> (usize, u64) {
    let before = redis.counters().await;
    let answers: Vec<_> =
        stream::iter(requests.into_iter().map(tests::Request::send)).buffer_unordered(50).collect().await;
    let allowed = answers.iter().filter(|answer| answer.status != 429).count();
    (allowed, redis.counters().await.of("get") - before.of("get"))
}

#[tokio::test(flavor = "multi_thread")]
async fn inventions_cost_the_store_no_more_than_their_address_may_ask() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let bff = builder(40, 1000, 1000).redis(&redis).spawn().await;
    let nobody = bff.anonymous();
    let began = Instant::now();
    let invented = |address: &str, number: usize| {
        from(&nobody, address, Method::GET, SESSION).header("cookie", &format!("sid={number:A>43}"))
    };
    let (allowed, reads) =
        let_through(&redis, (0..1000).map(|number| invented("192.0.2.1", number)).collect()).await;
    assert!(reads <= allowed as u64, "{reads} reads for {allowed} of 1000");
    assert!(allowed >= 40 && allowed as u64 <= 41 + began.elapsed().as_secs(), "{allowed}");
    // An access token that is genuine, of a sign-in that is over.
    let phone = app(&bff, "ada").await;
    let token = format!("Bearer {}", phone.access_token());
    let _ = phone.post("/auth/logout", &json!({})).await.expect(204);
    let spent =
        (0..200).map(|_| from(&nobody, "192.0.2.2", Method::GET, SESSION).header("authorization", &token));
    let (allowed, reads) = let_through(&redis, spent.collect()).await;
    assert!(allowed < 200 && reads <= allowed as u64, "{reads} reads for {allowed} of 200");
    // Each value that is tried is charged.
    let four = (0..4).map(|number| format!("sid={number:B>43}")).collect::<Vec<_>>().join("; ");
    let answer = from(&nobody, "192.0.2.3", Method::GET, SESSION).header("cookie", &four).send().await;
    answer.expect_problem(401, "unauthenticated");
    assert_eq!(left(&answer, 40), ("anonymous".to_owned(), 36));
    // Those who are in memory are not concerned by what goes on at their address.
    let bob = bff.signed_in("bob").await;
    exhaust_rest(async || from(&nobody, "192.0.2.4", Method::GET, OPEN).send().await).await;
    let known =
        bob.request(Method::GET, SESSION).header("x-forwarded-for", "192.0.2.4").send().await.expect(200);
    assert_eq!(left(&known, 1000).0, "user");
}

/// So many are signed in behind one address that may ask eight times, and come back when the gateway has just started.
async fn come_back(builder: Builder) {
    const CROWD: usize = 60;
    const ADDRESS: &str = "198.51.100.7";
    let mut bff = builder.spawn().await;
    let signing_in = (0..CROWD).map(|number| {
        let (nobody, address) = (bff.anonymous(), format!("192.0.2.{number}"));
        async move {
            let name = format!("member{number}");
            let member = nobody.signed_out();
            let sent = |path: &'static str, body| {
                member.from_page(Method::POST, path).header("x-forwarded-for", &address).json(body).send()
            };
            let account = json!({ "email": tests::email(&name), "username": name, "password": PASSWORD });
            let _ = sent("/auth/signup", &account).await.expect(201);
            let _ = sent("/auth/login", &json!({ "login": name, "password": PASSWORD })).await.expect(200);
            member
        }
    });
    let crowd: Vec<_> = stream::iter(signing_in).buffer_unordered(8).collect().await;
    bff.terminate().await;
    let _ = bff.ended().await;
    bff.restart().await;
    let back = crowd.iter().map(|member| {
        let at = member.at(&bff.url());
        async move { at.request(Method::GET, SESSION).header("x-forwarded-for", ADDRESS).send().await }
    });
    for answer in join_all(back).await {
        assert_eq!(left(&answer.expect(200), 1000).0, "user");
    }
    let next = from(&bff.anonymous(), ADDRESS, Method::GET, OPEN).send().await.expect(200);
    assert_eq!(left(&next, 8), ("anonymous".to_owned(), 7), "all of it was given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_behind_one_address_comes_back_after_a_restart() {
    come_back(builder(8, 1000, 1000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_behind_one_address_comes_back_where_limits_are_shared() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    come_back(builder(8, 1000, 1000).set("limits.shared", true).redis(&redis)).await;
}
