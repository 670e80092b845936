//! The home feed: what is in it, what it costs the upstreams, how long it takes.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Actor, TestBff, figures};

use crate::fixtures::{COST_PER_SERVING, TOTAL_COST, follow, keys, post, post_about, publish, texts, titles};

const FEED: &str = "/bff/home-feed";

/// Ada follows Bob; Bob wrote of a recipe of his own.
async fn ada_and_bob(bff: &TestBff) -> (Actor, Actor) {
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    follow(&ada, &bob).await;
    let rice = publish(&bob, "Rice with eggs").await;
    post_about(&bob, "Try this", &rice).await;
    post(&ada, "Good morning").await;
    (ada, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_joins_profile_posts_and_recipes_with_the_authors_of_both() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = ada_and_bob(&bff).await;
    let answer = ada.get(FEED).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let feed = answer.json();

    assert_eq!(keys(&feed), ["degraded", "nextCursor", "posts", "profile", "recipes"]);
    assert_eq!((&feed["degraded"], &feed["nextCursor"]), (&json!([]), &Value::Null));
    let member = ["avatarUrl", "bio", "createdAt", "displayName", "id", "username"];
    assert_eq!(keys(&feed["profile"]), member);
    assert_eq!((&feed["profile"]["id"], &feed["profile"]["username"]), (&json!(ada.id()), &json!("ada")));

    assert_eq!(texts(&feed), ["Good morning", "Try this"]);
    let (mine, his) = (&feed["posts"][0], &feed["posts"][1]);
    let post = ["author", "createdAt", "id", "likeCount", "likedByMe", "recipe", "text"];
    assert_eq!(keys(his), post);
    assert_eq!(keys(&his["author"]), ["avatarUrl", "displayName", "id", "username"]);
    assert_eq!((&mine["author"]["id"], &mine["recipe"]), (&json!(ada.id()), &Value::Null));
    assert_eq!((&his["author"]["id"], &his["author"]["username"]), (&json!(bob.id()), &json!("bob")));

    let recipe = &feed["recipes"][0];
    assert_eq!(&his["recipe"], recipe, "a recipe looks the same wherever it stands");
    let card = [
        "author",
        "authorId",
        "commentCount",
        "costPerServing",
        "createdAt",
        "currency",
        "id",
        "likeCount",
        "likedByMe",
        "photoUrl",
        "servings",
        "title",
        "totalCost",
    ];
    assert_eq!(keys(recipe), card);
    assert_eq!(recipe["author"]["username"], "bob");
    assert_eq!(
        (&recipe["totalCost"], &recipe["costPerServing"]),
        (&json!(TOTAL_COST), &json!(COST_PER_SERVING))
    );
    assert_eq!((&recipe["currency"], &recipe["servings"]), (&json!("KRW"), &json!(4)));
    assert_eq!(titles(&feed), ["Rice with eggs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_members_feed_is_empty_and_whole() {
    let bff = TestBff::spawn().await;
    let feed = bff.signed_in("ada").await.get(FEED).await.expect(200).json();
    assert_eq!(feed["profile"]["username"], "ada");
    assert_eq!((&feed["posts"], &feed["recipes"], &feed["degraded"]), (&json!([]), &json!([]), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_come_out_as_they_went_in() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let odd = [
        "김치찌개 🍲 with \"quotes\" and \\ backslash",
        "<script>alert(1)</script> & é è \u{1F468}\u{200D}\u{1F373}",
        "two\nlines\tand a tab\u{2028}",
    ];
    for text in odd {
        post(&ada, text).await;
    }
    let feed = ada.get(FEED).await.expect(200).json();
    assert_eq!(texts(&feed), odd.iter().rev().copied().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_walked_by_cursor_and_see_every_post_once() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let wrote: Vec<String> = (0..7).map(|n| format!("post {n}")).collect();
    for text in &wrote {
        post(&ada, text).await;
    }
    let (mut seen, mut path) = (Vec::new(), format!("{FEED}?limit=3"));
    for page in 0.. {
        assert!(page < 3, "seven posts are three pages of three");
        let feed = ada.get(&path).await.expect(200).json();
        let texts = texts(&feed);
        assert!(texts.len() <= 3);
        seen.extend(texts);
        let Some(next) = feed["nextCursor"].as_str() else { break };
        path = format!("{FEED}?limit=3&cursor={next}");
    }
    seen.reverse();
    assert_eq!(seen, wrote);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_out_of_range_is_refused_and_asks_nobody() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    for (limit, code) in [
        ("0", "out_of_range"),
        ("51", "out_of_range"),
        ("99999999999999999999", "out_of_range"),
        ("-1", "invalid"),
        ("%2B5", "invalid"),
        ("x", "invalid"),
        ("1.5", "invalid"),
        ("", "invalid"),
        ("5&limit=5", "duplicate"),
    ] {
        let errors = ada.get(&format!("{FEED}?limit={limit}")).await.field_errors();
        assert_eq!(errors, [("limit".to_owned(), code.to_owned())], "{limit}");
    }
    let errors = ada.get(&format!("{FEED}?view=full&view=compact")).await.field_errors();
    assert_eq!(errors, [("view".to_owned(), "duplicate".to_owned())]);
    let errors = ada.get(&format!("{FEED}?cursor={}", "x".repeat(2000))).await.field_errors();
    assert_eq!(errors[0].0, "cursor");
    assert_eq!(bff.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_the_service_does_not_know_is_the_callers_mistake_and_no_part_that_failed() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let wrong = [("cursor".to_owned(), "invalid".to_owned())];
    for path in [FEED.to_owned(), format!("/bff/members/{}", ada.id())] {
        let errors = ada.get(&format!("{path}?cursor=nonsense")).await.field_errors();
        assert_eq!(errors, wrong, "{path}");
        let errors = ada.get(&format!("{path}?cursor=nonsense&view=compact&limit=3")).await.field_errors();
        assert_eq!(errors, wrong, "{path}");
        let _ = ada.get(&path).await.expect(200);
    }
    // A service that refuses the call itself has failed.
    bff.timeline.fail(tests::Fault::Status(422));
    let feed = ada.get(&format!("{FEED}?limit=9")).await.expect(200).json();
    assert_eq!(feed["degraded"][0]["reason"], "rejected");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_a_feed_without_a_session() {
    let bff = TestBff::spawn().await;
    bff.clear_journals();
    bff.anonymous().get(FEED).await.expect_problem(401, "unauthenticated");
    let stranger = bff.anonymous();
    for cookie in ["sid=", "sid=x", "sid=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "other=1"] {
        stranger.set_cookie(Some(cookie.to_owned()));
        stranger.get(FEED).await.expect_problem(401, "unauthenticated");
    }
    assert_eq!(bff.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_feed_makes_at_most_six_calls_and_a_warm_one_none() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = ada_and_bob(&bff).await;
    // The worst case: a post about a recipe of somebody who wrote nothing else in this feed.
    for n in 0..12 {
        let cem = bff.signed_in(&format!("cem{n}")).await;
        let recipe = publish(&cem, &format!("Recipe {n}")).await;
        post_about(&bob, &format!("About {n}"), &recipe).await;
    }
    bff.clear_journals();
    let cold = ada.get(FEED).await.expect(200);
    let calls = bff.call_lines();
    assert!(calls.len() <= 6, "{calls:#?}");
    figures::note("upstream calls of a cold feed with 14 posts by 2 about recipes by 13", calls.len());
    assert_eq!(cold.json()["degraded"], json!([]));
    for part in ["posts", "recipes"] {
        for item in cold.json()[part].as_array().expect("a list") {
            assert!(item["author"]["username"].is_string(), "{item}");
        }
    }

    bff.clear_journals();
    for _ in 0..20 {
        let warm = ada.get(FEED).await.expect(200);
        assert_eq!((&warm.body, warm.etag()), (&cold.body, cold.etag()));
        assert!(warm.is_fresh_hit(), "{}", warm.cache_status());
    }
    assert_eq!(bff.call_lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_each_upstream_200_ms_slow_a_cold_feed_takes_two_round_trips() {
    let bff = TestBff::builder().alone().spawn().await;
    let (ada, _) = ada_and_bob(&bff).await;
    for proxy in bff.proxies() {
        proxy.delay(Duration::from_millis(200));
    }
    let feed = ada.get(FEED).await.expect(200);
    figures::note(
        "a cold feed, each upstream 200 ms slow (limit 460 ms)",
        format!("{} ms", feed.took.as_millis()),
    );
    assert!(feed.took >= Duration::from_millis(400), "two steps: {:?}", feed.took);
    assert!(feed.took < Duration::from_millis(600), "and no third: {:?}", feed.took);
    assert_eq!(feed.json()["degraded"], json!([]));
    assert_eq!(feed.json()["posts"][1]["recipe"]["author"]["username"], "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_cold_feeds_of_many_users_share_their_look_ups_of_cards() {
    let bff = TestBff::builder().set("cache.cards_fresh_ms", 0).spawn().await;
    let (_, bob) = ada_and_bob(&bff).await;
    let mut readers = Vec::new();
    for n in 0..20 {
        let reader = bff.signed_in(&format!("reader{n}")).await;
        follow(&reader, &bob).await;
        readers.push(reader);
    }
    bff.clear_journals();
    // All of them get to their second step at the same moment.
    bff.timeline.fail(tests::Fault::Hold);
    let feeds = readers.iter().map(|reader| reader.get(FEED));
    let released = async {
        tests::soon("twenty timelines", bff.timeline.wait_for(20)).await;
        bff.timeline.heal().await;
    };
    let (feeds, ()) = futures_util::future::join(futures_util::future::join_all(feeds), released).await;
    for feed in feeds {
        assert_eq!(feed.expect(200).json()["posts"][0]["author"]["username"], "bob");
    }
    let batches = bff.profile.requests().iter().filter(|request| request.query.starts_with("ids=")).count();
    assert!(batches <= 10, "{batches} look-ups for twenty readers of one author");
}
