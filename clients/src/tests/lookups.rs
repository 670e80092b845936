//! Raw look-ups: many ids in a call, or one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::join_all;
use schemas::Id;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Fixture, Recorded, Reply, calls::items_of, claims, cx, id, item, items_for, ok};
use crate::{BodyFault, CallContext, Found, LookupBatcher, LookupMode, RawCall, UpstreamError};

fn many(it: &Fixture, shared: bool, max_ids: usize) -> LookupBatcher<Arc<Value>> {
    items_of(it.clients.upstream("catalogue"), shared, max_ids)
}

fn each(it: &Fixture, parallel: usize) -> LookupBatcher<Bytes> {
    let split = |id: &str, body: &Bytes| match body.windows(id.len()).any(|part| part == id.as_bytes()) {
        true => Ok(body.clone()),
        false => Err(UpstreamError::Body { upstream: "catalogue", source: BodyFault::Mismatch }),
    };
    let mode = LookupMode::Each { parallel, split: Box::new(split) };
    let ask = |_: Option<&Id>, ids: &[Id]| Some(RawCall::get("item", format!("/items/{}", ids[0])));
    LookupBatcher::new(it.clients.upstream("catalogue"), true, mode, ask)
}

fn some(ids: &[&str]) -> Vec<Id> {
    ids.iter().map(|one| id(one)).collect()
}

/// Which of `ids` were found.
fn keys<V>(ids: &[&'static str], found: &Found<V>) -> Vec<&'static str> {
    assert_eq!(ids.len(), found.values.len());
    ids.iter().zip(&found.values).filter(|(_, value)| value.is_some()).map(|(id, _)| *id).collect()
}

#[tokio::test]
async fn concurrent_callers_share_calls_of_a_bounded_size() {
    let it = Fixture::new(|request| items_for(request, item)).await;
    let lookup = many(&it, true, 3);
    let ask = |user: &str, ids: &'static [&'static str]| {
        let (cx, lookup) = (CallContext { acting: Some(id(user)), ..cx() }, lookup.clone());
        async move { (lookup.load(&cx, &some(ids)).await, ids) }
    };
    let all = join_all([ask("ada", &["a", "b"]), ask("eve", &["b"]), ask("eve", &["c", "d"])]).await;
    assert!(all.iter().all(|(found, ids)| found.failed.is_none() && keys(ids, found) == *ids), "{all:?}");
    let mut targets: Vec<_> = it.server.requests().iter().map(|request| request.target.clone()).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["/items?ids=a,b,c", "/items?ids=d"]);
    assert!(it.server.requests().iter().all(|request| claims(request).sub.is_none()), "they act for nobody");
}

#[tokio::test]
async fn an_own_look_up_is_shared_with_no_other_user() {
    let it = Fixture::new(|request| items_for(request, item)).await;
    let lookup = many(&it, false, 100);
    let eve = CallContext { acting: Some(id("eve")), ..cx() };
    let ada = cx();
    let all = join_all([&ada, &eve, &ada].map(async |cx| lookup.load(cx, &some(&["a"])).await)).await;
    assert!(all.iter().all(|found| keys(&["a"], found) == ["a"]));
    let mut subjects: Vec<_> =
        it.server.requests().iter().filter_map(|request| claims(request).sub).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["ada", "eve"]);
}

#[tokio::test]
async fn what_has_come_is_there_beside_what_failed() {
    let it = Fixture::new(|request: &Recorded| match request.target.as_str() {
        "/items?ids=a" => ok(&json!({"items": [item("a"), item("unasked")]})),
        "/items?ids=b" => Reply::Json(500, "{}".to_owned()),
        _ => Reply::Json(200, "[".to_owned()),
    })
    .await;
    let lookup = many(&it, true, 1);
    let found = lookup.load(&cx(), &some(&["a", "b"])).await;
    assert_eq!(
        (keys(&["a", "b"], &found), found.failed.as_ref().expect("500").outcome()),
        (vec!["a"], "status_5xx")
    );
    let found = lookup.load(&cx(), &some(&["c"])).await;
    assert_eq!((keys(&["c"], &found), found.failed.as_ref().expect("broken").outcome()), (vec![], "invalid"));
    assert!(lookup.load(&cx(), &[]).await.failed.is_none());
}

#[tokio::test]
async fn after_a_change_a_call_that_is_under_way_is_not_joined() {
    let permits = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&permits);
    let it =
        Fixture::new(move |request| Reply::Held(Arc::clone(&held), Box::new(items_for(request, item)))).await;
    let lookup = many(&it, true, 100);
    let ask = |ids: &'static [&'static str]| {
        let lookup = lookup.clone();
        tokio::spawn(async move { keys(ids, &lookup.load(&cx(), &some(ids)).await).len() })
    };
    let first = ask(&["a", "b"]);
    it.server.until_seen(1).await;
    lookup.forget("a");
    let second = ask(&["a", "b"]);
    it.server.until_seen(2).await;
    lookup.forget_all();
    let third = ask(&["a", "b"]);
    it.server.until_seen(3).await;
    permits.add_permits(3);
    for found in [first, second, third] {
        assert_eq!(found.await.expect("no panic"), 2);
    }
    let targets: Vec<_> = it.server.requests().iter().map(|request| request.target.clone()).collect();
    assert_eq!(targets, ["/items?ids=a,b", "/items?ids=a", "/items?ids=a,b"]);
}

#[tokio::test]
async fn one_call_for_each_id_is_shared_bounded_and_knows_unknown_ones() {
    let (permits, most) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(0_usize)));
    let held = Arc::clone(&permits);
    let it = Fixture::new(move |request: &Recorded| {
        let id = request.target.rsplit('/').next().unwrap_or_default();
        let answer = match id {
            "unknown" => Reply::Json(404, "{}".to_owned()),
            "broken" => ok(&json!({"id": "another"})),
            id => ok(&json!({"id": id})),
        };
        Reply::Held(Arc::clone(&held), Box::new(answer))
    })
    .await;
    let lookup = each(&it, 2);
    let ask = |ids: &'static [&'static str]| {
        let lookup = lookup.clone();
        tokio::spawn(async move { lookup.load(&cx(), &some(ids)).await })
    };
    let first = ask(&["a", "b", "unknown"]);
    let second = ask(&["b", "a", "c"]);
    it.server.until_seen(2).await;
    *most.lock().expect("a lock") = it.server.requests().len();
    permits.add_permits(100);
    let (first, second) = (first.await.expect("no panic"), second.await.expect("no panic"));
    assert_eq!(
        (keys(&["a", "b", "unknown"], &first), keys(&["b", "a", "c"], &second)),
        (vec!["a", "b"], vec!["b", "a", "c"])
    );
    assert!(first.failed.is_none() && second.failed.is_none());
    assert_eq!(*most.lock().expect("a lock"), 2, "two at once");
    assert_eq!(it.server.requests().len(), 4, "each once");
    let found = ask(&["a", "broken"]).await.expect("no panic");
    assert_eq!(
        (keys(&["a", "broken"], &found), found.failed.as_ref().expect("another's").outcome()),
        (vec!["a"], "invalid")
    );
}

#[tokio::test]
async fn a_look_up_ends_at_the_deadline_with_what_has_come() {
    let it = Fixture::new(|request: &Recorded| match request.target.as_str() {
        "/items/a" => ok(&json!({"id": "a"})),
        _ => Reply::Hang,
    })
    .await;
    let lookup = each(&it, 10);
    let cx = CallContext { deadline: std::time::Instant::now() + Duration::from_millis(150), ..cx() };
    let found = lookup.load(&cx, &some(&["a", "b"])).await;
    assert_eq!(
        (keys(&["a", "b"], &found), found.failed.as_ref().expect("late").outcome()),
        (vec!["a"], "timeout")
    );
}
