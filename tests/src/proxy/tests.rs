//! The proxy before a small server of its own.

use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use reqwest::{Client, Method};

use super::{Fault, HUGE, PLANTED, Proxy};
use crate::soon;

async fn echo(body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(format!("{{\"got\": {}}}", body.len()))
}

/// The server ends with the test's runtime.
async fn proxied() -> (Proxy, Client) {
    let server = HttpServer::new(|| App::new().default_service(web::to(echo)));
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    #[expect(clippy::disallowed_methods, reason = "stands for the gateway's transport")]
    let client = Client::builder();
    let client = client.no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    (Proxy::before(address).await.expect("a port"), client)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_written_down_as_it_was_sent() {
    let (proxy, client) = proxied().await;
    for n in 0..3 {
        let url = format!("{}/a/b?n={n}", proxy.url());
        let sent = client.post(url).header("X-Own", "one").body("x".repeat(n * 1000)).send().await;
        assert_eq!(
            sent.expect("an answer").text().await.expect("text"),
            format!("{{\"got\": {}}}", n * 1000)
        );
    }
    let chunks = futures_util::stream::iter(["ab", "cde"].map(Ok::<_, std::io::Error>));
    let chunked = client.put(proxy.url()).body(reqwest::Body::wrap_stream(chunks)).send().await;
    assert_eq!(chunked.expect("an answer").text().await.expect("text"), "{\"got\": 5}");
    client.request(Method::HEAD, proxy.url()).send().await.expect("an answer");
    soon("five requests", proxy.wait_for(5)).await;
    let requests = proxy.requests();
    let lines: Vec<_> = requests.iter().map(super::Recorded::line).collect();
    assert_eq!(lines, ["POST /a/b?n=0", "POST /a/b?n=1", "POST /a/b?n=2", "PUT /", "HEAD /"]);
    assert_eq!(requests[2].header("x-own"), Some("one"));
    assert_eq!((requests[2].body.len(), requests[3].body.as_slice()), (2000, &b"abcde"[..]));
    proxy.clear();
    assert_eq!(proxy.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_what_its_name_says_and_healing_takes_it_away() {
    let (proxy, client) = proxied().await;
    let get = async || client.get(proxy.url()).timeout(Duration::from_millis(500)).send().await;
    let body = async || get().await?.text().await;

    proxy.refuse().await;
    assert!(get().await.expect_err("refused").is_connect());
    proxy.heal().await;
    assert_eq!(body().await.expect("healed"), "{\"got\": 0}");

    for fault in [Fault::Reset, Fault::LoseAnswer, Fault::Garbage] {
        proxy.fail(fault.clone());
        let error = get().await.expect_err("no answer");
        assert!(error.is_request() && !error.is_timeout(), "{fault:?}: {error:?}");
    }
    for fault in [Fault::CutBody, Fault::Stall] {
        proxy.fail(fault.clone());
        let answer = get().await.expect("a head");
        assert_eq!(answer.content_length(), Some(10), "{fault:?}");
        let error = answer.bytes().await.expect_err("half a body");
        assert_eq!(error.is_timeout(), fault == Fault::Stall, "{fault:?}");
    }
    proxy.fail(Fault::BlackHole);
    assert!(get().await.expect_err("no answer").is_timeout());
    soon("two given up", proxy.wait_for_abandoned(2)).await;

    proxy.fail(Fault::GarbageJson);
    assert!(serde_json::from_str::<serde_json::Value>(&body().await.expect("text")).is_err());
    proxy.fail(Fault::Status500);
    let failed = get().await.expect("an answer");
    assert_eq!(failed.status(), 500);
    assert!(failed.text().await.expect("text").contains(PLANTED));
    proxy.fail(Fault::Redirect("http://127.0.0.1:1/".into()));
    assert_eq!(get().await.expect("an answer").status(), 302);

    proxy.heal().await;
    assert_eq!(body().await.expect("healed"), "{\"got\": 0}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_body_is_whole_and_well_formed() {
    let (proxy, client) = proxied().await;
    for announced in [true, false] {
        proxy.fail(Fault::Huge { announced });
        let answer = client.get(proxy.url()).send().await.expect("a head");
        assert_eq!(answer.content_length(), announced.then_some(HUGE as u64));
        let body = answer.bytes().await.expect("all of it");
        assert_eq!(body.len(), HUGE);
        assert!(body.starts_with(b"[ 0,0") && body.ends_with(b"0,0]"));
    }
    assert!(proxy.bytes_sent() > 2 * HUGE as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_can_be_meant_for_some_paths_only_and_a_held_request_goes_on_when_it_ends() {
    let (proxy, client) = proxied().await;
    let (slow, fast) = (format!("{}/slow?x=1", proxy.url()), format!("{}/fast", proxy.url()));
    proxy.fail_on("/slow?x", Fault::Delay(Duration::from_millis(200)));
    let began = Instant::now();
    client.get(&fast).send().await.expect("an answer");
    assert!(began.elapsed() < Duration::from_millis(190));
    client.get(&slow).send().await.expect("an answer");
    assert!(began.elapsed() >= Duration::from_millis(200));

    proxy.clear();
    proxy.fail_on("/slow", Fault::Hold);
    let held = tokio::spawn(client.get(&slow).send());
    soon("the held request", proxy.wait_for(1)).await;
    client.get(&fast).send().await.expect("an answer");
    assert!(!held.is_finished());
    proxy.heal().await;
    assert_eq!(soon("it to go on", held).await.expect("no panic").expect("an answer").status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_until_it_is_known_where_they_go() {
    let (proxy, client) = proxied().await;
    let late = Proxy::listen().await.expect("a port");
    let waiting = tokio::spawn(client.get(late.url()).send());
    soon("the request", late.wait_for(1)).await;
    late.forward_to(proxy.address);
    assert_eq!(soon("an answer", waiting).await.expect("no panic").expect("an answer").status(), 200);
    assert_eq!(proxy.requests().len(), 1);
}
