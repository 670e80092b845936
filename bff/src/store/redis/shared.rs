//! What replicas share beyond records: the log of live messages, a Redis stream, and rate limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redis::{Cmd, Value};
use tokio::time::timeout;

use super::super::StoreError;
use super::super::shared::{LogId, Take};
use super::dial::{Connection, away, text, unanswered, unexpected};
use super::inner::Inner;
use super::script::{APPEND, GIVE_BACK, TAKE};
use super::url::Address;

/// How long the log outlives its last entry: far longer than anybody comes back to resume.
const LOG_LIVES: Duration = Duration::from_secs(7 * 24 * 3600);

/// Redis' clock counts microseconds.
const FASTEST: u32 = 1_000_000;

type Entries = Vec<(LogId, Bytes)>;

/// The part of a store that replicas share. Cheap to clone.
#[derive(Clone)]
pub struct SharedStore {
    pub(super) inner: Arc<Inner>,
}

impl SharedStore {
    /// Appends to the log and lets go of the oldest entries beyond about `max_len`: Redis trims whole nodes
    /// of 100 entries. Answers the entry's place.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::Unanswered`] the entry may be in the log.
    pub async fn append(&self, payload: Bytes, max_len: usize) -> Result<LogId, StoreError> {
        let (max_len, lives) = (max_len.max(1).to_string(), LOG_LIVES.as_millis().to_string());
        let arguments = [max_len.as_bytes(), &payload, lives.as_bytes()];
        let answer = self.inner.records.nodes.run(&APPEND, self.log().as_bytes(), &arguments).await?;
        place(&answer)
    }

    /// The last `count` entries, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tail(&self, count: usize) -> Result<Entries, StoreError> {
        let log = self.log();
        let mut command = redis::cmd("XREVRANGE");
        command.arg(&log).arg("+").arg("-").arg("COUNT").arg(count);
        let mut found = entries(&self.ask(&log, &command).await?)?;
        found.reverse();
        Ok(found)
    }

    /// At most `count` entries after `id`, oldest first. Waits up to `wait` for the first one, on a
    /// connection of its own, and answers none when none came. While the store is away it does not wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn after(&self, id: LogId, count: usize, wait: Duration) -> Result<Entries, StoreError> {
        let log = self.log();
        let block = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(1, u64::from(u32::MAX));
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(count.max(1)).arg("BLOCK").arg(block);
        command.arg("STREAMS").arg(&log).arg(id.to_string());
        let (address, mut connection) = self.connection_apart(&log).await?;
        // Redis looks ten times a second whose wait is over; and no request waits for this answer.
        let patience = Duration::from_millis(block).saturating_add(self.inner.timeout * 4);
        let answer = timeout(patience, command.query_async::<Value>(&mut connection)).await;
        let answer = answer.map_err(|_| away("the log was not answered"))?.map_err(unanswered)?;
        // Not kept after an error, nor when the caller has gone: it may still be waiting over there.
        *self.inner.spare.lock() = Some((address, connection));
        match answer {
            Value::Nil => Ok(Vec::new()),
            Value::Map(streams) => streams.first().map_or(Ok(Vec::new()), |(_, found)| entries(found)),
            _ => Err(unexpected()),
        }
    }

    /// At most `count` entries after `after`, oldest first, without waiting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn range(&self, after: LogId, count: usize) -> Result<Entries, StoreError> {
        let log = self.log();
        let mut command = redis::cmd("XRANGE");
        command.arg(&log).arg(format!("({after}")).arg("+").arg("COUNT").arg(count);
        entries(&self.ask(&log, &command).await?)
    }

    /// The place of the oldest entry that the log still has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn oldest(&self) -> Result<Option<LogId>, StoreError> {
        let log = self.log();
        let mut command = redis::cmd("XRANGE");
        command.arg(&log).arg("-").arg("+").arg("COUNT").arg(1);
        Ok(entries(&self.ask(&log, &command).await?)?.first().map(|(id, _)| *id))
    }

    /// Takes one from the bucket of `key`, which holds `burst` and refills at `per_second`, for all replicas
    /// together and by Redis' clock (generic cell rate algorithm). Both count as 1 to 1,000,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take(&self, key: &[u8], per_second: u32, burst: u32) -> Result<Take, StoreError> {
        let name = self.inner.records.keys.limit(key);
        let arguments = [per_second, burst].map(|rate| rate.clamp(1, FASTEST).to_string());
        let arguments = arguments.each_ref().map(String::as_bytes);
        let answer = self.inner.records.nodes.run(&TAKE, name.as_bytes(), &arguments).await?;
        let Value::Array(answer) = answer else { return Err(unexpected()) };
        let [Value::Int(allowed), Value::Int(remaining), Value::Int(reset_us), Value::Int(retry_us)] =
            answer[..]
        else {
            return Err(unexpected());
        };
        let ms = |us: i64| u64::try_from(us).map(|us| us.div_ceil(1000)).map_err(|_| unexpected());
        Ok(Take {
            allowed: allowed == 1,
            remaining: u32::try_from(remaining).map_err(|_| unexpected())?,
            reset_ms: ms(reset_us)?,
            retry_ms: ms(retry_us)?,
        })
    }

    /// Puts one back into the bucket of `key`, which was taken by [`Self::take`] with the same `per_second`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn give_back(&self, key: &[u8], per_second: u32) -> Result<(), StoreError> {
        let name = self.inner.records.keys.limit(key);
        let rate = per_second.clamp(1, FASTEST).to_string();
        self.inner.records.nodes.run(&GIVE_BACK, name.as_bytes(), &[rate.as_bytes()]).await.map(|_| ())
    }

    fn log(&self) -> String {
        self.inner.records.keys.log()
    }

    async fn ask(&self, key: &str, command: &Cmd) -> Result<Value, StoreError> {
        self.inner.records.nodes.send(key.as_bytes(), command).await
    }

    /// A connection that nobody else uses, to where the log is now.
    async fn connection_apart(&self, log: &str) -> Result<(Address, Connection), StoreError> {
        let nodes = &self.inner.records.nodes;
        let now = nodes.address(log.as_bytes()).ok_or(away("there is no connection"))?;
        let spare = self.inner.spare.lock().take();
        match spare {
            Some((address, connection)) if address == now => Ok((address, connection)),
            _ => nodes.dial_apart(log.as_bytes()).await,
        }
    }
}

/// Reads `[[place, [field, payload]], …]`.
fn entries(answer: &Value) -> Result<Entries, StoreError> {
    let Value::Array(all) = answer else { return Err(unexpected()) };
    all.iter().map(|entry| read_entry(entry).ok_or(unexpected())).collect()
}

fn read_entry(entry: &Value) -> Option<(LogId, Bytes)> {
    let Value::Array(entry) = entry else { return None };
    let [id, Value::Array(fields)] = &entry[..] else { return None };
    let [_, payload] = &fields[..] else { return None };
    Some((place(id).ok()?, Bytes::copy_from_slice(text(payload)?)))
}

fn place(id: &Value) -> Result<LogId, StoreError> {
    let id = text(id).and_then(|id| std::str::from_utf8(id).ok()?.parse().ok());
    id.ok_or(unexpected())
}
