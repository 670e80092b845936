//! The other screens, and what all screens have: open reading, the compact view, lines of JSON.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Fault, TestBff, figures, soon};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::fixtures::{COST_PER_SERVING, follow, keys, post, post_about, publish, texts, titles};

const FEED: &str = "/bff/home-feed";

async fn lines_of(actor: &Actor, path: &str) -> Answer {
    actor.request(Method::GET, path).header("accept", "application/x-ndjson").send().await
}

/// The document that the lines make up.
fn gathered(answer: &Answer) -> Value {
    let mut document = json!({});
    let text = answer.text();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let end = lines.pop().expect("a last line");
    assert_eq!(end["part"], "end");
    for line in lines {
        let part = line["part"].as_str().expect("a part").to_owned();
        assert!(document.get(&part).is_none(), "{part} came twice");
        document[part] = line["data"].clone();
    }
    document["degraded"] = end["degraded"].clone();
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_is_open_to_all_and_nobodys_page_is_shared() {
    let bff = TestBff::spawn().await;
    let cook = bff.signed_in("cook").await;
    let id = publish(&cook, "Rice with eggs").await;
    let path = format!("/bff/recipes/{id}");
    bff.clear_journals();

    let nobody = bff.anonymous();
    let first = nobody.get(&path).await.expect(200);
    let page = first.json();
    assert_eq!(keys(&page), ["comments", "degraded", "nextCursor", "recipe"]);
    assert_eq!(page["recipe"]["costPerServing"], COST_PER_SERVING);
    assert_eq!(page["recipe"]["author"]["username"], "cook");
    assert_eq!(page["recipe"]["likedByMe"], false);
    assert_eq!(page["comments"], json!([]));
    assert_eq!(first.header("cache-control"), Some("public, max-age=5, stale-while-revalidate=30"));
    assert!(first.lists("vary", "Cookie") && first.lists("vary", "Authorization"));
    assert_eq!(first.header("set-cookie"), None);
    let calls = bff.calls();
    assert!(bff.anonymous().get(&path).await.expect(200).is_fresh_hit());
    assert_eq!(bff.calls(), calls, "all who are not signed in share one document");

    let mine = cook.get(&path).await.expect(200);
    assert_eq!(mine.header("cache-control"), Some("private, no-cache"));
    assert!(!mine.is_fresh_hit(), "nobody's document is not the cook's");
    assert_eq!(mine.json()["recipe"], page["recipe"]);
    nobody.get("/bff/recipes/0192f5a0-0000-7000-8000-000000000000").await.expect_problem(404, "not_found");
    nobody.get("/bff/recipes/no%20id").await.expect_problem(404, "not_found");
    nobody.get("/bff/me").await.expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_page_that_lacks_a_part_is_kept_by_no_shared_cache() {
    let bff = TestBff::spawn().await;
    let cook = bff.signed_in("cook").await;
    let path = format!("/bff/recipes/{}", publish(&cook, "Rice with eggs").await);
    bff.profile.fail(Fault::Status500);
    let page = bff.anonymous().get(&path).await.expect(200);
    assert_eq!(page.json()["degraded"][0]["part"], "authors");
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_page_says_whether_i_follow_them() {
    let bff = TestBff::spawn().await;
    let (ada, cook) = (bff.signed_in("ada").await, bff.signed_in("cook").await);
    let recipe = publish(&cook, "Rice with eggs").await;
    post_about(&cook, "Try this", &recipe).await;
    let path = format!("/bff/members/{}", cook.id());

    let page = bff.anonymous().get(&path).await.expect(200).json();
    assert_eq!(keys(&page), ["degraded", "following", "nextCursor", "posts", "profile", "recipes"]);
    assert_eq!((&page["following"], &page["profile"]["username"]), (&json!(false), &json!("cook")));
    assert_eq!(
        (texts(&page), titles(&page)),
        (vec!["Try this".to_owned()], vec!["Rice with eggs".to_owned()])
    );
    assert!(page["profile"].get("email").is_none());

    for expected in [true, false, true] {
        let method = if expected { Method::PUT } else { Method::DELETE };
        let _ = ada.from_page(method, &format!("/api/follows/{}", cook.id())).send().await.expect(204);
        assert_eq!(ada.get(&path).await.expect(200).json()["following"], expected);
    }
    post(&cook, "another").await;
    assert_eq!(texts(&cook.get(&path).await.expect(200).json()), ["another", "Try this"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn my_page_is_for_me_and_my_session() {
    let bff = TestBff::spawn().await;
    let (ada, bora) = (bff.signed_in("ada").await, bff.signed_in("bora").await);
    follow(&ada, &bora).await;
    post(&ada, "hello").await;
    let page = ada.get("/bff/me").await.expect(200).json();
    assert_eq!(page["profile"]["email"], tests::email("ada"));
    assert_eq!(page["counts"], json!({ "posts": 1, "followers": 0, "following": 1 }));
    let other_browser = ada.signed_out();
    let _ = other_browser.sign_in("ada").await.expect(200);
    let other = other_browser.get("/bff/me").await.expect(200).json();
    assert_eq!(other["profile"], page["profile"]);
    assert_ne!(other["session"]["id"], page["session"]["id"], "each browser sees its own session");
    assert!(!page.to_string().contains(&ada.cookie_value()));
}

/// Twenty posts, each about a recipe, by people with a few words about themselves.
async fn full_feed(bff: &TestBff) -> Actor {
    let (ada, cook) = (bff.signed_in("ada").await, bff.signed_in("cook").await);
    follow(&ada, &cook).await;
    for number in 0..10 {
        let recipe = publish(&cook, &format!("Rice with eggs, number {number}")).await;
        post_about(&cook, "Try this, it costs next to nothing", &recipe).await;
        post_about(&ada, "I have tried it, and it does", &recipe).await;
    }
    ada
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compact_feed_has_at_most_half_of_the_bytes() {
    let bff = TestBff::spawn().await;
    let ada = full_feed(&bff).await;
    let full = ada.get(FEED).await.expect(200);
    let compact = ada.get(&format!("{FEED}?view=compact")).await.expect(200);
    let same_posts = ada.get(&format!("{FEED}?view=compact&limit=20")).await.expect(200);
    let bytes = [full.body.len(), compact.body.len(), same_posts.body.len()];
    figures::note("bytes of a feed: full, compact, compact with as many posts", format!("{bytes:?}"));
    assert!(
        compact.body.len() * 2 <= full.body.len() && same_posts.body.len() * 2 <= full.body.len(),
        "{bytes:?}"
    );
    assert_ne!(full.etag(), compact.etag());
    let (full, same_posts) = (full.json(), same_posts.json());
    assert_eq!(texts(&full), texts(&same_posts));
    assert_eq!(full["nextCursor"], same_posts["nextCursor"]);
    assert_eq!(same_posts["posts"][0]["recipe"]["costPerServing"], COST_PER_SERVING);
    let _ = ada.get(&format!("{FEED}?view=full")).await.expect(200);
    ada.get(&format!("{FEED}?view=tiny")).await.expect_problem(422, "validation_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compact_page_goes_on_where_it_ends() {
    let bff = TestBff::spawn().await;
    let cook = bff.signed_in("cook").await;
    let recipe = publish(&cook, "Rice with eggs").await;
    let comments = format!("/api/recipes/{recipe}/comments");
    for number in 1..=7 {
        let _ = cook.post(&comments, &json!({ "body": format!("{number}") })).await.expect(201);
    }
    let bodies = |list: &Value| -> Vec<String> {
        let items = list.as_array().expect("a list").iter();
        items.map(|comment| comment["body"].as_str().expect("a text").to_owned()).collect()
    };
    let full = cook.get(&format!("/bff/recipes/{recipe}")).await.expect(200).json();
    assert_eq!((bodies(&full["comments"]).len(), &full["nextCursor"]), (7, &Value::Null));
    let page = cook.get(&format!("/bff/recipes/{recipe}?view=compact")).await.expect(200).json();
    assert_eq!(bodies(&page["comments"]), ["1", "2", "3", "4", "5"]);
    let cursor = page["nextCursor"].as_str().expect("more of them");
    let rest = cook.get(&format!("{comments}?cursor={cursor}")).await.expect(200).json();
    assert_eq!(bodies(&rest["items"]), ["6", "7"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_every_screen_make_up_its_document() {
    let bff = TestBff::spawn().await;
    let ada = full_feed(&bff).await;
    let recipe =
        ada.get(FEED).await.expect(200).json()["recipes"][0]["id"].as_str().expect("an id").to_owned();
    let paths = [
        FEED.to_owned(),
        format!("{FEED}?limit=3&view=compact"),
        format!("/bff/recipes/{recipe}"),
        format!("/bff/members/{}", ada.id()),
        "/bff/me".to_owned(),
    ];
    for path in &paths {
        // The feed is warm, the others are cold: composed while they are read.
        let streamed = lines_of(&ada, path).await.expect(200);
        assert_eq!(streamed.header("content-type"), Some("application/x-ndjson"), "{path}");
        let whole = ada.get(path).await.expect(200);
        assert!(whole.is_fresh_hit(), "{path}: what was streamed is kept");
        assert_eq!(gathered(&streamed), whole.json(), "{path}");
        let again = lines_of(&ada, path).await.expect(200);
        assert_eq!(gathered(&again), whole.json(), "{path}");
        let known = ada.request(Method::GET, path).header("accept", "application/x-ndjson");
        let _ = known.header("if-none-match", again.etag()).send().await.expect(304);
    }
    lines_of(&bff.anonymous(), FEED).await.expect_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_line_does_not_wait_for_the_slowest_service() {
    let bff = TestBff::builder().alone().spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.recipe.delay(Duration::from_millis(500));
    let began = Instant::now();
    let mut stream = TcpStream::connect(bff.url().trim_start_matches("http://")).await.expect("a connection");
    let cookie = ada.cookie().expect("a cookie");
    let request = format!(
        "GET {FEED} HTTP/1.1\r\nhost: bff\r\ncookie: {cookie}\r\naccept: application/x-ndjson\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut lines = BufReader::new(stream).lines();
    let mut arrived = Vec::new();
    while let Some(line) = soon("a line", lines.next_line()).await.expect("readable") {
        if line.starts_with('{') {
            arrived.push((began.elapsed(), serde_json::from_str::<Value>(&line).expect("JSON")));
        }
    }
    let ((first, profile), (last, end)) = (&arrived[0], arrived.last().expect("a last line"));
    figures::note(
        "first line of a feed whose recipe service takes 500 ms",
        format!("{} ms", first.as_millis()),
    );
    assert_eq!((&profile["part"], &end["part"]), (&json!("profile"), &json!("end")));
    assert!(*first < Duration::from_millis(400), "{first:?}");
    assert!(*last > Duration::from_millis(450), "{last:?}");
    assert_eq!(end["degraded"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_end_well_says_so() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    // Before the first line there is still a status.
    bff.profile.fail_on("/members/", Fault::Status500);
    lines_of(&ada, FEED).await.expect_problem(502, "upstream_unavailable");
    bff.heal().await;
    // After it, the last line has the word.
    bff.timeline.fail(Fault::Status500);
    bff.recipe.fail(Fault::Status500);
    let broken = lines_of(&ada, FEED).await.expect(200);
    let text = broken.text();
    let last: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last, json!({ "part": "end", "error": "upstream_unavailable" }));
}
