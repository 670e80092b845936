//! Copies of the published keys, as verifiers keep them.

use std::{
    collections::HashSet,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tests::{Actor, TestBff};
use tokio::{task::JoinHandle, time::interval};

use super::{ANNOUNCE_MS, kid_of, published};

/// How old a copy is that calls are judged by: no older than half of the time for which a new key is only published,
/// which the gateway guarantees to everybody who keeps one. An older one, of a fetcher that got no processor for a
/// while, says nothing of the gateway.
const AGE: RangeInclusive<Duration> =
    Duration::from_millis(500)..=Duration::from_millis(ANNOUNCE_MS / 2 - 50);

/// Copies of the key set, as verifiers fetch them.
pub(super) struct Copies(Arc<Mutex<Vec<Copy>>>, JoinHandle<()>);

/// When it was asked for, and the ids in it.
type Copy = (Instant, HashSet<String>);

impl Copies {
    pub(super) fn fetch(anonymous: Actor) -> Self {
        let copies = Arc::new(Mutex::new(Vec::new()));
        let fetched = Arc::clone(&copies);
        let fetching = tokio::spawn(async move {
            let mut pace = interval(Duration::from_millis(50));
            loop {
                pace.tick().await;
                let asked = Instant::now();
                let kids = published(&anonymous).await;
                fetched.lock().push((asked, kids));
            }
        });
        Self(copies, fetching)
    }

    /// Checks that a verifier with a copy of that [`AGE`], and no other, would have known every key that calls to
    /// upstreams were signed with. Returns how many keys there were, and how many calls had such a copy.
    pub(super) fn assert_enough_for(&self, bff: &TestBff) -> (usize, usize) {
        self.1.abort();
        let copies = self.0.lock();
        let (mut used, mut judged) = (HashSet::new(), 0);
        for request in bff.proxies().iter().flat_map(|proxy| proxy.requests()) {
            let kid = kid_of(request.bearer().expect("a token"));
            let age = |asked: Instant| request.at.saturating_duration_since(asked);
            if let Some((_, kids)) = copies.iter().rev().find(|(asked, _)| AGE.contains(&age(*asked))) {
                judged += 1;
                assert!(kids.contains(&kid), "{} was signed with a key that was too new", request.line());
            }
            used.insert(kid);
        }
        (used.len(), judged)
    }
}
