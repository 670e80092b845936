//! The internal listener, and a stop in good order.

use serde_json::json;
use tests::{Fault, TestBff, eventually, soon};

const FEED: &str = "/bff/home-feed";

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_on_the_internal_listener_alone() {
    let bff = TestBff::spawn().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        let _ = bff.internal(path).await.expect(200);
        bff.anonymous().get(path).await.expect_problem(404, "not_found");
    }
    assert_eq!(bff.internal(FEED).await.status, 404);
    assert_eq!(bff.internal("/auth/session").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_cache_outcomes_parts_and_calls() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let (_, _) = (ada.get(FEED).await.expect(200), ada.get(FEED).await.expect(200));
    bff.anonymous().get("/nothing/here").await.expect_problem(404, "not_found");
    let text = bff.internal("/metrics").await.expect(200).text();
    let has = |name: &str, labels: &[&str]| {
        text.lines().any(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
    };
    assert!(
        has("bff_http_request_duration_seconds_count{", &["route=\"/bff/home-feed\"", "status=\"200\""]),
        "{text}"
    );
    assert!(has("bff_cache_requests_total{", &["screen=\"home-feed\"", "outcome=\"miss\""]), "{text}");
    assert!(has("bff_cache_requests_total{", &["screen=\"home-feed\"", "outcome=\"hit\""]), "{text}");
    for part in ["profile", "posts", "recipes"] {
        assert!(
            has("bff_part_duration_seconds_count{", &[&format!("part=\"{part}\""), "outcome=\"ok\""]),
            "{part}: {text}"
        );
    }
    for upstream in ["profile", "timeline", "recipe"] {
        assert!(
            has("bff_upstream_request_duration_seconds_count{", &[&format!("upstream=\"{upstream}\"")]),
            "{text}"
        );
    }
    assert!(text.trim_end().ends_with("# EOF"), "OpenMetrics ends so");
    for secret in [ada.id(), "ada".to_owned(), "/nothing/here".to_owned()] {
        assert!(
            !text.contains(&format!("\"{secret}\"")),
            "no ids and no paths of callers in labels: {secret}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_may_be_away_and_the_gateway_is_ready_all_the_same() {
    let bff = TestBff::spawn().await;
    for proxy in bff.proxies() {
        proxy.refuse().await;
    }
    let _ = bff.internal("/readyz").await.expect(200);
    let _ = bff.internal("/livez").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_good_order_lets_requests_in_flight_finish() {
    let mut bff = TestBff::builder().set("screens.home_feed.deadline_ms", 10_000).spawn().await;
    let ada = bff.signed_in("ada").await;
    // The upstreams have fetched the keys: a gateway that stops takes no new connections for that.
    let _ = ada.get(&format!("{FEED}?limit=1")).await.expect(200);
    bff.timeline.clear();
    bff.timeline.fail(Fault::Hold);
    let read = tokio::spawn({
        let ada = ada.clone();
        async move { ada.get(FEED).await }
    });
    let write = tokio::spawn({
        let ada = ada.clone();
        async move { ada.post("/api/posts", &json!({ "text": "the last one" })).await }
    });
    soon("both to be in flight", bff.timeline.wait_for(2)).await;
    bff.terminate().await;
    eventually("not ready", || async { (bff.internal("/readyz").await.status == 503).then_some(()) }).await;
    let _ = bff.internal("/livez").await.expect(200);
    assert!(!read.is_finished() && !write.is_finished());
    bff.timeline.heal().await;
    assert_eq!(soon("the read", read).await.expect("no panic").status, 200);
    assert_eq!(soon("the write", write).await.expect("no panic").status, 201);
    assert_eq!(bff.ended().await.code(), Some(0));
    assert!(ada.request(reqwest::Method::GET, FEED).try_send().await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_one_line_in_the_log() {
    let mut bff = TestBff::builder().set("telemetry.format", "json").spawn().await;
    let ada = bff.signed_in("ada").await;
    let id = "the-request-under-test";
    let request = ada.request(reqwest::Method::GET, &format!("{FEED}?limit=3"));
    let _ = request.header("x-request-id", id).send().await.expect(200);
    bff.terminate().await;
    assert_eq!(bff.ended().await.code(), Some(0));
    let text = bff.output();
    let lines: Vec<_> = text.lines().filter(|line| line.contains(id)).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line: serde_json::Value = serde_json::from_str(lines[0]).expect("JSON");
    let says = |value: &str| line.to_string().contains(value);
    assert!(says("\"/bff/home-feed\"") && says("GET") && says("200"), "{line}");
    assert!(!says("limit=3"), "queries are the caller's: {line}");
    assert!(!says(&ada.id()), "ids of users are hashed: {line}");
}
