//! How much a user may begin to upload within a day, over all replicas. Counted in the session store, durably, before
//! anything is written.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{error::FilesError, key::owner_of};
use crate::{
    store::{Entry, Space, Store, after},
    telemetry::unix_ms,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A file counts as this much at least: a great many tiny ones are as much work as few large ones.
const LEAST: u64 = 64 * 1024;
/// So often somebody else may be first.
const TRIES: usize = 20;

/// Counts `size` bytes of `user`'s within `most` a day.
///
/// # Errors
/// [`FilesError::Quota`], and nothing is counted; [`FilesError::Store`].
pub(super) async fn take(
    store: &Arc<dyn Store>,
    user: &str,
    size: u64,
    most: u64,
    detail: &'static str,
) -> Result<(), FilesError> {
    let key = format!("files/{}", owner_of(user));
    for _ in 0..TRIES {
        let now = unix_ms();
        let record = store.get(Space::Counters, key.as_bytes()).await?;
        let entry = store.entry(Space::Counters, key.as_bytes()).await?;
        let (used, ends) = match (&record, entry) {
            (Some(record), Some(entry)) => (count(&record.value), entry.expires_at_ms),
            // The window ended between the two looks.
            (Some(_), None) => continue,
            (None, _) => (0, after(now, DAY)),
        };
        let used = used.saturating_add(size.max(LEAST.min(most)));
        if used > most {
            let left = ends.saturating_sub(now);
            return Err(FilesError::Quota { retry_after_s: left.div_ceil(1000).max(1), detail });
        }
        let value = Bytes::copy_from_slice(&used.to_be_bytes());
        let written = Entry { value, owner: None, expires_at_ms: ends };
        let version = record.map(|record| record.version);
        if store.put_if(Space::Counters, key.as_bytes(), version, written).await?.is_some() {
            return Ok(());
        }
    }
    Err(FilesError::Quota { retry_after_s: 1, detail })
}

fn count(value: &[u8]) -> u64 {
    // What cannot be read counts as used up: it is gone after a day at the latest.
    value.try_into().map_or(u64::MAX, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::{Arc, FilesError, LEAST, Store, take};
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn what_does_not_fit_into_a_day_is_refused_and_not_counted() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let most = 10 * LEAST;
        let ask = |user: &'static str, size| take(&store, user, size, most, "at most so much");
        ask("ada", 8 * LEAST).await.expect("fits");
        let refused = ask("ada", 3 * LEAST).await.expect_err("does not fit");
        assert!(matches!(refused, FilesError::Quota { retry_after_s: 86_000.., .. }), "{refused}");
        ask("ada", 1).await.expect("a small one fits");
        ask("ada", 1).await.expect("and another");
        assert!(ask("ada", 1).await.is_err(), "small ones count as more");
        ask("bora", 10 * LEAST).await.expect("another user");
    }

    #[tokio::test]
    async fn uploads_that_begin_at_the_same_time_are_all_counted() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let each = (0..8).map(|_| take(&store, "ada", 2 * LEAST, 10 * LEAST, ""));
        let done = futures_util::future::join_all(each).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 5);
    }
}
