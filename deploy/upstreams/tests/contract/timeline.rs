use reqwest::Method;
use serde_json::json;
use upstreams::Service;

use crate::gateway::Gateway;

fn texts(page: &serde_json::Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().filter_map(|post| post["text"].as_str()).collect()
}

#[tokio::test]
async fn a_timeline_is_mine_and_theirs_whom_i_follow_newest_first() {
    let gateway = Gateway::spawn().await;
    let timeline = gateway.start(Service::Timeline).await;
    let as_ = |who| gateway.caller(&timeline, "timeline", Some(who));
    let (ada, bora, chan) = (as_("ada"), as_("bora"), as_("chan"));
    for (who, text) in [(&ada, "a1"), (&bora, "b1"), (&chan, "c1"), (&bora, "b2"), (&ada, "a2")] {
        let post = who.post("/posts", json!({"text": text, "recipeId": "r1"})).await.expect(201);
        assert_eq!((&post["recipeId"], &post["likeCount"]), (&json!("r1"), &json!(0)));
    }
    assert_eq!(texts(&ada.get("/timeline").await.expect(200)), ["a2", "a1"]);
    ada.put("/follows/bora").await.expect(204);
    ada.put("/follows/bora").await.expect(204);
    assert_eq!(texts(&ada.get("/timeline").await.expect(200)), ["a2", "b2", "b1", "a1"]);
    assert_eq!(texts(&bora.get("/timeline").await.expect(200)), ["b2", "b1"]);
    assert_eq!(ada.get("/follows/bora").await.expect(200), json!({"following": true}));
    assert_eq!(bora.get("/follows/ada").await.expect(200), json!({"following": false}));
    let counts = ada.get("/members/bora/counts").await.expect(200);
    assert_eq!(counts, json!({"posts": 2, "followers": 1, "following": 0}));
    let nobody = gateway.caller(&timeline, "timeline", None);
    assert_eq!(texts(&nobody.get("/members/bora/posts?limit=1").await.expect(200)), ["b2"]);
    ada.delete("/follows/bora").await.expect(204);
    assert_eq!(texts(&ada.get("/timeline").await.expect(200)), ["a2", "a1"]);
    assert_eq!(ada.put("/follows/ada").await.field(), ("memberId", "own_account"));
    for path in ["/timeline", "/follows/bora"] {
        assert_eq!(nobody.get(path).await.code(), (403, "no_acting_user"), "{path}");
    }
}

#[tokio::test]
async fn a_post_is_its_authors_to_delete_and_anybodys_to_like() {
    let gateway = Gateway::spawn().await;
    let timeline = gateway.start(Service::Timeline).await;
    let (ada, bora) = (
        gateway.caller(&timeline, "timeline", Some("ada")),
        gateway.caller(&timeline, "timeline", Some("bora")),
    );
    let post = ada.post("/posts", json!({"text": "밥"})).await.expect(201);
    let path = format!("/posts/{}", post["id"].as_str().expect("an id"));
    let like = format!("{path}/like");
    bora.put(&like).await.expect(204);
    bora.put(&like).await.expect(204);
    ada.put(&like).await.expect(204);
    let seen = bora.get("/members/ada/posts").await.expect(200);
    assert_eq!((&seen["items"][0]["likeCount"], &seen["items"][0]["likedByMe"]), (&json!(2), &json!(true)));
    bora.delete(&like).await.expect(204);
    bora.delete(&like).await.expect(204);
    let seen = bora.get("/members/ada/posts").await.expect(200);
    assert_eq!((&seen["items"][0]["likeCount"], &seen["items"][0]["likedByMe"]), (&json!(1), &json!(false)));
    assert_eq!(bora.delete(&path).await.code(), (403, "not_author"));
    ada.delete(&path).await.expect(204);
    assert_eq!(ada.delete(&path).await.code(), (404, "not_found"));
    assert_eq!(ada.put(&like).await.code(), (404, "not_found"));
}

#[tokio::test]
async fn bad_posts_are_refused_with_their_field() {
    let gateway = Gateway::spawn().await;
    let timeline = gateway.start(Service::Timeline).await;
    let ada = gateway.caller(&timeline, "timeline", Some("ada"));
    for (body, field) in [
        (json!({"text": ""}), "text"),
        (json!({"text": "x".repeat(10_001)}), "text"),
        (json!({"text": "x", "recipeId": "a/b"}), "recipeId"),
        (json!({"text": "x", "likeCount": 9}), "likeCount"),
        (json!({}), "text"),
    ] {
        let answer = ada.post("/posts", body).await;
        assert_eq!((answer.status.as_u16(), answer.field().0), (422, field));
    }
    let send = |kind: &str, body: String| {
        ada.send(ada.request(Method::POST, "/posts").header("Content-Type", kind).body(body))
    };
    assert_eq!(send("text/plain", "{}".into()).await.code(), (415, "unsupported_media_type"));
    assert_eq!(send("application/json", "{".into()).await.code(), (400, "malformed_json"));
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(send("application/json", large).await.code(), (413, "body_too_large"));
    let wrong = ada.call(Method::PATCH, "/posts/x/like").await;
    assert_eq!(wrong.code(), (405, "method_not_allowed"));
    assert_eq!(wrong.headers["allow"], "PUT, DELETE");
    assert_eq!(ada.get("/nowhere").await.code(), (404, "not_found"));
    assert_eq!(ada.delete("/posts/a%2Fb").await.field(), ("id", "invalid_id"));
    assert_eq!(ada.get("/timeline?cursor=nonsense").await.field(), ("cursor", "invalid_cursor"));
}

#[tokio::test]
async fn the_request_id_comes_back_and_unchanged_lists_are_304() {
    let gateway = Gateway::spawn().await;
    let timeline = gateway.start(Service::Timeline).await;
    let ada = gateway.caller(&timeline, "timeline", Some("ada"));
    let named = ada.request(Method::GET, "/nowhere").header("X-Request-Id", "req-1");
    let answer = ada.send(named).await;
    assert_eq!(
        (&answer.headers["x-request-id"], &answer.body["requestId"]),
        (&"req-1".parse().expect("text"), &json!("req-1"))
    );
    let first = ada.get("/timeline").await;
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let again = || ada.send(ada.request(Method::GET, "/timeline").header("If-None-Match", &tag));
    assert_eq!(again().await.status, 304);
    ada.post("/posts", json!({"text": "밥"})).await.expect(201);
    assert_eq!(again().await.status, 200);
    let head = ada.call(Method::HEAD, "/timeline").await;
    assert_eq!(head.status, 200);
    assert!(head.headers.contains_key("etag"));
}
