//! What every store can do.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Entry, Lease, Listener, Record, Replacement, STEP, SharedStore, Space, StoreError};

/// Records by space and key, with an owner and an end.
///
/// Every write is atomic and, but for [`add`](Store::add), durable when it returns. A write whose future is
/// dropped may still happen, and so may one that ends with [`StoreError::Unanswered`]. Keys are at most [`MAX_KEY_BYTES`](super::MAX_KEY_BYTES) long and owners
/// [`MAX_OWNER_BYTES`](super::MAX_OWNER_BYTES); longer ones are refused with [`StoreError::TooLong`].
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The record, unless it is absent or has expired.
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError>;

    /// The same with its owner and its end, as it was written.
    async fn entry(&self, space: Space, key: &[u8]) -> Result<Option<Entry>, StoreError>;

    /// Writes whatever was there before; answers the new version.
    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError>;

    /// Writes only if the record still has the version `expected`, or, for `None`, if there is no live
    /// record. Answers the new version, or `None` when somebody else was first.
    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError>;

    /// Removes the record; answers whether there was a live one.
    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError>;

    /// Those of `keys` that are live, in the order of `keys`. About [`STEP`] of them at a time.
    async fn get_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.extend(self.get(space, key).await?.map(|record| (key.clone(), record)));
        }
        Ok(found)
    }

    /// Writes each of `changes`, about [`STEP`] of them at a time, only if its record still has the version that is
    /// named. Answers the new versions in the same order, `None` where somebody else was first.
    async fn replace(&self, space: Space, changes: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError>;

    /// The keys of `owner`'s records, in order. Some may name a record that is gone: [`Store::get_owned`] leaves those
    /// out.
    async fn owned_keys(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError>;

    /// [`Store::get_many`], but for those that are not `owner`'s and those that this version cannot read.
    async fn get_owned(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError>;

    /// The live records of `owner`, in the order of their keys; read in steps, so that others come in between.
    async fn list_owned(&self, space: Space, owner: &str) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let keys = self.owned_keys(space, owner).await?;
        let mut found = Vec::with_capacity(keys.len());
        for step in keys.chunks(STEP) {
            found.extend(self.get_owned(space, owner, step).await?);
        }
        Ok(found)
    }

    /// Removes those of `keys` that are `owner`'s, about [`STEP`] of them at a time; answers those that were live. For
    /// keys that are never written again once they are gone: an owner's name for one written meanwhile could be lost.
    async fn delete_keys(&self, space: Space, owner: &str, keys: &[Bytes]) -> Result<Vec<Bytes>, StoreError>;

    /// Removes the records of `owner` but for the key `except`; answers the keys of the live ones. As
    /// [`Store::delete_keys`]. What is written meanwhile may stay.
    async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError>;

    /// Adds `delta` to a count in a fixed window that starts with the first count; it never goes below 0.
    /// Answers the count and the unix time in milliseconds at which the window ends. Where nothing is
    /// counted yet, a `delta` of 0 or less starts no window: the answer is 0 and the end of one that would
    /// start now.
    ///
    /// Counts are exact while the process runs. A crash may lose those of the last second in the embedded
    /// store: they throttle, they prove nothing.
    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError>;

    /// [`add`](Store::add)s one.
    async fn increment(&self, space: Space, key: &[u8], window: Duration) -> Result<(u64, u64), StoreError> {
        self.add(space, key, 1, window).await
    }

    /// Removes at most [`SWEEP_BATCH`](super::SWEEP_BATCH) expired records; answers how many. Call again while it is that many.
    /// A store that lets go of expired records by itself answers 0.
    async fn sweep(&self) -> Result<usize, StoreError>;

    /// Has `listener` told of what happens to the store from now on, by whichever process, for as long as
    /// the store lives; at once that the store is deaf, if it is. It is called from the store's own tasks,
    /// and in the middle of writes: it must not wait for anything, nor listen again.
    fn listen(&self, listener: Listener);

    /// Tells `payload` to all listeners of all replicas as [`Notice::Message`](super::Notice::Message), also to this process's own.
    /// Done when the store has passed it on; whoever does not hear at the moment never gets it.
    async fn publish(&self, payload: Bytes) -> Result<(), StoreError>;

    /// Until when what this process holds of the store may be believed.
    fn lease(&self) -> Lease {
        Lease::unlimited()
    }

    /// What only a store that replicas share can do; `None` for those of one process.
    fn shared(&self) -> Option<SharedStore> {
        None
    }

    /// Whether reads and writes work now.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The kind of store, for logs and metrics.
    fn name(&self) -> &'static str;
}

/// How a store that replicas share is used; the others have no settings.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// What every key and channel starts with: deployments that share a Redis each have their own.
    pub prefix: String,
    /// How long a command may take before the store counts as away.
    pub timeout: Duration,
    /// PEM of the authorities that sign the certificates of its nodes; `None`: those of the system.
    pub ca: Option<Bytes>,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { prefix: "bff".to_owned(), timeout: Duration::from_millis(250), ca: None }
    }
}
