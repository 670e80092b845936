//! How the embedded store lays records out, and the operations on one write transaction.
//!
//! | table | key | value |
//! |---|---|---|
//! | `records` | space, key | format, version, end, owner, value |
//! | `owners` | space, owner length, owner, key | |
//! | `ends` | end, space, key | |
//! | `meta` | name | number |
//!
//! Numbers are big-endian, so that the order of bytes is the order of times. `owners` and `ends` are
//! written in the same transaction as `records`. A record that cannot be read (written by a later version)
//! counts as absent when it is written over; no error of one write may break the others of its transaction.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{Entry, Record, Replacement, SWEEP_BATCH, Space, StoreError, after, record::counted};

pub(super) const RECORDS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("records");
pub(super) const OWNERS: TableDefinition<&[u8], ()> = TableDefinition::new("owners");
pub(super) const ENDS: TableDefinition<&[u8], ()> = TableDefinition::new("ends");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const LAST_VERSION: &str = "last_version";

/// First byte of each record; a later layout gets the next number.
const FORMAT: u8 = 1;
/// format, version, end, length of the owner
const HEADER: usize = 1 + 8 + 8 + 2;

/// A record as it lies in the table, borrowed from it.
pub(super) struct Stored<'a> {
    pub(super) version: u64,
    pub(super) expires_at_ms: u64,
    pub(super) owner: Option<&'a str>,
    value: &'a [u8],
}

impl<'a> Stored<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, StoreError> {
        let parsed = (|| {
            let (format, rest) = bytes.split_first()?;
            let (version, rest) = rest.split_first_chunk()?;
            let (end, rest) = rest.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (owner, value) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            let owner = std::str::from_utf8(owner).ok()?;
            (*format == FORMAT).then_some(Self {
                version: u64::from_be_bytes(*version),
                expires_at_ms: u64::from_be_bytes(*end),
                // Nobody's records and those of an owner without a name are the same.
                owner: (!owner.is_empty()).then_some(owner),
                value,
            })
        })();
        parsed.ok_or(StoreError::Format)
    }

    pub(super) fn is_live(&self, now_ms: u64) -> bool {
        self.expires_at_ms > now_ms
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            value: Bytes::copy_from_slice(self.value),
            owner: self.owner.map(Arc::from),
            expires_at_ms: self.expires_at_ms,
        }
    }

    pub(super) fn record(&self) -> Record {
        Record { value: Bytes::copy_from_slice(self.value), version: self.version }
    }
}

pub(super) fn encode(version: u64, entry: &Entry) -> Vec<u8> {
    let owner = entry.owner.as_deref().unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER + owner.len() + entry.value.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&entry.expires_at_ms.to_be_bytes());
    bytes.extend_from_slice(&length(owner));
    bytes.extend_from_slice(owner.as_bytes());
    bytes.extend_from_slice(&entry.value);
    bytes
}

/// Owners are checked to be far shorter than what fits before they come here.
fn length(owner: &str) -> [u8; 2] {
    u16::try_from(owner.len()).unwrap_or(u16::MAX).to_be_bytes()
}

pub(super) fn record_key(space: Space, key: &[u8]) -> Vec<u8> {
    [&[space.byte()], key].concat()
}

/// What all keys of `owner` in `owners` start with.
pub(super) fn owner_prefix(space: Space, owner: &str) -> Vec<u8> {
    [&[space.byte()][..], &length(owner), owner.as_bytes()].concat()
}

fn end_key(expires_at_ms: u64, record_key: &[u8]) -> Vec<u8> {
    [&expires_at_ms.to_be_bytes()[..], record_key].concat()
}

/// The keys of `owner`'s records, in order.
pub(super) fn keys_of(
    owners: &impl ReadableTable<&'static [u8], ()>,
    space: Space,
    owner: &str,
) -> Result<Vec<Bytes>, StoreError> {
    let prefix = owner_prefix(space, owner);
    let mut keys = Vec::new();
    for item in owners.range::<&[u8]>((Bound::Included(prefix.as_slice()), Bound::Unbounded))? {
        let (key, ()) = item.map(|(key, unit)| (key, unit.value()))?;
        let Some(key) = key.value().strip_prefix(prefix.as_slice()) else { break };
        keys.push(Bytes::copy_from_slice(key));
    }
    Ok(keys)
}

/// The tables of one write transaction.
pub(super) struct Tables<'txn> {
    records: Table<'txn, &'static [u8], &'static [u8]>,
    owners: Table<'txn, &'static [u8], ()>,
    ends: Table<'txn, &'static [u8], ()>,
    meta: Table<'txn, &'static str, u64>,
    last_version: u64,
}

impl<'txn> Tables<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, StoreError> {
        let meta = transaction.open_table(META)?;
        let last_version = meta.get(LAST_VERSION)?.map_or(0, |guard| guard.value());
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            owners: transaction.open_table(OWNERS)?,
            ends: transaction.open_table(ENDS)?,
            meta,
            last_version,
        })
    }

    /// Writes down how far versions have come. Call once, before the commit.
    pub(super) fn close(mut self) -> Result<(), StoreError> {
        let stored = self.meta.get(LAST_VERSION)?.map(|guard| guard.value());
        if stored != Some(self.last_version) {
            self.meta.insert(LAST_VERSION, self.last_version)?;
        }
        Ok(())
    }

    pub(super) fn put(&mut self, space: Space, key: &[u8], entry: &Entry) -> Result<u64, StoreError> {
        let key = record_key(space, key);
        self.last_version += 1;
        let before = self.records.insert(key.as_slice(), encode(self.last_version, entry).as_slice())?;
        let before = before.and_then(|guard| {
            let before = Stored::parse(guard.value()).ok()?;
            Some((before.expires_at_ms, before.owner.map(Arc::from)))
        });
        // A session that is used keeps its owner and mostly its end: then the indexes stay as they are.
        let (old_end, old_owner) = before.unzip();
        let old_owner: Option<Arc<str>> = old_owner.flatten();
        if old_end != Some(entry.expires_at_ms) {
            if let Some(end) = old_end {
                self.ends.remove(end_key(end, &key).as_slice())?;
            }
            self.ends.insert(end_key(entry.expires_at_ms, &key).as_slice(), ())?;
        }
        let owner = entry.owner.as_deref().filter(|owner| !owner.is_empty());
        if old_owner.as_deref() != owner {
            if let Some(old) = &old_owner {
                self.owners.remove([&owner_prefix(space, old), &key[1..]].concat().as_slice())?;
            }
            if let Some(owner) = owner {
                self.owners.insert([&owner_prefix(space, owner), &key[1..]].concat().as_slice(), ())?;
            }
        }
        Ok(self.last_version)
    }

    pub(super) fn put_if(
        &mut self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: &Entry,
        now_ms: u64,
    ) -> Result<Option<u64>, StoreError> {
        let current = self.records.get(record_key(space, key).as_slice())?.and_then(|guard| {
            let stored = Stored::parse(guard.value()).ok()?;
            stored.is_live(now_ms).then_some(stored.version)
        });
        if current == expected { self.put(space, key, entry).map(Some) } else { Ok(None) }
    }

    pub(super) fn replace(
        &mut self,
        space: Space,
        change: &Replacement,
        now_ms: u64,
    ) -> Result<Option<u64>, StoreError> {
        let current = self.records.get(record_key(space, &change.key).as_slice())?.and_then(|guard| {
            let stored = Stored::parse(guard.value()).ok()?;
            let same = stored.is_live(now_ms) && stored.version == change.version;
            same.then(|| Entry { value: change.value.clone(), ..stored.entry() })
        });
        current.map(|entry| self.put(space, &change.key, &entry)).transpose()
    }

    /// Removes those of `keys` that are `owner`'s; answers those that were live.
    pub(super) fn delete_keys(
        &mut self,
        space: Space,
        owner: &str,
        mut keys: Vec<Bytes>,
        now_ms: u64,
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut failure = None;
        keys.retain(|key| {
            self.delete_of(space, owner, key, now_ms).unwrap_or_else(|error| {
                failure = Some(error);
                false
            })
        });
        failure.map_or(Ok(keys), Err)
    }

    fn delete_of(&mut self, space: Space, owner: &str, key: &[u8], now_ms: u64) -> Result<bool, StoreError> {
        let owned = self.records.get(record_key(space, key).as_slice())?.is_some_and(|guard| {
            Stored::parse(guard.value()).is_ok_and(|stored| stored.owner == Some(owner))
        });
        if owned { self.delete(space, key, now_ms) } else { Ok(false) }
    }

    /// Removes one record; answers whether it was live.
    pub(super) fn delete(&mut self, space: Space, key: &[u8], now_ms: u64) -> Result<bool, StoreError> {
        self.remove(&record_key(space, key), now_ms)
    }

    fn remove(&mut self, record_key: &[u8], now_ms: u64) -> Result<bool, StoreError> {
        let Some(guard) = self.records.remove(record_key)? else { return Ok(false) };
        let Ok(stored) = Stored::parse(guard.value()) else { return Ok(false) };
        self.ends.remove(end_key(stored.expires_at_ms, record_key).as_slice())?;
        if let (Some(owner), Some((space, key))) = (stored.owner, record_key.split_first()) {
            let index = [&[*space][..], &length(owner), owner.as_bytes(), key].concat();
            self.owners.remove(index.as_slice())?;
        }
        Ok(stored.is_live(now_ms))
    }

    pub(super) fn delete_owned(
        &mut self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
        now_ms: u64,
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut live = Vec::new();
        for key in keys_of(&self.owners, space, owner)? {
            if except != Some(&*key) && self.delete(space, &key, now_ms)? {
                live.push(key);
            }
        }
        Ok(live)
    }

    /// The inner result is the caller's alone; the outer one breaks the transaction.
    pub(super) fn add(
        &mut self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
        now_ms: u64,
    ) -> Result<Result<(u64, u64), StoreError>, StoreError> {
        let mut found = None;
        if let Some(guard) = self.records.get(record_key(space, key).as_slice())?
            && let Ok(stored) = Stored::parse(guard.value())
            && stored.is_live(now_ms)
        {
            let Ok(bytes) = <[u8; 8]>::try_from(stored.value) else {
                return Ok(Err(StoreError::NotACounter));
            };
            found = Some((u64::from_be_bytes(bytes), stored.expires_at_ms));
        }
        if found.is_none() && delta <= 0 {
            return Ok(Ok((0, after(now_ms, window))));
        }
        let (count, expires_at_ms) = found.unwrap_or((0, after(now_ms, window)));
        let count = counted(count, delta);
        let value = Bytes::copy_from_slice(&count.to_be_bytes());
        self.put(space, key, &Entry { value, owner: None, expires_at_ms })?;
        Ok(Ok((count, expires_at_ms)))
    }

    pub(super) fn sweep(&mut self, now_ms: u64) -> Result<usize, StoreError> {
        let end = now_ms.saturating_add(1).to_be_bytes();
        let expired = self.ends.range::<&[u8]>((Bound::Unbounded, Bound::Excluded(end.as_slice())))?;
        let expired = expired.take(SWEEP_BATCH).map(|item| item.map(|(key, _)| key.value().to_vec()));
        let expired: Vec<Vec<u8>> = expired.collect::<Result<_, _>>()?;
        for index in &expired {
            let record = index.get(8..).unwrap_or_default();
            // The index may be older than the record, where one that could not be read was written over.
            let live = self
                .records
                .get(record)?
                .is_some_and(|guard| Stored::parse(guard.value()).is_ok_and(|stored| stored.is_live(now_ms)));
            if !live {
                self.remove(record, now_ms)?;
            }
            self.ends.remove(index.as_slice())?;
        }
        Ok(expired.len())
    }
}
