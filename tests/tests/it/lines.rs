//! Screens as lines of JSON: what is there is sent, whatever is still missing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Actor, Fault, Proxy, TestBff, soon};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
};

use crate::fixtures::{follow, post_about, publish};

/// One answer as it arrives.
struct Arriving(Lines<BufReader<TcpStream>>);

impl Arriving {
    async fn of(bff: &TestBff, actor: &Actor, path: &str) -> Self {
        let address = bff.url();
        let mut stream =
            TcpStream::connect(address.trim_start_matches("http://")).await.expect("a connection");
        let cookie = actor.cookie().expect("a cookie");
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: bff\r\ncookie: {cookie}\r\naccept: application/x-ndjson\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self(BufReader::new(stream).lines())
    }

    async fn line(&mut self) -> Value {
        loop {
            let line = soon("a line", self.0.next_line()).await.expect("readable").expect("more lines");
            // Between them are the lengths of chunks.
            if line.starts_with('{') {
                return serde_json::from_str(&line).expect("JSON");
            }
        }
    }

    /// The names of the next lines.
    async fn parts(&mut self, count: usize) -> BTreeSet<String> {
        let mut parts = BTreeSet::new();
        for _ in 0..count {
            parts.insert(self.line().await["part"].as_str().expect("a name").to_owned());
        }
        parts
    }

    /// The last line, after whatever comes before it.
    async fn end(mut self) -> Value {
        loop {
            let line = self.line().await;
            if line["part"] == "end" {
                return line;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_waits_for_nothing_but_what_it_is_made_of() {
    let mut builder = TestBff::builder();
    for key in ["screens.home_feed", "screens.recipe", "screens.member", "screens.me"] {
        builder = builder.set(&format!("{key}.deadline_ms"), 30_000);
    }
    for key in ["upstreams.profile", "upstreams.timeline", "upstreams.recipe"] {
        builder = builder.set(&format!("{key}.timeout_ms"), 30_000);
    }
    let bff = builder.spawn().await;
    let (ada, cook) = (bff.signed_in("ada").await, bff.signed_in("cook").await);
    follow(&ada, &cook).await;
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    let (page, cook) = (format!("/bff/recipes/{recipe}"), format!("/bff/members/{}", cook.id()));
    let comments = format!("/recipes/{recipe}/comments");
    let feed = |limit: u32| format!("/bff/home-feed?limit={limit}");
    let member = |limit: u32| format!("{cook}?limit={limit}");

    let held: [(&Proxy, &str, String, &[&str]); 7] = [
        (&bff.recipe, "/recipes/for-me", feed(5), &["profile", "posts", "nextCursor"]),
        (&bff.timeline, "/timeline", feed(6), &["profile", "recipes"]),
        (&bff.recipe, "/recipes?", member(5), &["profile", "following", "posts", "nextCursor"]),
        (&bff.timeline, "/members/", member(6), &["profile", "following", "recipes"]),
        (&bff.timeline, "/follows/", member(7), &["profile", "posts", "nextCursor", "recipes"]),
        (&bff.recipe, &comments, page, &["recipe"]),
        (&bff.timeline, "/members/", "/bff/me".to_owned(), &["profile"]),
    ];
    for (proxy, prefix, path, expected) in held {
        proxy.fail_on(prefix, Fault::Hold);
        let mut arriving = Arriving::of(&bff, &ada, &path).await;
        let there = arriving.parts(expected.len()).await;
        assert_eq!(there, expected.iter().map(|part| (*part).to_owned()).collect(), "{path}");
        proxy.heal().await;
        assert_eq!(arriving.end().await, json!({ "part": "end", "degraded": [] }), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_optional_does_not_promise_a_document() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    // The counts are there first, and still the answer is the profile's.
    bff.profile.fail_on("/members/me", Fault::Hold);
    let asked = ada.request(reqwest::Method::GET, "/bff/me").header("accept", "application/x-ndjson");
    let answer = tokio::spawn(asked.send());
    soon("the counts", bff.timeline.wait_for(1)).await;
    bff.profile.refuse().await;
    let answer = soon("an answer", answer).await.expect("no panic");
    answer.expect_problem(502, "upstream_unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_for_those_who_want_them_no_less_than_a_document() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    for (accept, lines) in [
        ("application/x-ndjson, application/json;q=0.9", true),
        ("application/x-ndjson", true),
        ("application/json, application/x-ndjson;q=0.1", false),
        ("application/x-ndjson;q=0.5, */*;q=0.8", false),
    ] {
        let answer = ada.request(reqwest::Method::GET, "/bff/me").header("accept", accept).send().await;
        let media_type = answer.expect(200).header("content-type").map(str::to_owned);
        let expected = if lines { "application/x-ndjson" } else { "application/json" };
        assert_eq!(media_type.as_deref(), Some(expected), "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_while_it_is_made_says_so() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let lines = || ada.request(reqwest::Method::GET, "/bff/me").header("accept", "application/x-ndjson");
    let made = lines().send().await.expect(200);
    assert_eq!((made.cache_status(), made.header("age")), ("bff; fwd=uri-miss", Some("0")));
    assert!(lines().send().await.expect(200).cache_status().starts_with("bff; hit; ttl="));
}
