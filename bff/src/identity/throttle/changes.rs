//! Changes of the counts in the store. What a store that is away does not take is told to it again.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{
    change::{Change, Of},
    counts::{Counts, ROUND},
};
use crate::store::{Space, StoreError};

/// How often counts that a store did not take because it was away are told to it again.
const TELL_AGAIN: Duration = Duration::from_millis(250);

impl Counts {
    /// Makes `first`, and then `then`. What a store does not take because it is away is told to it again behind, for
    /// as long as it would count.
    pub(super) async fn make(
        &self,
        first: impl IntoIterator<Item = Change>,
        then: impl IntoIterator<Item = Change>,
    ) {
        let (mut first, mut then) = (Vec::from_iter(first), Vec::from_iter(then));
        self.try_to_make(&mut first, &mut then).await;
        if first.is_empty() && then.is_empty() {
            return;
        }
        let counts = self.clone();
        tokio::spawn(async move {
            let until = Instant::now() + 2 * ROUND;
            while Instant::now() < until && !(first.is_empty() && then.is_empty()) {
                sleep(TELL_AGAIN).await;
                counts.try_to_make(&mut first, &mut then).await;
            }
        });
    }

    /// Leaves what is still to be made.
    async fn try_to_make(&self, first: &mut Vec<Change>, then: &mut Vec<Change>) {
        for changes in [first, then] {
            let made = join_all(changes.iter().map(|change| self.change(change))).await;
            let mut made = made.into_iter();
            changes.retain(|_| made.next() == Some(false));
            if !changes.is_empty() {
                return;
            }
        }
    }

    /// Whether there is nothing left to do for it.
    async fn change(&self, change: &Change) -> bool {
        if change.delta == 0 {
            return true;
        }
        let window = match change.of {
            Of::Failed => self.window,
            Of::Tried => 2 * ROUND,
        };
        match self.store.add(Space::Counters, &change.key, change.delta, window).await {
            Ok(_) => true,
            // Nothing has happened, and it may later.
            Err(StoreError::Away { .. } | StoreError::Reopening) => false,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "an attempt to sign in is not counted to its end");
                true
            }
        }
    }
}
