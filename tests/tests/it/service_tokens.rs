//! What upstreams get to see, and what they refuse.

use std::collections::{HashMap, HashSet};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Signer, TestBff};
use upstreams::Service;

use crate::fixtures::{follow, post_about, publish};

const FEED: &str = "/bff/home-feed";
pub(crate) const SERVICES: [(Service, &str); 3] = [
    (Service::Profile, "/members?ids=x"),
    (Service::Timeline, "/timeline"),
    (Service::Recipe, "/recipes/for-me"),
];

/// What the gateway sends along. A header that is not in here has no business with an upstream.
const ALLOWED: [&str; 10] = [
    "authorization",
    "traceparent",
    "x-request-id",
    "x-request-timeout-ms",
    "accept",
    "content-type",
    "content-length",
    "host",
    "if-none-match",
    "user-agent",
];

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

pub(crate) fn claims(token: &str) -> Value {
    decode(token.split('.').nth(1).expect("three parts"))
}

#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
}

/// A token for each service, as the gateway sent it.
async fn real_tokens(bff: &TestBff) -> HashMap<&'static str, String> {
    let ada = bff.signed_in("ada").await;
    let recipe = publish(&ada, "Rice with eggs").await;
    post_about(&ada, "Try this", &recipe).await;
    let _ = ada.get(FEED).await.expect(200);
    let proxies = [("profile", &bff.profile), ("timeline", &bff.timeline), ("recipe", &bff.recipe)];
    let acting = |token: &&str| claims(token)["sub"] == ada.id();
    let token = |proxy: &tests::Proxy| {
        let requests = proxy.requests();
        requests.iter().filter_map(|request| request.bearer()).find(acting).expect("a token").to_owned()
    };
    proxies.into_iter().map(|(name, proxy)| (name, token(proxy))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_service_is_refused_by_the_others() {
    let bff = TestBff::spawn().await;
    let tokens = real_tokens(&bff).await;
    for (service, path) in SERVICES {
        for (name, token) in &tokens {
            let answer = bff.direct_with(service, token.clone()).get(path).await;
            if *name == service.name() {
                assert_eq!(answer.status, 200, "{name} at {}: {}", service.name(), answer.text());
            } else {
                assert_refused(&answer, &format!("{name} at {}", service.name()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_say_what_the_contract_says() {
    let bff = TestBff::spawn().await;
    let tokens = real_tokens(&bff).await;
    let kid = bff.signer().await.kid().to_owned();
    for (audience, token) in tokens {
        let header = decode(token.split('.').next().expect("a header"));
        assert_eq!((&header["alg"], &header["kid"]), (&json!("EdDSA"), &json!(kid)));
        let claims = claims(&token);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("bff"), &json!(audience)));
        assert_eq!((&claims["act"], &claims["client"]), (&json!({ "sub": "bff" }), &json!("web")));
        let seconds = |name: &str| claims[name].as_u64().expect("seconds");
        assert_eq!(seconds("exp") - seconds("iat"), 60);
        assert!(
            claims["scope"].is_string() && claims["jti"].as_str().is_some_and(|jti| jti.len() >= 16),
            "{claims}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_for_each_user_and_audience_is_minted_and_used_again() {
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 0)
        .set("screens.home_feed.stale_ms", 0)
        .spawn()
        .await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let (third, fourth) = (format!("{FEED}?limit=3"), format!("{FEED}?limit=4"));
    bff.clear_journals();
    for _ in 0..10 {
        let feeds = [ada.get(FEED), bob.get(FEED), ada.get(&third), bob.get(&fourth)];
        for feed in futures_util::future::join_all(feeds).await {
            let _ = feed.expect(200);
        }
    }
    for proxy in bff.proxies() {
        let requests = proxy.requests();
        assert!(requests.len() >= 20, "each feed was fetched anew: {}", requests.len());
        let mut minted: HashMap<String, HashSet<&str>> = HashMap::new();
        for request in &requests {
            let token = request.bearer().expect("a token");
            let sub = claims(token)["sub"].as_str().unwrap_or("nobody").to_owned();
            minted.entry(sub).or_default().insert(token);
        }
        for (sub, tokens) in &minted {
            assert!(tokens.len() <= 1, "{} tokens for {sub}", tokens.len());
        }
        assert!(minted.contains_key(&ada.id()) && minted.contains_key(&bob.id()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_keys_are_public_and_complete() {
    let bff = TestBff::spawn().await;
    let answer = bff.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("max-age")));
    let keys = answer.json();
    let key = &keys["keys"][0];
    assert_eq!(crate::fixtures::keys(key), ["alg", "crv", "kid", "kty", "use", "x"], "and no private part");
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert_eq!(URL_SAFE_NO_PAD.decode(key["x"].as_str().expect("a key")).expect("base64url").len(), 32);
}

/// Of `planted-by-the-caller`: what is in every header is a server's token as well.
const PLANTED_SHA256: &str = "be988b7dfc0500fb2743109513e9c451a9b8634ce68a9e91531c244fb9410301";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_caller_reaches_an_upstream_but_a_sound_request_id_and_trace() {
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 0)
        .set("screens.home_feed.stale_ms", 0)
        .set("callers.web.token_sha256", PLANTED_SHA256)
        .spawn()
        .await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    follow(&ada, &bob).await;
    let recipe = publish(&bob, "Rice with eggs").await;
    post_about(&bob, "Try this", &recipe).await;
    bff.clear_journals();
    let planted = "planted-by-the-caller";
    let cookie = ada.cookie().expect("a cookie");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let send = async |method: Method, path: &str, body: Option<Value>| {
        let mut request = bff
            .anonymous()
            .request(method, path)
            .header("cookie", &format!("{cookie}; {planted}=1; theme={planted}"))
            .header("x-csrf-token", &ada.csrf_token().expect("a token"))
            .header("sec-fetch-site", "same-origin")
            .header("x-request-id", "from-the-caller-1")
            .header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"));
        for name in [
            "proxy-authorization",
            "x-forwarded-for",
            "x-real-ip",
            "forwarded",
            "x-user-id",
            "x-custom",
            "referer",
            "x-http-method-override",
            "x-original-url",
            "tracestate",
            "baggage",
            "x-caller-token",
            "user-agent",
        ] {
            request = request.header(name, planted);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await
    };
    let feed = send(Method::GET, &format!("{FEED}?limit=5&utm_source={planted}"), None).await.expect(200);
    assert_eq!(feed.header("x-request-id"), Some("from-the-caller-1"));
    let _ = send(Method::POST, "/api/posts", Some(json!({ "text": "mine" }))).await.expect(201);

    let value = ada.cookie_value();
    let mut spans = HashSet::new();
    for proxy in bff.proxies() {
        assert!(!proxy.requests().is_empty());
        for request in proxy.requests() {
            let line = request.line();
            assert!(!line.contains(planted), "{line}");
            for (name, text) in &request.headers {
                assert!(ALLOWED.contains(&name.to_ascii_lowercase().as_str()), "{line}: {name}: {text}");
                assert!(!text.contains(planted) && !text.contains(&value), "{line}: {name}: {text}");
            }
            assert_eq!(request.header("x-request-id"), Some("from-the-caller-1"), "{line}");
            let parent = request.header("traceparent").expect("a trace");
            assert!(parent.contains(trace), "{line}: {parent}");
            assert!(spans.insert(parent.to_owned()), "each call is a span of its own");
            let left: u64 =
                request.header("x-request-timeout-ms").expect("a budget").parse().expect("milliseconds");
            assert!((1..=10_000).contains(&left), "{line}: {left}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_of_the_caller_is_neither_believed_nor_passed_on() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let signer = bff.signer().await;
    bff.clear_journals();
    for audience in ["profile", "timeline", "recipe"] {
        let token = signer.sign(&Signer::claims(audience, Some(&ada.id())));
        let bearer = format!("Bearer {token}");
        let answer = bff.anonymous().request(Method::GET, FEED).header("authorization", &bearer).send().await;
        assert_eq!(answer.status, 401, "a service token is no access token");
    }
    assert_eq!(bff.calls(), 0);
    let planted = "Bearer planted-by-the-caller";
    let _ = ada.request(Method::GET, FEED).header("authorization", planted).send().await;
    for proxy in bff.proxies() {
        for request in proxy.requests() {
            assert_ne!(request.header("authorization"), Some(planted));
        }
    }
}
