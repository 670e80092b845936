//! A stop, as balancers in front and callers on their connections meet it.

use tests::{TestBff, eventually};

use super::{Wire, get};

const JWKS: &str = "/.well-known/jwks.json";

async fn told_to_stop(bff: &TestBff, signal: &str) {
    bff.signal(signal).await;
    eventually("not ready", || async { (bff.internal("/readyz").await.status == 503).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn until_balancers_have_noticed_a_stop_callers_are_served_as_before() {
    for signals in [["TERM", "TERM"], ["INT", "TERM"], ["TERM", "INT"]] {
        let mut bff = TestBff::builder().set("http.drain_delay_ms", 600_000).spawn().await;
        let ada = bff.signed_in("ada").await;
        let cookie = format!("cookie: {}\r\naccept: text/event-stream\r\n", ada.cookie().expect("a cookie"));
        let listening = async |url: &str| {
            let mut stream = Wire::to(url).await;
            stream.send(&get("/bff/notify", &cookie)).await;
            while !String::from_utf8_lossy(&stream.came).contains("\"ready\"") {
                assert!(stream.more().await, "{}", String::from_utf8_lossy(&stream.came));
            }
            stream
        };
        let (mut idle, early) = (Wire::to(&bff.url()).await, listening(&bff.url()).await);
        idle.send(&get(JWKS, "")).await;
        assert_eq!(idle.expect(200).await.header("connection"), None);
        told_to_stop(&bff, signals[0]).await;
        // Connections that are there close behind an answer, and none while it is idle.
        idle.send(&get(JWKS, "")).await;
        assert_eq!(idle.expect(200).await.header("connection"), Some("close"));
        assert_eq!(idle.rest().await, "");
        let mut new = Wire::to(&bff.url()).await;
        new.send(&get(JWKS, "")).await;
        assert_eq!(new.expect(200).await.header("connection"), Some("close"));
        let _ = ada.post("/api/posts", &serde_json::json!({ "text": "x" })).await.expect(201);
        let late = listening(&bff.url()).await;
        let _ = bff.internal("/livez").await.expect(200);
        bff.signal(signals[1]).await;
        for stream in [early, late] {
            let said = stream.rest().await;
            assert_eq!(said.matches(r#""type":"end""#).count(), 1, "{said}");
        }
        assert_eq!(bff.ended().await.code(), Some(0), "{signals:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_goes_on_by_itself_once_the_delay_is_over() {
    let mut bff = TestBff::builder().set("http.drain_delay_ms", 300).spawn().await;
    bff.terminate().await;
    assert_eq!(bff.ended().await.code(), Some(0));
    let (draining, stopping) = (bff.output().find("draining"), bff.output().find("stopping"));
    assert!(draining.is_some() && draining < stopping, "{}", bff.output());
}
