//! Copies of the published keys, as verifiers keep them.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tests::{Actor, TestBff};
use tokio::{task::JoinHandle, time::interval};

use super::{kid_of, published};

/// The oldest copy that a verifier may go by: under half of the time for which a new key is only published.
const OLDEST: Duration = Duration::from_millis(500);

/// Copies of the key set, as verifiers fetch them.
pub(super) struct Copies(Arc<Mutex<Vec<Copy>>>, JoinHandle<()>);

/// When it was fetched, and the ids in it.
type Copy = (Instant, HashSet<String>);

impl Copies {
    pub(super) fn fetch(anonymous: Actor) -> Self {
        let copies = Arc::new(Mutex::new(Vec::new()));
        let fetched = Arc::clone(&copies);
        let fetching = tokio::spawn(async move {
            let mut pace = interval(Duration::from_millis(50));
            loop {
                pace.tick().await;
                let kids = published(&anonymous).await;
                fetched.lock().push((Instant::now(), kids));
            }
        });
        Self(copies, fetching)
    }

    /// Checks that whoever had gone by a copy that old, and by no other, would have known every key that calls
    /// to upstreams were signed with. Returns how many there were.
    pub(super) fn assert_enough_for(&self, bff: &TestBff) -> usize {
        self.1.abort();
        let copies = self.0.lock();
        let mut used = HashSet::new();
        for request in bff.proxies().iter().flat_map(|proxy| proxy.requests()) {
            let kid = kid_of(request.bearer().expect("a token"));
            let copy = copies.iter().rev().find(|(at, _)| *at + OLDEST <= request.at);
            if let Some((_, kids)) = copy {
                assert!(kids.contains(&kid), "{} was signed with a key that was too new", request.line());
            }
            used.insert(kid);
        }
        used.len()
    }
}
