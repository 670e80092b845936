//! The app while services are slow, fail, or are away.

use serde_json::{Value, json};
use tests::{Actor, Fault, TestBff, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    pictures, run_in_turns,
    web::{Web, expect_sound},
};
use crate::fixtures::{follow, post, publish};

const TEXT: &str = "worth waiting for";

/// A gateway that waits for slow services as long as a test holds them, and asks the timeline twice at a time.
async fn patient() -> TestBff {
    let builder = TestBff::builder()
        .set("screens.home_feed.deadline_ms", 20_000)
        .set("upstreams.timeline.timeout_ms", 20_000);
    builder.set("upstreams.timeline.max_concurrent", 2).set("upstreams.timeline.queue", 0).spawn().await
}

/// Somebody whose feed has a post of `author` in it, and has not been asked for.
async fn follower(bff: &TestBff, name: &str, author: &Actor) -> Actor {
    let member = bff.signed_in(name).await;
    follow(&member, author).await;
    member
}

/// Whether something was asked of the timeline that begins like this and has not been answered.
fn asked(bff: &TestBff, method: &str, prefix: &str) -> bool {
    let requests = bff.timeline.requests();
    requests.iter().any(|request| request.method == method && request.path.starts_with(prefix))
}

#[tokio::test]
async fn slow_and_failing_services_are_borne_with_calm() {
    let bff = patient().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let recipe = format!("/recipes/{}", publish(&ada, "Fried rice").await);
    let liked = post(&ada, TEXT).await;
    let mut cookies = serde_json::Map::new();
    for name in ["dana", "emil", "finn"] {
        let member = follower(&bff, name, &ada).await;
        cookies.insert(name.to_owned(), member.cookie_value().into());
    }
    let crowd = [follower(&bff, "gina", &ada).await, follower(&bff, "hana", &ada).await];
    let told = json!({
        "web": web.url, "pictures": pictures(), "cookies": cookies,
        "recipe": recipe, "post": format!("/api/posts/{liked}/like"), "text": TEXT,
    });
    let turns = async |turn: &str| {
        match turn {
            "hold timeline" => {
                bff.clear_journals();
                bff.timeline.fail_on("/timeline", Fault::Hold);
            }
            "timeline is asked" => return asked(&bff, "GET", "/timeline").into(),
            "hold likes" => {
                bff.clear_journals();
                bff.timeline.fail_on("/posts/", Fault::Hold);
            }
            "likes are asked" => {
                soon("the like", bff.timeline.wait_for(1)).await;
                return asked(&bff, "PUT", "/posts/").into();
            }
            "timeline is busy" => {
                bff.clear_journals();
                bff.timeline.fail_on("/timeline", Fault::Hold);
                for member in crowd.clone() {
                    tokio::spawn(async move { member.get("/bff/home-feed").await });
                }
                soon("two feeds", bff.timeline.wait_for(2)).await;
            }
            "fail likes" => bff.timeline.fail_on("/posts/", Fault::Status500),
            "fail comments" => bff.recipe.fail(Fault::Status(503)),
            "recipe away" => soon("the proxy to refuse", bff.recipe.refuse()).await,
            "heal" => bff.heal().await,
            other => panic!("nobody does {other:?}"),
        }
        Value::Null
    };
    let result = run_in_turns("app-troubles.mjs", &told, turns).await;
    let seen = &result["seen"];
    assert_eq!(seen["profileFirst"], json!({ "posts": 0, "asked": true }));
    assert_eq!(seen["atOnce"], json!({ "shown": ["true", "1"], "asked": true }), "before there is an answer");
    assert_eq!(seen["afterwards"], json!(["true", "1"]), "read your writes");
    assert_eq!(seen["putBack"]["shown"], json!(["true", "1"]), "what did not happen is not shown");
    let calm = "This is not working at the moment. Please try again in a little while.";
    assert_eq!(seen["putBack"]["said"], calm);
    let busy = json!({ "shown": ["true", "1"], "said": "Too much is going on at the moment. Try again in 1 second." });
    assert_eq!(seen["busy"], busy);
    let failed = json!({ "said": calm, "text": "Written while it rained", "focusStays": "BUTTON" });
    assert_eq!(seen["failed"], failed, "and nothing that was typed is lost");
    let uncertain = json!({ "text": "Written while it rained", "written": 0 });
    assert_eq!(seen["uncertain"], uncertain, "people look before it is sent anew");
    assert_eq!(seen["once"], 1, "sent twice, written once");
    assert_eq!(seen["degraded"], json!({ "status": 200, "posts": true }));
    expect_sound(&result);
}

#[tokio::test]
async fn the_page_begins_before_the_slowest_service_has_answered() {
    let bff = patient().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let _ = post(&ada, TEXT).await;
    let dana = follower(&bff, "dana", &ada).await;
    bff.clear_journals();
    bff.timeline.fail(Fault::Hold);
    let mut page = open(&web, &dana).await;
    let first = soon("the profile", read_until(&mut page, "data-testid=\"profile\"")).await;
    assert!(asked(&bff, "GET", "/timeline"), "the timeline has been asked");
    assert!(!first.contains(TEXT), "and has not answered: {first}");
    bff.heal().await;
    let rest = soon("the rest of the page", read_until(&mut page, "</html>")).await;
    assert!(rest.contains(TEXT), "{rest}");
    assert!(!rest.contains("data-testid=\"missing\""), "{rest}");
}

async fn open(web: &Web, actor: &Actor) -> TcpStream {
    let mut stream = TcpStream::connect(web.url.trim_start_matches("http://")).await.expect("a connection");
    let cookie = actor.cookie().expect("a session");
    let request = format!("GET / HTTP/1.1\r\nhost: app\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Reads until `mark` has come.
async fn read_until(stream: &mut TcpStream, mark: &str) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(mark) {
            return text.into_owned();
        }
        let read = stream.read_buf(&mut bytes).await.expect("the connection stays");
        assert!(read > 0, "it ended without {mark:?}");
    }
}
