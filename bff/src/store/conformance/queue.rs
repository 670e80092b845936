//! The queue of jobs, over every store.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::value::{RawValue, to_raw_value};

use crate::{
    store::{ClaimedJob, Enqueued, JobQueue, QueueError, QueuePolicy, Space, Store},
    telemetry::unix_ms,
};

const KINDS: [&str; 1] = ["count"];

fn payload(number: u32) -> Box<RawValue> {
    to_raw_value(&number).unwrap()
}

/// A replica's view of the queue; replicas take each other's leases to be live.
fn queue(store: &Arc<dyn Store>, lease: Duration, max_jobs: usize) -> JobQueue {
    let policy = QueuePolicy { max_jobs, lease, keep: Duration::from_secs(3600) };
    JobQueue::over(Arc::clone(store), policy, false).unwrap()
}

async fn claim(queue: &JobQueue, most: usize) -> Vec<ClaimedJob> {
    queue.claim(&KINDS, most).await.unwrap().jobs
}

/// Claims one as soon as there is one.
async fn claim_soon(queue: &JobQueue) -> ClaimedJob {
    loop {
        if let Some(claimed) = claim(queue, 1).await.pop() {
            return claimed;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(super) async fn jobs_are_carried_out_at_least_once(store: &Arc<dyn Store>) {
    let lease = Duration::from_millis(400);
    let (first, second) = (queue(store, lease, 1000), queue(store, lease, 1000));
    assert!(!first.has("count", "1").await.unwrap());
    assert_eq!(first.enqueue("count", "1", payload(1), Duration::ZERO).await.unwrap(), Enqueued::New);
    assert_eq!(second.enqueue("count", "1", payload(2), Duration::ZERO).await.unwrap(), Enqueued::Known);
    assert!(second.has("count", "1").await.unwrap());
    assert!(claim(&first, 0).await.is_empty());
    assert!(first.claim(&["other"], 9).await.unwrap().jobs.is_empty(), "of a later release");

    // One of many wins, and the others see when to come again.
    let mut won = Vec::new();
    for claimed in futures_util::future::join_all((0..8).map(|_| claim(&first, 1))).await {
        won.extend(claimed);
    }
    assert_eq!(won.len(), 1);
    let mut lost = won.remove(0);
    assert_eq!((lost.job.attempts, lost.job.payload.get()), (1, "1"));
    let seen = second.claim(&KINDS, 1).await.unwrap();
    assert!(seen.jobs.is_empty() && seen.next_ms.is_some_and(|at| at > unix_ms().saturating_sub(400)));
    assert_eq!(seen.waiting.unwrap()["count"].count, 1);
    assert!(first.renew(&mut lost).await.unwrap());

    // A replica that is gone is stood in for once its lease is over; it then has no say any more.
    let mut taken = claim_soon(&second).await;
    assert_eq!(taken.job.attempts, 2);
    assert!(!first.renew(&mut lost).await.unwrap());
    assert!(!first.retry(&mut lost, "late", Duration::ZERO).await.unwrap());

    // A failure is kept, and waited after.
    assert!(second.retry(&mut taken, "it rains", Duration::from_millis(300)).await.unwrap());
    assert!(claim(&first, 1).await.is_empty(), "not due yet");
    let mut again = claim_soon(&first).await;
    assert_eq!((again.job.attempts, again.job.error.as_deref()), (3, Some("it rains")));

    // Given back, it is as if nobody had tried.
    assert!(first.give_back(&mut again).await.unwrap());
    let mut last = claim_soon(&second).await;
    assert_eq!(last.job.attempts, 3);

    // A dead letter stays, is known, and is tried by nobody until it is revived.
    assert!(second.bury(&mut last, &"€".repeat(500)).await.unwrap());
    assert!(claim(&first, 1).await.is_empty());
    let dead = first.dead().await.unwrap();
    assert_eq!((dead.len(), &*dead[0].id), (1, "1"));
    assert!(dead[0].error.as_deref().is_some_and(|error| error.len() <= 200));
    assert!(first.waiting().await.unwrap().is_empty());
    assert_eq!(first.enqueue("count", "1", payload(3), Duration::ZERO).await.unwrap(), Enqueued::Known);
    assert_eq!(second.revive().await.unwrap(), 1);
    assert!(first.dead().await.unwrap().is_empty());
    let done = claim_soon(&first).await;
    assert_eq!(done.job.attempts, 1);
    first.done(&done).await.unwrap();
    assert!(!second.has("count", "1").await.unwrap());
    assert!(second.claim(&KINDS, 1).await.unwrap().waiting.unwrap().is_empty());

    // Nobody begins with one before it is due; taken back, nobody ever does.
    let later = Duration::from_secs(60);
    assert_eq!(first.enqueue("count", "2", payload(2), later).await.unwrap(), Enqueued::New);
    assert!(claim(&second, 9).await.is_empty());
    second.take_back("count", "2").await.unwrap();
    assert!(!first.has("count", "2").await.unwrap() && first.waiting().await.unwrap().is_empty());
    first.take_back("count", "2").await.unwrap();
    assert_eq!(first.enqueue("count", "2", payload(2), lease).await.unwrap(), Enqueued::New);
    let due = claim_soon(&second).await;
    assert!(unix_ms() >= due.job.enqueued_ms + 400, "not before it was due");
    second.take_back("count", "2").await.unwrap();
    assert!(!second.renew(&mut { due }).await.unwrap(), "what runs is taken back as well");

    // What another release has written is left alone.
    let entry = super::entry("{\"later\":1}", Some("waiting"), 3_600_000);
    store.put(Space::Jobs, b"count:later", entry).await.unwrap();
    assert!(claim(&first, 9).await.is_empty());
    store.delete_owned(Space::Jobs, "waiting", None).await.unwrap();
}

pub(super) async fn a_queue_is_bounded(store: &Arc<dyn Store>) {
    let queue = queue(store, Duration::from_secs(60), 150);
    for number in 0..150 {
        let id = number.to_string();
        assert_eq!(
            queue.enqueue("count", &id, payload(number), Duration::ZERO).await.unwrap(),
            Enqueued::New
        );
    }
    let full = queue.enqueue("count", "one more", payload(0), Duration::ZERO).await;
    assert!(matches!(full, Err(QueueError::Full { limit: 150 })), "{full:?}");
    assert_eq!(queue.enqueue("count", "7", payload(0), Duration::ZERO).await.unwrap(), Enqueued::Known);
    let mut seen = BTreeSet::new();
    while seen.len() < 150 {
        let claimed = claim(&queue, 40).await;
        assert!(!claimed.is_empty());
        for one in claimed {
            assert!(seen.insert(one.job.id.clone()), "claimed twice");
            queue.done(&one).await.unwrap();
        }
    }
    assert!(claim(&queue, 1).await.is_empty());
}
