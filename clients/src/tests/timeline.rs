//! What the timeline client sends and takes.

use schemas::PostInput;
use serde_json::json;

use super::{Fixture, Reply, assert_sent, cx, id, ok, outcome, post};

#[tokio::test]
async fn timelines_are_walked_by_cursor() {
    let it = Fixture::new(|_| ok(&json!({"items": [post("p", "eve")], "nextCursor": "n"}))).await;
    let page = it.clients.timeline.timeline(&cx(), 20, None).await.expect("a page");
    assert_eq!((page.items.len(), page.next_cursor.as_deref()), (1, Some("n")));
    assert_sent(&it.only_request(), "GET", "/timeline?limit=20", "");

    let it = Fixture::new(|_| ok(&json!({"items": [post("p", "eve")]}))).await;
    let page = it.clients.timeline.member_posts(&cx(), &id("eve"), 5, Some("a+b/=")).await.expect("a page");
    assert_eq!(page.next_cursor, None);
    assert_sent(&it.only_request(), "GET", "/members/eve/posts?limit=5&cursor=a%2Bb%2F%3D", "");
}

#[tokio::test]
async fn posts_are_made_and_deleted() {
    let it = Fixture::new(|_| Reply::Json(201, post("p", "ada").to_string())).await;
    let input = PostInput { text: "밥".to_owned(), recipe_id: Some(id("r")) };
    assert_eq!(it.clients.timeline.create_post(&cx(), &input).await.expect("a post").id, id("p"));
    assert_sent(&it.only_request(), "POST", "/posts", r#"{"text":"밥","recipeId":"r"}"#);

    let it = Fixture::new(|_| Reply::Problem(403, r#"{"code": "not_author"}"#.to_owned())).await;
    let error = it.clients.timeline.delete_post(&cx(), &id("p")).await.expect_err("403");
    assert_eq!(error.problem_code(), Some("not_author"));
    assert_sent(&it.only_request(), "DELETE", "/posts/p", "");
}

#[tokio::test]
async fn likes_and_follows_are_put_and_deleted() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    let timeline = &it.clients.timeline;
    timeline.like_post(&cx(), &id("p")).await.expect("done");
    timeline.unlike_post(&cx(), &id("p")).await.expect("done");
    timeline.follow(&cx(), &id("eve")).await.expect("done");
    timeline.unfollow(&cx(), &id("eve")).await.expect("done");
    let sent: Vec<_> = it.server.requests().into_iter().map(|r| (r.method, r.target)).collect();
    let expected = [
        ("PUT", "/posts/p/like"),
        ("DELETE", "/posts/p/like"),
        ("PUT", "/follows/eve"),
        ("DELETE", "/follows/eve"),
    ];
    assert_eq!(sent, expected.map(|(method, target)| (method.to_owned(), target.to_owned())));
    assert_eq!(it.server.connections(), 1, "a 204 leaves the connection usable");
}

#[tokio::test]
async fn a_members_connections_are_read() {
    let it = Fixture::new(|_| ok(&json!({"following": true}))).await;
    assert!(it.clients.timeline.following(&cx(), &id("eve")).await.expect("an answer").following);
    assert_sent(&it.only_request(), "GET", "/follows/eve", "");

    let it = Fixture::new(|_| ok(&json!({"posts": 1, "followers": 2, "following": 3}))).await;
    assert_eq!(it.clients.timeline.counts(&cx(), &id("eve")).await.expect("counts").followers, 2);
    assert_sent(&it.only_request(), "GET", "/members/eve/counts", "");
}

#[tokio::test]
async fn posts_of_somebody_else_are_refused() {
    let it = Fixture::new(|request| {
        let one = post("p", "mallory");
        if request.method == "POST" { ok(&one) } else { ok(&json!({"items": [one], "nextCursor": null})) }
    })
    .await;
    assert_eq!(outcome(&it.clients.timeline.member_posts(&cx(), &id("eve"), 5, None).await), "invalid");
    let input = PostInput { text: "x".to_owned(), recipe_id: None };
    assert_eq!(outcome(&it.clients.timeline.create_post(&cx(), &input).await), "invalid");
}
