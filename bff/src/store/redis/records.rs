//! Records in Redis: what [`Store`](super::super::Store) asks, as commands on one key each.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use redis::Value;

use super::super::tables::{Stored, encode};
use super::super::{Entry, Record, Space, StoreError};
use super::dial::unexpected;
use super::keys::Keys;
use super::nodes::Nodes;
use super::script::{ADD, DELETE_OWNED, INDEX, PUT, PUT_IF};

/// The last end that is told to Redis, in the year 9999: what ends later stays until it is removed.
const LAST_END_MS: u64 = 253_402_300_799_999;
/// Commands of one listing that are under way at once.
const AT_ONCE: usize = 128;
/// format and version, which Redis writes itself
const WRITTEN_BY_REDIS: usize = 1 + 8;

/// The nodes and the names in them.
pub(super) struct Records {
    pub(super) nodes: Nodes,
    pub(super) keys: Keys,
}

impl Records {
    pub(super) async fn get(&self, space: Space, key: &[u8]) -> Result<Option<Record>, StoreError> {
        Ok(self.stored(space, key).await?.map(|(_, record)| record))
    }

    /// The record and its owner.
    async fn stored(&self, space: Space, key: &[u8]) -> Result<Option<(String, Record)>, StoreError> {
        let name = self.keys.record(space, key);
        match self.nodes.send(name.as_bytes(), redis::cmd("GET").arg(&name)).await? {
            Value::Nil => Ok(None),
            Value::BulkString(bytes) => {
                let stored = Stored::parse(&bytes)?;
                Ok(Some((stored.owner.unwrap_or_default().to_owned(), stored.record())))
            }
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
    /// who list, a record without a name would be found by nobody. For the same reason nobody takes a name
    /// out before its time.
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
    async fn members(&self, space: Space, owner: &str) -> Result<Vec<Bytes>, StoreError> {
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

    pub(super) async fn list_owned(
        &self,
        space: Space,
        owner: &str,
    ) -> Result<Vec<(Bytes, Record)>, StoreError> {
        let keys = self.members(space, owner).await?;
        let found = stream::iter(keys).map(async |key| {
            let found = self.stored(space, &key).await?.filter(|(whose, _)| whose == owner);
            Ok(found.map(|(_, record)| (key, record)))
        });
        found.buffered(AT_ONCE).try_filter_map(async |found| Ok(found)).try_collect().await
    }

    pub(super) async fn delete_owned(
        &self,
        space: Space,
        owner: &str,
        except: Option<&[u8]>,
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut keys = self.members(space, owner).await?;
        keys.retain(|key| except != Some(&**key));
        let deleted = stream::iter(keys).map(async |key| {
            let name = self.keys.record(space, &key);
            let removed = self.nodes.run(&DELETE_OWNED, name.as_bytes(), &[owner.as_bytes()]).await?;
            Ok(count(&removed)?.then_some(key))
        });
        // One that fails does not keep the others from being removed.
        let deleted: Vec<Result<Option<Bytes>, StoreError>> = deleted.buffered(AT_ONCE).collect().await;
        deleted.into_iter().filter_map(Result::transpose).collect()
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
