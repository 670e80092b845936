//! What every call has in common.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{future::join_all, poll};
use schemas::Reason;
use serde_json::json;
use tokio::{runtime::Handle, sync::Semaphore};

use super::{Fixture, Reply, Server, claims, clients_at, cx, id, me, ok, unheard};
use crate::{RawCall, UpstreamConfig, UpstreamError};

#[tokio::test]
async fn a_call_bears_the_gateways_headers_and_no_others() {
    let it = Fixture::new(|_| ok(&me("ada"))).await;
    it.clients.me(&cx()).await.expect("me");
    let request = it.only_request();
    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "authorization",
        "host",
        "traceparent",
        "user-agent",
        "x-request-id",
        "x-request-timeout-ms",
    ];
    assert_eq!(names, expected, "above all no cookie, referer or accept-encoding");
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.header("x-request-id"), Some("req-1"));
    assert_eq!(request.header("user-agent"), Some(concat!("bff/", env!("CARGO_PKG_VERSION"))));
    let trace = request.header("traceparent").expect("a trace");
    assert!(trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && trace.ends_with("-01"), "{trace}");
    assert!(!trace.contains("b7ad6b7169203331"), "each call has its own span");
}

#[tokio::test]
async fn the_token_is_for_this_upstream_and_for_who_acts() {
    let it = Fixture::new(|_| ok(&me("ada"))).await;
    it.clients.me(&cx()).await.expect("me");
    it.clients.order(&cx().anonymous()).await.expect("an order");
    let [mine, nobodys] = [0, 1].map(|place| claims(&it.server.requests()[place]));
    assert_eq!((mine.aud.as_str(), mine.sub.as_deref()), ("accounts-service", Some("ada")));
    assert_eq!((mine.iss.as_str(), mine.act.sub.as_str()), ("https://bff.test", "bff"));
    assert_eq!((mine.scope.as_str(), mine.client.as_str()), ("read write", "web"));
    assert_eq!((nobodys.aud.as_str(), nobodys.sub, nobodys.scope.as_str()), ("orders-service", None, "read"));
}

#[tokio::test]
async fn the_upstream_is_told_how_long_the_gateway_waits() {
    let it = Fixture::with(|config| config.timeout = Duration::from_millis(700), |_| ok(&me("ada"))).await;
    let mut cx = cx();
    it.clients.me(&cx).await.expect("me");
    cx.deadline = Instant::now() + Duration::from_millis(400);
    it.clients.me(&cx).await.expect("me");
    let told = it.server.requests().into_iter().map(|request| {
        request.header("x-request-timeout-ms").and_then(|ms| ms.parse::<u64>().ok()).expect("a number")
    });
    let told: Vec<_> = told.collect();
    assert!((500..=700).contains(&told[0]), "the upstream's own timeout: {told:?}");
    assert!((200..=400).contains(&told[1]), "what is left of the deadline: {told:?}");
}

#[tokio::test]
async fn after_the_deadline_nothing_is_sent() {
    let it = Fixture::new(|_| ok(&me("ada"))).await;
    let mut cx = cx();
    cx.deadline = Instant::now();
    let error = it.clients.me(&cx).await.expect_err("too late");
    assert_eq!(error.reason(), Reason::Timeout);
    assert_eq!(it.server.connections(), 0);
}

#[tokio::test]
async fn the_callers_deadline_ends_a_call_before_the_upstreams_timeout() {
    let it = Fixture::new(|_| Reply::Hang).await;
    let mut cx = cx();
    let started = Instant::now();
    cx.deadline = started + Duration::from_millis(80);
    let error = it.clients.me(&cx).await.expect_err("too late");
    assert!(matches!(error, UpstreamError::Timeout { upstream: "accounts" }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
    it.server.until_ended(1).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_call_along() {
    let it = Fixture::new(|_| Reply::Hang).await;
    {
        let cx = cx();
        let mut call = pin!(it.clients.me(&cx));
        assert!(poll!(call.as_mut()).is_pending());
        it.server.until_seen(1).await;
    }
    it.server.until_ended(1).await;
    assert_eq!(*it.reports.lock(), [("me", "canceled")]);
}

#[tokio::test]
async fn more_calls_than_the_limit_wait_and_more_than_the_queue_are_refused() {
    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let adjust = |config: &mut UpstreamConfig| (config.max_concurrent, config.queue) = (2, 1);
    let it = Fixture::with(adjust, move |_| Reply::Held(Arc::clone(&held), Box::new(ok(&me("ada"))))).await;
    let (clients, cx) = (it.clients.clone(), cx());
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let (clients, cx) = (clients.clone(), cx.clone());
            tokio::spawn(async move { clients.me(&cx).await })
        })
        .collect();
    it.server.until_seen(2).await;
    // Whichever came last was refused; the one that waits has not been sent.
    let mut calls = calls;
    let refused = loop {
        if let Some(place) = calls.iter().position(tokio::task::JoinHandle::is_finished) {
            break calls.remove(place).await.expect("no panic");
        }
        tokio::task::yield_now().await;
    };
    let error = refused.expect_err("no room");
    assert_eq!((error.outcome(), error.reason()), ("overloaded", Reason::Overloaded));
    assert_eq!(it.server.requests().len(), 2);
    permits.add_permits(3);
    for answer in join_all(calls).await {
        answer.expect("no panic").expect("room at last");
    }
    let mut outcomes: Vec<_> = it.reports.lock().iter().map(|(_, outcome)| *outcome).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["ok", "ok", "ok", "overloaded"]);
}

#[tokio::test]
async fn waiting_for_room_counts_against_the_deadline() {
    let adjust = |config: &mut UpstreamConfig| config.max_concurrent = 1;
    let it = Fixture::with(adjust, |_| Reply::Hang).await;
    let cx = cx();
    let mut first = pin!(it.clients.me(&cx));
    assert!(poll!(first.as_mut()).is_pending());
    it.server.until_seen(1).await;
    let mut hurried = cx.clone();
    hurried.deadline = Instant::now() + Duration::from_millis(50);
    let error = it.clients.me(&hurried).await.expect_err("no room in time");
    assert_eq!(error.reason(), Reason::Timeout);
    assert_eq!(it.server.requests().len(), 1);
}

#[test]
fn connections_outlive_the_workers_that_asked_for_them() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let server = runtime.block_on(Server::start(|_| ok(&me("ada"))));
    let clients = clients_at(&server.url, |_| (), unheard(), runtime.handle().clone());
    for _ in 0..3 {
        let worker = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a worker");
        worker.block_on(clients.me(&cx())).expect("me");
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn a_runtime_that_is_gone_answers_instead_of_hanging() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let url = "http://127.0.0.1:9/".parse().expect("a url");
    let clients = clients_at(&url, |_| (), unheard(), runtime.handle().clone());
    runtime.shutdown_background();
    let error = clients.me(&cx()).await.expect_err("no runtime");
    assert_eq!(error.outcome(), "overloaded");
    // A look-up runs where its caller does, and meets a port that nobody listens at.
    let error = clients.items(&cx(), vec![id("a")]).await.expect_err("no service");
    assert_eq!(error.outcome(), "connect");
}

#[tokio::test]
async fn a_prefix_of_the_base_url_is_kept() {
    for base in ["v1/shop", "v1/shop/"] {
        let it = Fixture::with(
            |config| config.url = config.url.join(base).expect("a url"),
            |_| ok(&json!({"items": []})),
        )
        .await;
        it.clients.me(&cx()).await.expect("me");
        let search = RawCall::get("search", "/items?q=%EC%8C%80+%26+co".to_owned());
        it.clients.upstream("catalogue").call(&cx(), search).await.expect("items");
        let targets: Vec<_> = it.server.requests().into_iter().map(|request| request.target).collect();
        assert_eq!(targets, ["/v1/shop/members/me", "/v1/shop/items?q=%EC%8C%80+%26+co"]);
    }
}

#[tokio::test]
async fn a_future_of_a_call_is_small_and_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let clients =
        clients_at(&"http://127.0.0.1:9/".parse().expect("a url"), |_| (), unheard(), Handle::current());
    let cx = cx();
    let call = clients.me(&cx);
    is_send(&call);
    assert!(size_of_val(&call) < 4096, "{} bytes", size_of_val(&call));
}
