//! Connections that an upstream closes when the next request is being sent on them.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::future::{join, join_all};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{Fixture, Recorded, Reply, cx, me, outcome};
use crate::CallContext;

/// Answers all requests but those of these numbers (from 1), whose connection it closes without a byte.
fn closing_on(numbers: &'static [usize]) -> impl Fn(&Recorded) -> Reply + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |_| match count.fetch_add(1, Ordering::Relaxed) + 1 {
        number if numbers.contains(&number) => Reply::Raw(Vec::new()),
        _ => Reply::Json(200, me("ada").to_string()),
    }
}

fn header(request: &Recorded, name: &str) -> String {
    request.header(name).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_read_that_meets_the_end_of_an_idle_connection_is_sent_once_more_on_a_new_one() {
    let it = Fixture::new(closing_on(&[2])).await;
    for _ in 0..2 {
        it.clients.me(&cx()).await.expect("an answer");
    }
    assert_eq!((it.server.requests().len(), it.server.connections()), (3, 2));
    assert_eq!(*it.reports.lock(), [("me", "ok"), ("me", "ok")], "each call is reported once");
    assert_eq!(it.retried.load(Ordering::Relaxed), 1);
    let sent = it.server.requests();
    assert_eq!(sent[1].target, sent[2].target);
    assert_ne!(header(&sent[1], "traceparent"), header(&sent[2], "traceparent"), "a span of its own");
    let left: Vec<u64> =
        sent[1..].iter().map(|sent| header(sent, "x-request-timeout-ms").parse().expect("ms")).collect();
    assert!(left[1] <= left[0], "the same deadline: {left:?}");
}

#[tokio::test]
async fn a_new_connection_that_closes_unanswered_is_not_tried_again() {
    let it = Fixture::new(|_| Reply::Raw(Vec::new())).await;
    for calls in 1..=5 {
        let result = it.clients.me(&cx()).await;
        assert_eq!(outcome(&result), "connect");
        assert_eq!(it.server.requests().len(), calls);
    }
    assert_eq!(it.retried.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn there_are_two_tries_at_most() {
    let it = Fixture::new(closing_on(&[2, 3])).await;
    it.clients.me(&cx()).await.expect("an answer");
    assert_eq!(outcome(&it.clients.me(&cx()).await), "connect");
    assert_eq!(it.server.requests().len(), 3);
    assert_eq!(it.retried.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_write_is_never_sent_again() {
    let it = Fixture::new(closing_on(&[2])).await;
    it.clients.me(&cx()).await.expect("an answer");
    let written = it.clients.sign_up(&cx()).await;
    assert_eq!(outcome(&written), "connect");
    let methods: Vec<_> = it.server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!((methods, it.server.connections()), (vec!["GET".to_owned(), "POST".to_owned()], 1));
    assert_eq!(it.retried.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn many_connections_that_close_together_lose_no_read() {
    const CROWD: usize = 32;
    let (room, seen) = (Arc::new(Semaphore::new(0)), Mutex::new(HashSet::new()));
    let permits = Arc::clone(&room);
    let it = Fixture::new(move |request| {
        let answer = || Reply::Json(200, me("ada").to_string());
        let name = header(request, "x-request-id");
        match name.starts_with("first") {
            // All at once, so that each has a connection of its own.
            true => Reply::Held(Arc::clone(&permits), Box::new(answer())),
            // Whatever connection a call comes on first is closed under it.
            false if seen.lock().insert(name) => Reply::Raw(Vec::new()),
            false => answer(),
        }
    })
    .await;
    let crowd = |name: &'static str| {
        let clients = &it.clients;
        join_all((0..CROWD).map(move |number| async move {
            let cx = CallContext { request_id: format!("{name}-{number}").into(), ..cx() };
            outcome(&clients.me(&cx).await)
        }))
    };
    let all_seen = async {
        it.server.until_seen(CROWD).await;
        room.add_permits(CROWD);
    };
    let (first, ()) = join(crowd("first"), all_seen).await;
    assert!(first.iter().all(|outcome| *outcome == "ok"), "{first:?}");
    let second = crowd("second").await;
    assert!(second.iter().all(|outcome| *outcome == "ok"), "{second:?}");
    assert_eq!(it.retried.load(Ordering::Relaxed), CROWD);
    assert_eq!(it.server.requests().len(), 3 * CROWD);
}
