//! Upstreams are asked whether an answer still holds rather than to send it again.

use reqwest::Method;
use serde_json::json;
use tests::TestBff;

/// What calls of `GET /members/me` said that the gateway knows.
fn known(bff: &TestBff) -> Vec<Option<String>> {
    let requests = bff.profile.requests().into_iter();
    let mine = requests.filter(|request| request.line() == "GET /members/me");
    mine.map(|request| request.header("if-none-match").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_read_that_is_repeated_asks_whether_its_answer_still_holds() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let bora = bff.signed_in("bora").await;
    bff.clear_journals();
    let [first, second] = [ada.get("/api/me").await.expect(200), ada.get("/api/me").await.expect(200)];
    assert_eq!(first.text(), second.text());
    assert_eq!(bora.get("/api/me").await.expect(200).json()["username"], "bora");
    let asked = known(&bff);
    assert!(matches!(&asked[..], [None, Some(_), None]), "{asked:?}");
    let metrics = bff.internal("/metrics").await.expect(200).text();
    let counted = r#"bff_upstream_not_modified_total{upstream="profile",operation="me"} 1"#;
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");

    let change = json!({ "displayName": "Countess" });
    let _ = ada.from_page(Method::PATCH, "/api/me").json(&change).send().await.expect(200);
    assert_eq!(ada.get("/api/me").await.expect(200).json()["displayName"], "Countess");
}

#[tokio::test]
async fn a_screen_that_is_made_anew_has_sent_what_changed_and_no_more() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let _ = ada.get("/bff/home-feed").await.expect(200);
    let _ = ada.post("/api/posts", &json!({ "text": "Rice again" })).await.expect(201);
    bff.clear_journals();
    let feed = ada.get("/bff/home-feed").await.expect(200).json();
    assert_eq!(feed["posts"][0]["text"], "Rice again");
    let timeline = bff.timeline.requests();
    assert!(timeline.iter().all(|request| request.header("if-none-match").is_some()), "{timeline:?}");
}

#[tokio::test]
async fn an_operator_can_do_without() {
    let bff = TestBff::builder().set("cache.upstream_max_bytes", 0).spawn().await;
    let ada = bff.signed_in("ada").await;
    bff.clear_journals();
    let _ = (ada.get("/api/me").await.expect(200), ada.get("/api/me").await.expect(200));
    assert_eq!(known(&bff), [None, None]);
}
