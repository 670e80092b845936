//! Look-ups of concurrent requests go out together.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use schemas::Reason;
use tokio::sync::Semaphore;

use super::{Fixture, Reply, claims, cx, id, ids, item, items_for, ok};

/// A fixture whose answers wait for permits.
async fn held() -> (Fixture, Arc<Semaphore>) {
    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let it =
        Fixture::new(move |request| Reply::Held(Arc::clone(&held), Box::new(items_for(request, item)))).await;
    (it, permits)
}

#[tokio::test]
async fn fifty_look_ups_at_once_make_one_call() {
    let (it, permits) = held().await;
    permits.add_permits(100);
    let cx = cx();
    let calls = (0..50).map(|n| it.clients.items(&cx, ids(&["ada", &format!("m{}", n % 7)])));
    for (n, items) in join_all(calls).await.into_iter().enumerate() {
        let items = items.expect("items");
        assert_eq!(items.len(), 2);
        assert_eq!(items[&id("ada")]["name"], "ada");
        assert_eq!(items[&id(&format!("m{}", n % 7))]["name"], format!("m{}", n % 7));
    }
    let request = it.only_request();
    assert_eq!(request.target, "/items?ids=ada,m0,m1,m2,m3,m4,m5,m6", "sorted, each once");
    assert_eq!(request.header("x-request-id"), Some("req-1"), "that of the first");
    assert_eq!(claims(&request).sub, None, "shared items are nobody's in particular");
    assert_eq!(*it.reports.lock(), [("items", "ok")]);
}

#[tokio::test]
async fn who_waits_for_another_threads_call_asks_anew_where_that_thread_ends() {
    let (it, permits) = held().await;
    let (clients, end) = (it.clients.clone(), Arc::new(Semaphore::new(0)));
    let ends = Arc::clone(&end);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let first = tokio::spawn(async move { clients.items(&cx(), ids(&["a"])).await.map(drop) });
            let _ = ends.acquire().await.expect("never closed");
            first.abort();
        });
    });
    it.server.until_seen(1).await;
    let clients = it.clients.clone();
    let second = tokio::spawn(async move { clients.items(&cx(), ids(&["a"])).await });
    // It has joined before its turn ends.
    tokio::task::yield_now().await;
    end.add_permits(1);
    tokio::task::spawn_blocking(|| thread.join()).await.expect("joined").expect("no panic");
    it.server.until_seen(2).await;
    permits.add_permits(2);
    assert_eq!(second.await.expect("no panic").expect("items")[&id("a")]["name"], "a");
}

#[tokio::test]
async fn no_ids_make_no_call() {
    let (it, _permits) = held().await;
    assert!(it.clients.items(&cx(), Vec::new()).await.expect("nothing").is_empty());
    assert_eq!(it.server.connections(), 0);
}

#[tokio::test]
async fn an_id_on_its_way_is_awaited_and_not_asked_for_again() {
    let (it, permits) = held().await;
    let (clients, cx) = (it.clients.clone(), cx());
    let first = tokio::spawn({
        let (clients, cx) = (clients.clone(), cx.clone());
        async move { clients.items(&cx, ids(&["a", "b"])).await }
    });
    it.server.until_seen(1).await;
    let second = tokio::spawn(async move { clients.items(&cx, ids(&["b", "c"])).await });
    it.server.until_seen(2).await;
    permits.add_permits(2);
    assert_eq!(first.await.expect("no panic").expect("items").len(), 2);
    let mut found: Vec<_> = second.await.expect("no panic").expect("items").into_keys().collect();
    found.sort_unstable();
    assert_eq!(found, ids(&["b", "c"]));
    let targets: Vec<_> = it.server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/items?ids=a,b", "/items?ids=c"]);
}

#[tokio::test]
async fn the_one_who_asked_first_may_hang_up() {
    let (it, permits) = held().await;
    let (clients, cx) = (it.clients.clone(), cx());
    let first = tokio::spawn({
        let (clients, cx) = (clients.clone(), cx.clone());
        async move { clients.items(&cx, ids(&["a"])).await }
    });
    it.server.until_seen(1).await;
    let second = tokio::spawn(async move { clients.items(&cx, ids(&["a"])).await });
    first.abort();
    assert!(first.await.expect_err("aborted").is_cancelled());
    permits.add_permits(1);
    assert_eq!(second.await.expect("no panic").expect("items").len(), 1);
    assert_eq!(it.server.requests().len(), 1);
}

#[tokio::test]
async fn each_waits_no_longer_than_their_own_deadline() {
    let (it, permits) = held().await;
    let (clients, patient) = (it.clients.clone(), cx());
    let mut hurried = patient.clone();
    hurried.deadline = Instant::now() + Duration::from_millis(60);
    let waiting = tokio::spawn({
        let clients = clients.clone();
        async move { clients.items(&patient, ids(&["a"])).await }
    });
    let error = clients.items(&hurried, ids(&["a"])).await.expect_err("too late");
    assert_eq!(error.reason(), Reason::Timeout);
    permits.add_permits(1);
    assert_eq!(waiting.await.expect("no panic").expect("items").len(), 1);
    assert_eq!(it.server.requests().len(), 1);
}

#[tokio::test]
async fn a_call_is_told_how_long_it_is_waited_for() {
    let (it, permits) = held().await;
    permits.add_permits(1);
    let mut hurried = cx();
    hurried.deadline = Instant::now() + Duration::from_millis(700);
    let mut patient = hurried.clone();
    patient.deadline += Duration::from_millis(200);
    let (clients, both) = (&it.clients, [&hurried, &patient]);
    let _ = join_all(both.map(|cx| clients.items(cx, ids(&["a"])))).await;
    let told: u64 =
        it.only_request().header("x-request-timeout-ms").expect("a time").parse().expect("a number");
    assert!((1..=900).contains(&told), "{told}: that of whoever waits longest, not the upstream's");
}

#[tokio::test]
async fn who_has_time_left_asks_anew_when_others_have_given_up() {
    let (it, permits) = held().await;
    let (clients, patient) = (it.clients.clone(), cx());
    let mut hurried = patient.clone();
    hurried.deadline = Instant::now() + Duration::from_millis(60);
    let first = tokio::spawn({
        let clients = clients.clone();
        async move { clients.items(&hurried, ids(&["a"])).await }
    });
    it.server.until_seen(1).await;
    let second = tokio::spawn(async move { clients.items(&patient, ids(&["a"])).await });
    assert_eq!(first.await.expect("no panic").expect_err("too late").reason(), Reason::Timeout);
    it.server.until_seen(2).await;
    permits.add_permits(2);
    assert_eq!(second.await.expect("no panic").expect("items").len(), 1);
}

#[tokio::test]
async fn a_failure_is_shared_and_not_kept() {
    let it = Fixture::new({
        let failed = std::sync::atomic::AtomicBool::new(false);
        move |request| {
            let first = !failed.swap(true, std::sync::atomic::Ordering::Relaxed);
            if first { Reply::Json(503, "{}".to_owned()) } else { items_for(request, item) }
        }
    })
    .await;
    let cx = cx();
    let calls = (0..10).map(|_| it.clients.items(&cx, ids(&["a"])));
    for answer in join_all(calls).await {
        assert_eq!(answer.expect_err("503").outcome(), "status_5xx");
    }
    assert_eq!(it.server.requests().len(), 1);
    assert_eq!(it.clients.items(&cx, ids(&["a"])).await.expect("items").len(), 1);
}

#[tokio::test]
async fn more_than_a_hundred_ids_go_out_in_parts() {
    let (it, permits) = held().await;
    permits.add_permits(100);
    let many: Vec<_> = (0..250).map(|n| id(&format!("m{n}"))).collect();
    assert_eq!(it.clients.items(&cx(), many).await.expect("items").len(), 250);
    let mut sizes: Vec<_> =
        it.server.requests().iter().map(|request| request.target.split(',').count()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, 100]);
}

#[tokio::test]
async fn long_ids_go_out_in_requests_that_proxies_take() {
    let (it, permits) = held().await;
    permits.add_permits(100);
    let long: Vec<_> = (0..100).map(|n| id(&format!("{n:0>128}"))).collect();
    assert_eq!(it.clients.items(&cx(), long).await.expect("items").len(), 100);
    assert_eq!(it.server.requests().len(), 2);
    assert!(it.server.requests().iter().all(|request| request.target.len() < 8000));
}

#[tokio::test]
async fn unknown_and_unasked_items_are_left_out() {
    let it = Fixture::new(|_| ok(&serde_json::json!({"items": [item("a"), item("mallory")]}))).await;
    let items = it.clients.items(&cx(), ids(&["a", "b", "a"])).await.expect("items");
    assert_eq!(items.into_keys().collect::<Vec<_>>(), ids(&["a"]));
}

#[tokio::test]
async fn own_items_are_joined_only_for_the_same_acting_user() {
    let (it, permits) = held().await;
    permits.add_permits(100);
    let (ada, mut eve, nobody) = (cx(), cx(), cx().anonymous());
    eve.acting = Some(id("eve"));
    let asked = [&ada, &ada, &eve, &nobody, &nobody];
    for items in join_all(asked.map(|cx| it.clients.own_items(cx, ids(&["r"])))).await {
        assert_eq!(items.expect("items").len(), 1);
    }
    let mut subjects: Vec<_> = it.server.requests().iter().map(|request| claims(request).sub).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, [None, Some("ada".to_owned()), Some("eve".to_owned())]);
}
