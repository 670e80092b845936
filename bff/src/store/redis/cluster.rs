//! Which master serves which slot of a cluster, asked again each second and whenever a node says that it
//! is another one. One link for each master.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use redis::Value;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::super::StoreError;
use super::dial::{Connection, Dialer, away, text, unanswered, unexpected};
use super::link::{HEARTBEAT, Link, Place};
use super::url::Address;

/// Questions about the slots are at least this far apart, however many callers were sent elsewhere.
const REFRESH_AT_MOST_EVERY: Duration = Duration::from_millis(50);

/// So many answers in a row that are older than what was known are no longer taken for a node's that lags.
const BEHIND_AT_MOST: usize = 10;

/// Slots from `first` to `last` and who serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    master: Address,
}

/// A link whose task ends with it.
struct Kept {
    link: Arc<Link>,
    task: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Table = Vec<(Range, Arc<Link>)>;

/// The masters of a cluster. Follows the cluster while [`keep`](Self::keep) is polled.
pub(super) struct Cluster {
    dialer: Arc<Dialer>,
    seeds: Vec<Address>,
    table: ArcSwap<Table>,
    links: Mutex<BTreeMap<Address, Kept>>,
    masters: watch::Sender<Vec<Address>>,
    failure: watch::Sender<Option<StoreError>>,
    stale: Notify,
    /// Where the links' tasks run, whoever asks for a link.
    runtime: Handle,
}

impl Cluster {
    pub(super) fn new(dialer: Arc<Dialer>, seeds: Vec<Address>) -> Self {
        Self {
            dialer,
            seeds,
            table: ArcSwap::default(),
            links: Mutex::default(),
            masters: watch::Sender::default(),
            failure: watch::Sender::default(),
            stale: Notify::new(),
            runtime: Handle::current(),
        }
    }

    /// Who serves `slot`.
    pub(super) fn link(&self, slot: u16) -> Option<Arc<Link>> {
        let table = self.table.load();
        let range = table.iter().find(|(range, _)| (range.first..=range.last).contains(&slot));
        range.map(|(_, link)| Arc::clone(link))
    }

    /// The node at `address`, to which another one has sent the caller on: a master, or about to be one.
    pub(super) fn link_to(&self, address: &Address) -> Arc<Link> {
        let mut links = self.links.lock();
        let kept = links.entry(address.clone()).or_insert_with(|| self.start(address));
        let link = Arc::clone(&kept.link);
        drop(links);
        // One that has no slots yet takes writes already: they must be heard.
        self.masters.send_if_modified(|told| {
            let new = !told.contains(address);
            if new {
                told.push(address.clone());
            }
            new
        });
        link
    }

    /// All masters.
    pub(super) fn masters(&self) -> watch::Receiver<Vec<Address>> {
        self.masters.subscribe()
    }

    /// Waits until there are connections to all masters.
    ///
    /// # Errors
    /// What waiting does not mend, such as a wrong password.
    pub(super) async fn connected(&self) -> Result<(), StoreError> {
        let (mut masters, mut failure) = (self.masters.subscribe(), self.failure.subscribe());
        let lasting = |failure: &Option<StoreError>| failure.as_ref().is_some_and(|error| !error.is_away());
        tokio::select! {
            _ = masters.wait_for(|masters| !masters.is_empty()) => {}
            Ok(failure) = failure.wait_for(lasting) => return failure.clone().map_or(Ok(()), Err),
        }
        for link in self.links() {
            link.connected().await?;
        }
        Ok(())
    }

    /// All links.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        self.links.lock().values().map(|kept| Arc::clone(&kept.link)).collect()
    }

    /// A node has said that the table is out of date.
    pub(super) fn refresh(&self) {
        self.stale.notify_one();
    }

    /// Follows the cluster, for as long as it is polled.
    pub(super) async fn keep(self: Arc<Self>) {
        // Kept between rounds, and so tried first: making a connection costs more than the question.
        let mut spare: Vec<(Address, Connection)> = Vec::new();
        let (mut turn, mut newest, mut behind) = (0, 0, 0);
        loop {
            match self.ask_anyone(&mut spare, turn).await {
                // A node that has not heard of the last failover yet; or all of them have begun anew.
                Ok((epoch, _)) if epoch < newest && behind < BEHIND_AT_MOST => behind += 1,
                Ok((epoch, ranges)) => {
                    (newest, behind) = (epoch, 0);
                    self.apply(ranges);
                    self.failure.send_replace(None);
                }
                Err(error) => {
                    self.failure.send_replace(Some(error));
                }
            }
            turn += 1;
            sleep(REFRESH_AT_MOST_EVERY).await;
            let _ = timeout(HEARTBEAT, self.stale.notified()).await;
        }
    }

    /// The first answer of a node whose cluster works, another node first in each `turn`.
    async fn ask_anyone(
        &self,
        spare: &mut Vec<(Address, Connection)>,
        turn: usize,
    ) -> Result<(u64, Vec<Range>), StoreError> {
        let mut nodes = self.masters.borrow().clone();
        let middle = turn.checked_rem(nodes.len()).unwrap_or(0);
        nodes.rotate_left(middle);
        for seed in &self.seeds {
            if !nodes.contains(seed) {
                nodes.push(seed.clone());
            }
        }
        spare.retain(|(address, _)| nodes.contains(address));
        let mut failed = away("the cluster has no nodes");
        for node in nodes {
            let kept = spare.iter().position(|(address, _)| *address == node);
            let kept = kept.map(|index| spare.swap_remove(index).1);
            match self.ask(&node, kept).await {
                Ok((answer, connection)) => {
                    spare.push((node, connection));
                    return Ok(answer);
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    async fn ask(
        &self,
        node: &Address,
        kept: Option<Connection>,
    ) -> Result<((u64, Vec<Range>), Connection), StoreError> {
        let mut connection = match kept {
            Some(connection) => connection,
            None => self.dialer.dial(node, self.dialer.config()).await?,
        };
        let mut both = redis::pipe();
        both.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
        let (info, slots) = both.query_async::<(Value, Value)>(&mut connection).await.map_err(unanswered)?;
        let info = text(&info).map(String::from_utf8_lossy).ok_or(unexpected())?;
        let line = |name| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        if line("cluster_state") != Some("ok") {
            return Err(away("the cluster is down"));
        }
        let epoch = line("cluster_current_epoch").and_then(|epoch| epoch.parse().ok()).ok_or(unexpected())?;
        Ok(((epoch, ranges(&slots, node).ok_or(unexpected())?), connection))
    }

    fn apply(&self, ranges: Vec<Range>) {
        let known = self.table.load();
        if known.iter().map(|(range, _)| range).eq(&ranges) {
            return;
        }
        let mut masters: Vec<Address> = ranges.iter().map(|range| range.master.clone()).collect();
        masters.sort();
        masters.dedup();
        let mut links = self.links.lock();
        links.retain(|address, _| masters.contains(address));
        let table = ranges.into_iter().map(|range| {
            let kept = links.entry(range.master.clone()).or_insert_with(|| self.start(&range.master));
            let link = Arc::clone(&kept.link);
            (range, link)
        });
        self.table.store(Arc::new(table.collect()));
        drop(links);
        self.masters.send_if_modified(|told| {
            let changed = *told != masters;
            *told = masters;
            changed
        });
    }

    fn start(&self, master: &Address) -> Kept {
        let link = Arc::new(Link::new(Arc::clone(&self.dialer), Place::StaticResponse(master.clone())));
        let task = self.runtime.spawn(Arc::clone(&link).keep()).abort_handle();
        Kept { link, task }
    }
}

/// Reads `CLUSTER SLOTS`, asked of `node`: `[first, last, [host, port, …], replicas…]` for each range.
fn ranges(slots: &Value, node: &Address) -> Option<Vec<Range>> {
    let Value::Array(slots) = slots else { return None };
    let mut ranges = slots.iter().map(|range| range_of(range, node)).collect::<Option<Vec<_>>>()?;
    ranges.sort_by_key(|range| range.first);
    Some(ranges)
}

fn range_of(range: &Value, node: &Address) -> Option<Range> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &parts[..] else { return None };
    let [host, Value::Int(port), ..] = &master[..] else { return None };
    // A node that does not know its own address, or must not tell it, leaves it to who asks.
    let host = match text(host) {
        Some(b"" | b"?") | None => node.host.clone(),
        Some(host) => std::str::from_utf8(host).ok()?.to_owned(),
    };
    let master = Address { host, port: u16::try_from(*port).ok()? };
    Some(Range { first: u16::try_from(*first).ok()?, last: u16::try_from(*last).ok()?, master })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), Value::BulkString(b"id".to_vec()), Value::Array(vec![])])
    }

    fn named(host: &str) -> Value {
        Value::BulkString(host.as_bytes().to_vec())
    }

    #[test]
    fn slots_are_read_in_order_with_the_master_of_each() {
        let asked = Address { host: "asked".into(), port: 1 };
        let range = |first, last, master| {
            Value::Array(vec![Value::Int(first), Value::Int(last), master, node(named("replica"), 9)])
        };
        let slots = Value::Array(vec![
            range(8192, 16383, node(named("10.0.0.2"), 7001)),
            range(0, 100, node(named(""), 7000)),
            range(101, 8191, node(Value::Nil, 7002)),
        ]);
        let read = ranges(&slots, &asked).unwrap();
        let read: Vec<_> = read.iter().map(|r| (r.first, r.last, r.master.to_string())).collect();
        assert_eq!(
            read,
            [
                (0, 100, "asked:7000".to_owned()),
                (101, 8191, "asked:7002".to_owned()),
                (8192, 16383, "10.0.0.2:7001".to_owned())
            ]
        );
        for broken in [Value::Nil, Value::Array(vec![Value::Int(1)]), range(0, 70000, node(named("h"), 1))] {
            let broken = if matches!(broken, Value::Array(ref v) if v.len() > 1) {
                Value::Array(vec![broken])
            } else {
                broken
            };
            assert_eq!(ranges(&broken, &asked), None);
        }
    }
}
