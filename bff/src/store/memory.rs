//! The store that forgets everything at the end of the process: for tests and for trying things out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::{
    Entry, Listener, Notice, Record, Replacement, SWEEP_BATCH, Space, Store, StoreError, after,
    notice::Listeners,
    record::{check_entry, check_key, check_owner, counted},
};
use crate::telemetry::unix_ms;

/// Records in one ordered map behind one lock, held for the length of a map operation.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    listeners: Listeners,
}

#[derive(Debug, Default)]
struct Inner {
    records: BTreeMap<(Space, Bytes), Slot>,
    owned: BTreeSet<(Space, Arc<str>, Bytes)>,
    expiring: BTreeSet<(u64, Space, Bytes)>,
    last_version: u64,
}

#[derive(Debug)]
struct Slot {
    entry: Entry,
    version: u64,
}

impl Slot {
    fn is_live(&self, now_ms: u64) -> bool {
        self.entry.expires_at_ms > now_ms
    }

    fn is_of(&self, owner: &str) -> bool {
        self.entry.owner.as_deref() == Some(owner)
    }

    fn record(&self) -> Record {
        Record { value: self.entry.value.clone(), version: self.version }
    }
}

impl Inner {
    fn live(&self, space: Space, key: &Bytes, now_ms: u64) -> Option<&Slot> {
        self.records.get(&(space, key.clone())).filter(|slot| slot.is_live(now_ms))
    }

    fn insert(&mut self, space: Space, key: Bytes, entry: Entry) -> u64 {
        self.remove(space, &key);
        self.last_version += 1;
        if let Some(owner) = &entry.owner {
            self.owned.insert((space, Arc::clone(owner), key.clone()));
        }
        self.expiring.insert((entry.expires_at_ms, space, key.clone()));
        self.records.insert((space, key), Slot { entry, version: self.last_version });
        self.last_version
    }

    fn remove(&mut self, space: Space, key: &Bytes) -> Option<Slot> {
        let slot = self.records.remove(&(space, key.clone()))?;
        if let Some(owner) = &slot.entry.owner {
            self.owned.remove(&(space, Arc::clone(owner), key.clone()));
        }
        self.expiring.remove(&(slot.entry.expires_at_ms, space, key.clone()));
        Some(slot)
    }

    fn keys_of(&self, space: Space, owner: &str) -> Vec<Bytes> {
        let first = (space, Arc::from(owner), Bytes::new());
        let owned = self.owned.range(first..);
        owned.take_while(|(s, o, _)| *s == space && &**o == owner).map(|(_, _, key)| key.clone()).collect()
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        check_key(key)?;
        let key = Bytes::copy_from_slice(key);
        Ok(self.inner.lock().live(space, &key, unix_ms()).map(Slot::record))
    }

    async fn entry(&self, space: Space, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let key = Bytes::copy_from_slice(key);
        Ok(self.inner.lock().live(space, &key, unix_ms()).map(|slot| slot.entry.clone()))
    }

    async fn put(&self, space: Space, key: &[u8], entry: Entry) -> Result<u64, StoreError> {
        check_entry(key, &entry)?;
        let version = self.inner.lock().insert(space, Bytes::copy_from_slice(key), entry);
        self.listeners.changed(space, key);
        Ok(version)
    }

    async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Option<u64>, StoreError> {
        check_entry(key, &entry)?;
        let version = {
            let mut inner = self.inner.lock();
            let key = Bytes::copy_from_slice(key);
            let current = inner.live(space, &key, unix_ms()).map(|slot| slot.version);
            (current == expected).then(|| inner.insert(space, key, entry))
        };
        if version.is_some() {
            self.listeners.changed(space, key);
        }
        Ok(version)
    }

    async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        check_key(key)?;
        let removed = self.inner.lock().remove(space, &Bytes::copy_from_slice(key));
        let live = removed.is_some_and(|slot| slot.is_live(unix_ms()));
        if live {
            self.listeners.changed(space, key);
        }
        Ok(live)
    }

    async fn replace(&self, space: Space, changes: Vec<Replacement>) -> Result<Vec<Option<u64>>, StoreError> {
        let mut versions = Vec::with_capacity(changes.len());
        for Replacement { key, version, value } in changes {
            let written = {
                let mut inner = self.inner.lock();
                let current = inner.live(space, &key, unix_ms()).filter(|slot| slot.version == version);
                let entry = current.map(|slot| Entry { value, ..slot.entry.clone() });
                entry.map(|entry| inner.insert(space, key.clone(), entry))
            };
            if written.is_some() {
                self.listeners.changed(space, &key);
            }
            versions.push(written);
        }
        Ok(versions)
    }

    async fn owned_keys(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        Ok(self.inner.lock().keys_of(space, owner))
    }

    async fn get_owned(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let inner = self.inner.lock();
        let now_ms = unix_ms();
        let owned = |key: &Bytes| {
            let slot = inner.live(space, key, now_ms).filter(|slot| slot.is_of(owner))?;
            Some((key.clone(), slot.record()))
        };
        Ok(keys.iter().filter_map(owned).collect())
    }

    async fn delete_keys(&self, space: Space, owner: &str, keys: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        let removed: Vec<Bytes> = {
            let mut inner = self.inner.lock();
            let now_ms = unix_ms();
            let removed = keys.iter().filter(|key| {
                let owned = inner.live(space, key, now_ms).is_some_and(|slot| slot.is_of(owner));
                owned && inner.remove(space, key).is_some()
            });
            removed.cloned().collect()
        };
        removed.iter().for_each(|key| self.listeners.changed(space, key));
        Ok(removed)
    }

    async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        check_owner(owner)?;
        let keys = {
            let mut inner = self.inner.lock();
            let now_ms = unix_ms();
            let mut keys = inner.keys_of(space, owner);
            keys.retain(|key| except != Some(&**key));
            keys.retain(|key| inner.remove(space, key).is_some_and(|slot| slot.is_live(now_ms)));
            keys
        };
        keys.iter().for_each(|key| self.listeners.changed(space, key));
        Ok(keys)
    }

    async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        check_key(key)?;
        let (count, expires_at_ms) = {
            let mut inner = self.inner.lock();
            let key = Bytes::copy_from_slice(key);
            let now_ms = unix_ms();
            let (count, expires_at_ms) = match inner.live(space, &key, now_ms) {
                Some(Slot { entry, .. }) => {
                    let bytes = <[u8; 8]>::try_from(&*entry.value).map_err(|_| StoreError::NotACounter)?;
                    (u64::from_be_bytes(bytes), entry.expires_at_ms)
                }
                None if delta <= 0 => return Ok((0, after(now_ms, window))),
                None => (0, after(now_ms, window)),
            };
            let count = counted(count, delta);
            let value = Bytes::copy_from_slice(&count.to_be_bytes());
            inner.insert(space, key, Entry { value, owner: None, expires_at_ms });
            (count, expires_at_ms)
        };
        self.listeners.changed(space, key);
        Ok((count, expires_at_ms))
    }

    async fn sweep(&self) -> Result<usize, StoreError> {
        let mut inner = self.inner.lock();
        let now_ms = unix_ms();
        let expired = inner.expiring.iter().take_while(|(end, ..)| *end <= now_ms).take(SWEEP_BATCH);
        let expired: Vec<_> = expired.cloned().collect();
        for (_, space, key) in &expired {
            inner.remove(*space, key);
        }
        Ok(expired.len())
    }

    fn listen(&self, listener: Listener) {
        self.listeners.add(listener);
    }

    async fn publish(&self, payload: Bytes) -> Result<(), StoreError> {
        self.listeners.tell(&Notice::Message(&payload));
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "memory"
    }
}
