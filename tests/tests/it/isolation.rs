//! Nobody ever gets what is somebody else's.

use std::collections::HashMap;

use futures_util::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use reqwest::Method;
use serde_json::json;
use tests::{Actor, Answer, TestBff, figures};
use tokio::runtime::Handle;

use crate::fixtures::{follow, post, publish};

const FEED: &str = "/bff/home-feed";
const USERS: usize = 5;

/// What one caller does.
#[derive(Debug, Clone)]
struct Step {
    user: usize,
    limit: u32,
    accept_encoding: Option<&'static str>,
    /// Whose latest ETag is sent along, if anybody's.
    knows: Option<usize>,
    act: Act,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Read,
    Write,
    SignInAgain,
    /// With the session cookie of `user` and that of another one.
    TwoCookies(usize),
    /// With one character of the cookie changed.
    ForgedCookie(usize),
    /// With the CSRF token of another one.
    ForeignToken(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![
        12 => Just(Act::Read),
        2 => Just(Act::Write),
        1 => Just(Act::SignInAgain),
        1 => (0..USERS).prop_map(Act::TwoCookies),
        1 => (0_usize..43).prop_map(Act::ForgedCookie),
        1 => (0..USERS).prop_map(Act::ForeignToken),
    ];
    let encoding = prop_oneof![Just(None), Just(Some("br")), Just(Some("gzip")), Just(Some("zstd"))];
    (0..USERS, 1_u32..4, encoding, proptest::option::of(0..USERS), act).prop_map(
        |(user, limit, accept_encoding, knows, act)| Step { user, limit, accept_encoding, knows, act },
    )
}

struct World {
    bff: TestBff,
    users: Vec<Actor>,
}

/// The bytes, tags and owners that were ever seen.
#[derive(Default)]
struct Seen {
    owner_of_etag: HashMap<String, usize>,
    latest: HashMap<usize, String>,
    answers: usize,
}

#[test]
fn another_users_bytes_etag_or_304_are_never_served() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(world());
    let seen = std::cell::RefCell::new(Seen::default());
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    // Groups of steps that run side by side, one group after the other.
    let orders = proptest::collection::vec(proptest::collection::vec(step(), 1..12), 1..8);
    let handle: &Handle = runtime.handle();
    runner
        .run(&orders, |groups| {
            for group in groups {
                handle.block_on(run(&world, &group, &mut seen.borrow_mut()));
            }
            Ok(())
        })
        .expect("nobody gets what is somebody else's");
    let seen = seen.into_inner();
    figures::note("answers checked for somebody else's bytes", seen.answers);
    assert!(seen.answers > 500);
    runtime.block_on(async move { drop(world) });
}

async fn world() -> World {
    // Short lives, so that orders meet documents in every state of theirs.
    let bff = TestBff::builder()
        .set("screens.home_feed.fresh_ms", 20)
        .set("screens.home_feed.stale_ms", 40)
        .spawn()
        .await;
    let mut users = Vec::new();
    for n in 0..USERS {
        let user = bff.signed_in(&format!("user{n}")).await;
        post(&user, &format!("secret of user{n}")).await;
        publish(&user, &format!("Recipe of user{n}")).await;
        users.push(user);
    }
    // Two of them read a third one, so that their feeds overlap and still differ.
    follow(&users[0], &users[4]).await;
    follow(&users[1], &users[4]).await;
    World { bff, users }
}

async fn run(world: &World, group: &[Step], seen: &mut Seen) {
    let known: Vec<_> =
        group.iter().map(|step| step.knows.and_then(|user| seen.latest.get(&user).cloned())).collect();
    let answers =
        join_all(group.iter().zip(&known).map(|(step, known)| act(world, step, known.as_deref()))).await;
    for ((step, known), answer) in group.iter().zip(known).zip(answers) {
        let Some(answer) = answer else { continue };
        seen.answers += 1;
        check(world, step, known.as_deref(), &answer, seen);
    }
}

async fn act(world: &World, step: &Step, known: Option<&str>) -> Option<Answer> {
    let user = &world.users[step.user];
    match step.act {
        Act::Read => Some(read(user, step, known).await),
        Act::Write => {
            let text = format!("secret of user{}", step.user);
            let _ = user.post("/api/posts", &json!({ "text": text })).await.expect(201);
            Some(read(user, step, known).await)
        }
        Act::SignInAgain => {
            // A second session of the same person.
            let again = world.bff.anonymous();
            let _ = again.sign_in(&format!("user{}", step.user)).await;
            Some(read(&again, step, known).await)
        }
        Act::TwoCookies(other) => {
            let two = world.bff.anonymous();
            let (own, foreign) =
                (user.cookie().expect("a cookie"), world.users[other].cookie().expect("a cookie"));
            two.set_cookie(Some(format!("{own}; {foreign}")));
            // Of two that are live the first one counts, and nothing of the other one is in the answer.
            Some(read(&two, step, known).await)
        }
        Act::ForgedCookie(place) => {
            let forged = world.bff.anonymous();
            let mut cookie = user.cookie().expect("a cookie").into_bytes();
            let place = cookie.len() - 1 - place;
            cookie[place] = if cookie[place] == b'A' { b'B' } else { b'A' };
            forged.set_cookie(String::from_utf8(cookie).ok());
            read(&forged, step, known).await.expect_problem(401, "unauthenticated");
            None
        }
        Act::ForeignToken(other) => {
            let token = world.users[other].csrf_token().expect("a token");
            let request = user.request(Method::POST, "/api/posts").header("sec-fetch-site", "same-origin");
            let text = format!("secret of user{}", step.user);
            let answer = request.header("x-csrf-token", &token).json(&json!({ "text": text })).send().await;
            if other == step.user {
                assert_eq!(answer.status, 201);
            } else {
                answer.expect_problem(403, "csrf_failed");
            }
            None
        }
    }
}

async fn read(user: &Actor, step: &Step, known: Option<&str>) -> Answer {
    let mut request = user.request(Method::GET, &format!("{FEED}?limit={}", step.limit));
    if let Some(known) = known {
        request = request.header("if-none-match", known);
    }
    if let Some(encoding) = step.accept_encoding {
        request = request.header("accept-encoding", encoding);
    }
    request.send().await
}

fn check(world: &World, step: &Step, known: Option<&str>, answer: &Answer, seen: &mut Seen) {
    let etag = answer.etag().to_owned();
    let owner = *seen.owner_of_etag.entry(etag.clone()).or_insert(step.user);
    assert_eq!(owner, step.user, "{step:?} got the ETag of user{owner}");
    seen.latest.insert(step.user, etag.clone());
    match answer.status.as_u16() {
        304 => assert_eq!(known, Some(&*etag), "{step:?}: a 304 for what was not asked about"),
        200 => {
            let feed = crate::encodings::decoded(answer);
            assert_eq!(feed["profile"]["id"], world.users[step.user].id(), "{step:?}");
            let reads_user4 = step.user < 2;
            for post in feed["posts"].as_array().expect("posts") {
                let text = post["text"].as_str().expect("a text");
                let own = text == format!("secret of user{}", step.user);
                assert!(own || (reads_user4 && text == "secret of user4"), "{step:?} reads {text:?}");
            }
        }
        other => panic!("{step:?}: {other} {}", answer.text()),
    }
}
