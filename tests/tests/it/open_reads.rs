//! Reads that pass through: who may read what, what caches may keep, what is left when authors are away.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Fault, PLANTED, TestBff, eventually};

use crate::fixtures::publish;

const PUBLIC: &str = "public, max-age=5, stale-while-revalidate=30";

async fn get_if_none_match(actor: &Actor, path: &str, etag: &str) -> Answer {
    actor.request(Method::GET, path).header("if-none-match", etag).send().await
}

/// The paths that are open to everybody.
async fn open_paths(author: &Actor) -> [String; 4] {
    let id = publish(author, "Rice").await;
    let comments = format!("/api/recipes/{id}/comments");
    let _ = author.post(&comments, &json!({ "body": "Enjoy" })).await.expect(201);
    ["/api/recipes".into(), format!("/api/recipes/{id}"), comments, "/api/ingredients".into()]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_shared_between_those_who_are_not_signed_in_and_with_nobody_else() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let paths = open_paths(&ada).await;
    let _ = bob.put(&format!("{}/like", paths[1])).await.expect(204);
    let ended = bff.anonymous();
    ended.set_cookie(Some(format!("sid={}", "x".repeat(43))));
    bff.clear_journals();
    for path in &paths {
        for (reader, kept) in [
            (&bff.anonymous(), PUBLIC),
            (&ended, PUBLIC),
            (&ada, "private, no-cache"),
            (&bob, "private, no-cache"),
        ] {
            let answer = reader.get(path).await.expect(200);
            assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
            assert_eq!(answer.header("set-cookie"), None);
            for name in ["cookie", "authorization", "accept", "accept-encoding", "origin"] {
                assert!(answer.lists("vary", name), "{path} {name}");
            }
            let etag = answer.etag().to_owned();
            assert!(etag.starts_with('"') && etag.ends_with('"'), "a strong one");
            for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".into()] {
                let unchanged = get_if_none_match(reader, path, &known).await.expect(304);
                assert_eq!((unchanged.body.len(), unchanged.etag()), (0, &*etag));
                assert_eq!(unchanged.header("cache-control"), Some(kept));
            }
            let _ = get_if_none_match(reader, path, "\"x\"").await.expect(200);
            let head = reader.request(Method::HEAD, path).send().await.expect(200);
            assert_eq!((head.body.len(), head.etag()), (0, &*etag));
        }
    }
    let liked = async |reader: &Actor| reader.get(&paths[1]).await.expect(200).json()["likedByMe"].clone();
    assert_eq!((liked(&bob).await, liked(&bff.anonymous()).await), (json!(true), json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_in_calls_for_those_who_are_not_signed_in() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let paths = open_paths(&ada).await;
    let subject = |bff: &TestBff| {
        let requests = bff.recipe.requests();
        let token = requests.last().and_then(tests::Recorded::bearer).expect("a token").to_owned();
        let claims = token.split('.').nth(1).expect("claims").to_owned();
        let claims = base64_url(&claims);
        serde_json::from_slice::<Value>(&claims).expect("json")["sub"].clone()
    };
    for path in &paths {
        let _ = bff.anonymous().get(path).await.expect(200);
        assert_eq!(subject(&bff), Value::Null, "{path}");
        let _ = ada.get(path).await.expect(200);
        assert_eq!(subject(&bff), json!(ada.id()), "{path}");
    }
}

fn base64_url(text: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_its_authors_is_still_a_list_but_no_cache_keeps_it() {
    let bff = TestBff::builder().set("cache.cards_fresh_ms", 1).set("upstreams.profile.timeout_ms", 700);
    let bff = bff.spawn().await;
    let ada = bff.signed_in("ada").await;
    let paths = open_paths(&ada).await;
    for fault in [Fault::Status500, Fault::BlackHole, Fault::GarbageJson] {
        bff.profile.fail(fault);
        for path in &paths[..3] {
            let answer = bff.anonymous().get(path).await.expect(200);
            let first = answer.json().pointer("/items/0").cloned().unwrap_or_else(|| answer.json());
            assert_eq!((&first["author"], &first["authorId"]), (&Value::Null, &json!(ada.id())), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            let mine = ada.get(path).await.expect(200);
            assert_eq!(mine.header("cache-control"), Some("private, no-cache"), "{path}");
        }
        bff.heal().await;
        // A look-up that is stuck is joined until its own time is over.
        let healed = eventually("the author", || async {
            let answer = bff.anonymous().get(&paths[1]).await.expect(200);
            (answer.json()["author"]["username"] == "ada").then_some(answer)
        });
        assert_eq!(healed.await.header("cache-control"), Some(PUBLIC));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_fails_as_its_upstream_does_and_says_nothing_of_it() {
    let bff = TestBff::builder().set("upstreams.recipe.timeout_ms", 500).spawn().await;
    let ada = bff.signed_in("ada").await;
    let paths = open_paths(&ada).await;
    for (fault, status, code) in [
        (Fault::Status500, 502, "upstream_unavailable"),
        (Fault::GarbageJson, 502, "upstream_unavailable"),
        (Fault::WrongShape, 502, "upstream_unavailable"),
        (Fault::BlackHole, 504, "upstream_timeout"),
        (Fault::Status(429), 503, "overloaded"),
        (Fault::Status(404), 404, "not_found"),
    ] {
        bff.recipe.fail(fault);
        for path in &paths {
            let answer = bff.anonymous().get(path).await;
            // A list is not something that is not found: who asked for it named nothing.
            let misplaced = status == 404 && !path.contains("recipes/");
            let (status, code) = if misplaced { (502, "upstream_unavailable") } else { (status, code) };
            answer.expect_problem(status, code);
            assert!(!answer.text().contains(PLANTED), "{path}");
        }
        bff.heal().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn my_own_profile_is_mine_to_read_and_to_change() {
    let bff = TestBff::spawn().await;
    let (ada, nobody) = (bff.signed_in("ada").await, bff.anonymous());
    let id = publish(&ada, "Rice").await;
    let me = ada.get("/api/me").await.expect(200);
    assert_eq!(me.header("cache-control"), Some("private, no-cache"));
    assert_eq!(me.json()["email"], tests::email("ada"));
    let _ = get_if_none_match(&ada, "/api/me", me.etag()).await.expect(304);
    let _ = ada.get("/bff/home-feed").await.expect(200);
    let author = async || {
        let recipe = nobody.get(&format!("/api/recipes/{id}")).await.expect(200).json();
        recipe["author"]["displayName"].clone()
    };
    assert_eq!(author().await, "ada");
    let patch =
        async |actor: &Actor, body: Value| actor.from_page(Method::PATCH, "/api/me").json(&body).send().await;
    let changed = patch(&ada, json!({ "displayName": "Ada L.", "bio": "Cooks." })).await.expect(200).json();
    assert_eq!((&changed["displayName"], &changed["bio"]), (&json!("Ada L."), &json!("Cooks.")));
    assert_eq!(ada.get("/bff/home-feed").await.expect(200).json()["profile"]["displayName"], "Ada L.");
    assert_eq!(author().await, "Ada L.", "also where it was kept for everybody");
    let kept = patch(&ada, json!({ "bio": "" })).await.expect(200).json();
    assert_eq!((&kept["displayName"], &kept["bio"]), (&json!("Ada L."), &Value::Null));

    bff.clear_journals();
    nobody.get("/api/me").await.expect_problem(401, "unauthenticated");
    patch(&nobody, json!({ "bio": "x" })).await.expect_problem(401, "unauthenticated");
    ada.request(Method::PATCH, "/api/me").send().await.expect_problem(403, "csrf_failed");
    for (body, field, code) in [
        (json!({}), "", "required"),
        (json!({ "displayName": "" }), "displayName", "too_short"),
        (json!({ "bio": "x".repeat(1001) }), "bio", "too_long"),
        (json!({ "avatarKey": "../secret" }), "avatarKey", "invalid_key"),
        (json!({ "email": "new@mail.example" }), "email", "unknown_field"),
        (json!({ "bio": 1 }), "bio", "invalid"),
    ] {
        assert_eq!(patch(&ada, body).await.field_errors(), [(field.to_owned(), code.to_owned())]);
    }
    ada.from_page(Method::PUT, "/api/me").send().await.expect_problem(405, "method_not_allowed");
    assert_eq!(bff.calls(), 0, "{:#?}", bff.call_lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_can_be_liked() {
    let bff = TestBff::spawn().await;
    let (ada, bob, nobody) = (bff.signed_in("ada").await, bff.signed_in("bob").await, bff.anonymous());
    let id = crate::fixtures::post(&ada, "Good morning").await;
    crate::fixtures::follow(&bob, &ada).await;
    let path = format!("/api/posts/{id}/like");
    let liked = async || {
        let post = bob.get("/bff/home-feed").await.expect(200).json()["posts"][0].clone();
        (post["likedByMe"] == true, post["likeCount"].as_u64().expect("a number"))
    };
    assert_eq!(liked().await, (false, 0));
    for _ in 0..2 {
        let _ = bob.put(&path).await.expect(204);
        assert_eq!(liked().await, (true, 1));
    }
    for _ in 0..2 {
        let _ = bob.delete(&path).await.expect(204);
        assert_eq!(liked().await, (false, 0));
    }
    nobody.put(&path).await.expect_problem(401, "unauthenticated");
    bob.put("/api/posts/none/like").await.expect_problem(404, "not_found");
    bob.request(Method::PUT, &path).send().await.expect_problem(403, "csrf_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_the_services_own_paths_are_nobodys_ids() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    for caller in [&ada, &bff.anonymous()] {
        for path in [
            // The service answers this one with what only the member themselves may see.
            "/bff/members/me",
            "/bff/members/by-identity",
            "/bff/recipes/cards",
            "/api/recipes/for-me",
            "/api/recipes/cards/comments",
        ] {
            caller.get(path).await.expect_problem(404, "not_found");
        }
    }
    ada.put("/api/recipes/for-me/like").await.expect_problem(404, "not_found");
    ada.delete("/api/recipes/cards").await.expect_problem(404, "not_found");
    assert_eq!(bff.call_lines(), Vec::<String>::new());
}
