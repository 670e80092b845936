//! Records in Redis: what [`Store`](super::super::Store) asks, as commands on one key each.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use redis::Value;

use super::super::tables::{Stored, encode};
use super::super::{Entry, Record, Replacement, STEP, Space, StoreError};
use super::dial::unexpected;
use super::keys::Keys;
use super::nodes::Nodes;
use super::script::{ADD, DELETE_OWNED, INDEX, PUT, PUT_IF, REPLACE};

/// The last end that is told to Redis, in the year 9999: what ends later stays until it is removed.
const LAST_END_MS: u64 = 253_402_300_799_999;
/// Commands of one call that are under way at once in a cluster, where each names one key: few, because everybody
/// shares the connection.
const AT_ONCE: usize = 16;
/// format and version, which Redis writes itself
const WRITTEN_BY_REDIS: usize = 1 + 8;

/// The nodes and the names in them.
pub(super) struct Records {
    pub(super) nodes: Nodes,
    pub(super) keys: Keys,
}

impl Records {
    pub(super) async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        let bytes = self.bytes(space, key).await?;
        bytes.map(|bytes| Ok(Stored::parse(&bytes)?.record())).transpose()
    }

    pub(super) async fn entry(&self, space: Space, key: &[u8]) -> Result<Option<Entry>, StoreError> {
        let bytes = self.bytes(space, key).await?;
        bytes.map(|bytes| Ok(Stored::parse(&bytes)?.entry())).transpose()
    }

    async fn bytes(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let name = self.keys.record(space, key);
        match self.nodes.send(name.as_bytes(), redis::cmd("GET").arg(&name)).await? {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Err(unexpected()),
        }
    }

    /// The records of `keys` as they lie there, `None` for those that are gone: one command for all of them, where one
    /// node has them.
    async fn many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let read = |value: Value| match value {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Err(unexpected()),
        };
        let names: Vec<String> = keys.iter().map(|key| self.keys.record(space, key)).collect();
        let Some(first) = names.first() else { return Ok(Vec::new()) };
        if self.nodes.are_many() {
            let get = |name: &String| {
                let mut command = redis::cmd("GET");
                command.arg(name);
                let name = name.clone();
                async move { read(self.nodes.send(name.as_bytes(), &command).await?) }
            };
            let gets: Vec<_> = names.iter().map(get).collect();
            return stream::iter(gets).buffered(AT_ONCE).try_collect().await;
        }
        let Value::Array(found) = self.nodes.send(first.as_bytes(), redis::cmd("MGET").arg(&names)).await?
        else {
            return Err(unexpected());
        };
        found.into_iter().map(read).collect()
    }

    pub(super) async fn get_many(
        &self,
        space: Space,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let found = self.many(space, keys).await?.into_iter().zip(keys);
        let records = found.filter_map(|(bytes, key)| Some((bytes?, key.clone())));
        records.map(|(bytes, key)| Ok((key, Stored::parse(&bytes)?.record()))).collect()
    }

    pub(super) async fn get_owned(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let found = self.many(space, keys).await?.into_iter().zip(keys);
        let owned = found.filter_map(|(bytes, key)| {
            let bytes = bytes?;
            let stored = Stored::parse(&bytes).ok().filter(|stored| stored.owner == Some(owner))?;
            Some((key.clone(), stored.record()))
        });
        Ok(owned.collect())
    }

    pub(super) async fn replace(
        &self,
        space: Space,
        changes: Vec<Replacement>,
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let step = if self.nodes.are_many() { 1 } else { STEP };
        let steps: Vec<_> = changes.chunks(step).map(|step| self.replace_step(space, step)).collect();
        let versions: Vec<Vec<Option<u64>>> = stream::iter(steps).buffered(AT_ONCE).try_collect().await?;
        Ok(versions.concat())
    }

    async fn replace_step(
        &self,
        space: Space,
        changes: &[Replacement],
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let names: Vec<String> = changes.iter().map(|change| self.keys.record(space, &change.key)).collect();
        let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let versions: Vec<String> = changes.iter().map(|change| change.version.to_string()).collect();
        let pairs = versions.iter().zip(changes);
        let arguments: Vec<&[u8]> =
            pairs.flat_map(|(version, change)| [version.as_bytes(), &change.value]).collect();
        match self.nodes.run_on(&REPLACE, &names, &arguments).await? {
            Value::Array(versions) if versions.len() == changes.len() => versions
                .iter()
                .map(|version| match version {
                    Value::Int(0) => Ok(None),
                    Value::Int(version) => u64::try_from(*version).map(Some).map_err(|_| unexpected()),
                    _ => Err(unexpected()),
                })
                .collect(),
            _ => Err(unexpected()),
        }
    }

    pub(super) async fn put(&self, space: Space, key: &[u8], entry: &Entry) -> Result<u64, StoreError> {
        self.index(space, key, entry).await?;
        let name = self.keys.record(space, key);
        let (last, rest) = lay_out(entry);
        match self.nodes.run(&PUT, name.as_bytes(), &[last.as_bytes(), &rest]).await? {
            Value::Int(version) => u64::try_from(version).map_err(|_| unexpected()),
            _ => Err(unexpected()),
        }
    }

    pub(super) async fn put_if(
        &self,
        space: Space,
        key: &[u8],
        expected: Option<u64>,
        entry: &Entry,
    ) -> Result<Option<u64>, StoreError> {
        self.index(space, key, entry).await?;
        let name = self.keys.record(space, key);
        let (last, rest) = lay_out(entry);
        let expected = expected.map(|version| version.to_string()).unwrap_or_default();
        let arguments = [last.as_bytes(), &rest, expected.as_bytes()];
        match self.nodes.run(&PUT_IF, name.as_bytes(), &arguments).await? {
            Value::Int(version) => u64::try_from(version).map(Some).map_err(|_| unexpected()),
            Value::Nil => Ok(None),
            _ => Err(unexpected()),
        }
    }

    /// Before the record, which may lie on another node: a name without a record is passed over by those
    /// who list, a record without a name would be found by nobody. For the same reason a name goes before its
    /// time only behind its record: see [`Self::delete_keys`].
    async fn index(&self, space: Space, key: &[u8], entry: &Entry) -> Result<(), StoreError> {
        let Some(owner) = entry.owner.as_deref().filter(|owner| !owner.is_empty()) else { return Ok(()) };
        let index = self.keys.owned(space, owner);
        let end = entry.expires_at_ms.min(LAST_END_MS).to_string();
        let member = Keys::member(key);
        self.nodes.run(&INDEX, index.as_bytes(), &[member.as_bytes(), end.as_bytes()]).await?;
        Ok(())
    }

    pub(super) async fn delete(&self, space: Space, key: &[u8]) -> Result<bool, StoreError> {
        let name = self.keys.record(space, key);
        count(&self.nodes.send(name.as_bytes(), redis::cmd("DEL").arg(&name)).await?)
    }

    /// The keys that may be the owner's, in order.
    pub(super) async fn owned_keys(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError> {
        let index = self.keys.owned(space, owner);
        let mut command = redis::cmd("ZRANGE");
        command.arg(&index).arg(0).arg(-1);
        let Value::Array(members) = self.nodes.send(index.as_bytes(), &command).await? else {
            return Err(unexpected());
        };
        let keys = members.iter().filter_map(|member| match member {
            Value::BulkString(member) => Keys::key_of_member(member),
            _ => None,
        });
        let mut keys: Vec<Bytes> = keys.collect();
        keys.sort();
        Ok(keys)
    }

    /// A name goes with its record, and behind it: only where there was a record, since one that is still to come may
    /// have a name already.
    pub(super) async fn delete_keys(
        &self,
        space: Space,
        owner: &str,
        keys: &[Bytes],
    ) -> Result<Vec<Bytes>, StoreError> {
        let step = if self.nodes.are_many() { 1 } else { STEP };
        let steps: Vec<_> = keys.chunks(step).map(|keys| self.delete_step(space, owner, keys)).collect();
        // One that fails does not keep the others from being removed.
        let steps: Vec<Result<Vec<Bytes>, StoreError>> =
            stream::iter(steps).buffered(AT_ONCE).collect().await;
        let removed: Vec<Bytes> = steps.iter().flatten().flatten().cloned().collect();
        let index = self.keys.owned(space, owner);
        for step in removed.chunks(STEP) {
            let mut command = redis::cmd("ZREM");
            command.arg(&index).arg(step.iter().map(|key| Keys::member(key)).collect::<Vec<_>>());
            // The records are gone: a name that stays is passed over until its time is up.
            let _ = self.nodes.send(index.as_bytes(), &command).await;
        }
        steps.into_iter().find_map(Result::err).map_or(Ok(removed), Err)
    }

    async fn delete_step(&self, space: Space, owner: &str, keys: &[Bytes]) -> Result<Vec<Bytes>, StoreError> {
        let names: Vec<String> = keys.iter().map(|key| self.keys.record(space, key)).collect();
        let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let Value::Array(removed) = self.nodes.run_on(&DELETE_OWNED, &names, &[owner.as_bytes()]).await?
        else {
            return Err(unexpected());
        };
        let mut deleted = Vec::with_capacity(keys.len());
        for (key, removed) in keys.iter().zip(&removed) {
            if count(removed)? {
                deleted.push(key.clone());
            }
        }
        Ok(deleted)
    }

    pub(super) async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut keys = self.owned_keys(space, owner).await?;
        keys.retain(|key| except != Some(&**key));
        self.delete_keys(space, owner, &keys).await
    }

    pub(super) async fn add(
        &self,
        space: Space,
        key: &[u8],
        delta: i64,
        window: Duration,
    ) -> Result<(u64, u64), StoreError> {
        let name = self.keys.record(space, key);
        let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX).min(LAST_END_MS);
        let arguments = [delta.to_string(), window.to_string(), LAST_END_MS.to_string()];
        let arguments = arguments.each_ref().map(String::as_bytes);
        let answer =
            self.nodes.run(&ADD, name.as_bytes(), &arguments).await.map_err(|error| match error {
                StoreError::Refused { reason } if reason.contains("NOTACOUNTER") => StoreError::NotACounter,
                other => other,
            })?;
        let Value::Array(answer) = answer else { return Err(unexpected()) };
        let [Value::Int(count), Value::BulkString(end)] = &answer[..] else { return Err(unexpected()) };
        let end = <[u8; 8]>::try_from(&**end).map_err(|_| unexpected())?;
        Ok((u64::try_from(*count).map_err(|_| unexpected())?, u64::from_be_bytes(end)))
    }
}

/// The last millisecond of the entry's life, and what comes after the version.
fn lay_out(entry: &Entry) -> (String, Vec<u8>) {
    let last = entry.expires_at_ms.saturating_sub(1).min(LAST_END_MS);
    let mut bytes = encode(0, entry);
    bytes.drain(..WRITTEN_BY_REDIS);
    (last.to_string(), bytes)
}

/// Whether a command has removed the one key it was about.
fn count(answer: &Value) -> Result<bool, StoreError> {
    match answer {
        Value::Int(count) => Ok(*count > 0),
        _ => Err(unexpected()),
    }
}
