//! A small durable queue of work that outlives a request, over any [`Store`]. The runner in `jobs` carries the work out.
//!
//! A job is one record: it moves only by compare-and-set of its version, so that of several replicas one wins each step,
//! and in a cluster no step touches more than one key. The index of its owner (`waiting` or `dead`) is the queue. Jobs
//! are carried out at least once:
//!
//! ```text
//! enqueue:   written, durable when it returns; a job of the same kind and id that is there already stands for both;
//!            nobody claims it before it is due
//! take back: removed, whoever enqueued it has no use for it any more
//! claim:     attempts + 1, leased to this process until now + lease; another one takes it over when that has passed
//! renew:     leased for longer
//! done:      removed
//! retry:     due later
//! bury:      owner `dead`: nobody tries it any more, until an operator revives it
//! ```
//!
//! Leases are by the replicas' own clocks: where those differ by more than a lease, two replicas may carry the same job out
//! at the same time, which handlers must bear anyway.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{ClaimedJob, Entry, Job, STEP, Space, Store, StoreError, after, queued_job::Lease};
use crate::telemetry::unix_ms;

/// Owner of the jobs that wait or run.
const WAITING: &str = "waiting";
/// Owner of those that were given up.
const DEAD: &str = "dead";

/// How large the queue may be, and how long things last in it.
#[derive(Debug, Clone, Copy)]
pub struct QueuePolicy {
    /// Jobs that wait, run or are dead, at most. Those who enqueue at the same moment may go beyond it together.
    pub max_jobs: usize,
    /// How long a claim counts unless it is renewed.
    pub lease: Duration,
    /// How long a job is kept that nobody touches, dead or not.
    pub keep: Duration,
}

/// The queue. Cloning is cheap.
#[derive(Clone)]
pub struct JobQueue {
    store: Arc<dyn Store>,
    /// This process.
    holder: Arc<str>,
    /// No other process can be at the store.
    alone: bool,
    policy: QueuePolicy,
}

/// What came of enqueueing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// The job is in the queue.
    New,
    /// One of the same kind and id was there already, waiting, running or dead.
    Known,
}

/// The queue does not take a job.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the queue holds its {limit} jobs")]
    Full { limit: usize },
    #[error("the queue's store does not take it")]
    Store(#[from] StoreError),
}

/// Jobs of one kind in the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    pub count: u64,
    /// When the oldest was enqueued: unix time in milliseconds, `u64::MAX` without one.
    pub oldest_ms: u64,
}

/// What a look at the queue has found.
#[derive(Debug, Default)]
pub struct Claims {
    /// Claimed for this process.
    pub jobs: Vec<ClaimedJob>,
    /// By kind. `None`: the look ended before the queue's end, because enough was claimed.
    pub waiting: Option<BTreeMap<Box<str>, Waiting>>,
    /// When the next of the others is due, or its lease over: unix time in milliseconds.
    pub next_ms: Option<u64>,
}

impl std::fmt::Debug for JobQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobQueue").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl JobQueue {
    /// A queue in `store`.
    ///
    /// # Errors
    /// [`getrandom::Error`]: the process has no name among the replicas.
    pub fn new(store: Arc<dyn Store>, policy: QueuePolicy) -> Result<Self, getrandom::Error> {
        let alone = store.shared().is_none();
        Self::over(store, policy, alone)
    }

    /// The same, and whether no other process can be at the store.
    pub(super) fn over(
        store: Arc<dyn Store>,
        policy: QueuePolicy,
        alone: bool,
    ) -> Result<Self, getrandom::Error> {
        let mut name = [0; 16];
        getrandom::fill(&mut name)?;
        let holder = format!("{:032x}", u128::from_be_bytes(name)).into();
        Ok(Self { store, holder, alone, policy })
    }

    /// How long a claim lasts.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.policy.lease
    }

    /// Adds a job, to be tried after `delay`. Durable when this returns. `kind` and `id` together are at most 511 bytes
    /// long.
    ///
    /// # Errors
    /// [`QueueError`]; after [`StoreError::Unanswered`] it may be there.
    pub async fn enqueue(
        &self,
        kind: &str,
        id: &str,
        payload: Box<RawValue>,
        delay: Duration,
    ) -> Result<Enqueued, QueueError> {
        let key = Job::key(kind, id);
        if self.store.get(Space::Jobs, &key).await?.is_some() {
            return Ok(Enqueued::Known);
        }
        if self.is_full().await? {
            return Err(QueueError::Full { limit: self.policy.max_jobs });
        }
        let now_ms = unix_ms();
        let (kind, id) = (kind.into(), id.into());
        let job = Job {
            kind,
            id,
            payload,
            enqueued_ms: now_ms,
            attempts: 0,
            error: None,
            due_ms: after(now_ms, delay),
            lease: None,
        };
        let written = self.store.put_if(Space::Jobs, &key, None, self.entry(&job, WAITING)?).await?;
        Ok(if written.is_some() { Enqueued::New } else { Enqueued::Known })
    }

    /// Whether there is no room for another job. Names cost less than jobs, and a name may outlive what it named: a store
    /// keeps that of a job which was buried, and of a dead letter which was revived.
    async fn is_full(&self) -> Result<bool, StoreError> {
        let (mut names, mut jobs) = (0, 0);
        for owner in [WAITING, DEAD] {
            names += self.store.owned_keys(Space::Jobs, owner).await?.len();
        }
        if names < self.policy.max_jobs {
            return Ok(false);
        }
        for owner in [WAITING, DEAD] {
            jobs += self.store.list_owned(Space::Jobs, owner).await?.len();
        }
        Ok(jobs >= self.policy.max_jobs)
    }

    /// Whether there is a job of that kind and id, waiting, running or dead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.store.get(Space::Jobs, &Job::key(kind, id)).await?.is_some())
    }

    /// Claims at most `most` jobs of `kinds` that are due; looks at the whole queue unless it has claimed that many.
    ///
    /// # Errors
    /// [`StoreError`]; what was claimed before it is tried again when its lease is over.
    pub async fn claim(&self, kinds: &[&str], most: usize) -> Result<Claims, StoreError> {
        let mut keys = self.store.owned_keys(Space::Jobs, WAITING).await?;
        // Replicas begin in different places, so that they seldom want the same job.
        if let Some(last) = keys.len().checked_sub(1).filter(|last| *last > 0) {
            let place = getrandom::u64().unwrap_or_default() % (last as u64 + 1);
            keys.rotate_left(usize::try_from(place).unwrap_or_default());
        }
        let mut claims = Claims::default();
        let mut waiting = BTreeMap::<Box<str>, Waiting>::new();
        for step in keys.chunks(STEP) {
            for (key, record) in self.store.get_owned(Space::Jobs, WAITING, step).await? {
                let Some(mut job) = Job::decode(&record.value) else { continue };
                let of_kind =
                    waiting.entry(job.kind.clone()).or_insert(Waiting { count: 0, oldest_ms: u64::MAX });
                of_kind.count += 1;
                of_kind.oldest_ms = of_kind.oldest_ms.min(job.enqueued_ms);
                let now_ms = unix_ms();
                let wanted = kinds.contains(&&*job.kind) && job.is_free(now_ms, &self.holder, self.alone);
                if wanted && claims.jobs.len() >= most {
                    // It is free: there is more to do as soon as there is room.
                    claims.next_ms = Some(now_ms);
                    return Ok(claims);
                }
                if wanted {
                    job.attempts = job.attempts.saturating_add(1);
                    job.lease = Some(self.new_lease(now_ms));
                    let entry = self.entry(&job, WAITING)?;
                    let claimed = self.store.put_if(Space::Jobs, &key, Some(record.version), entry).await?;
                    claims.jobs.extend(claimed.map(|version| ClaimedJob { job, version }));
                } else {
                    let next = job.lease.as_ref().map_or(job.due_ms, |lease| lease.until_ms);
                    claims.next_ms = Some(claims.next_ms.map_or(next, |other| other.min(next)));
                }
            }
        }
        claims.waiting = Some(waiting);
        Ok(claims)
    }

    /// Extends the lease of a claimed job. `false`: another process has taken it over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew(&self, claimed: &mut ClaimedJob) -> Result<bool, StoreError> {
        claimed.job.lease = Some(self.new_lease(unix_ms()));
        self.write(claimed, WAITING).await
    }

    /// Removes a job that was carried out.
    ///
    /// # Errors
    /// [`StoreError`]: it is carried out once more.
    pub async fn done(&self, claimed: &ClaimedJob) -> Result<(), StoreError> {
        self.take_back(&claimed.job.kind, &claimed.job.id).await
    }

    /// Removes a job that waits or runs. One whose attempt has begun may be carried out all the same.
    ///
    /// # Errors
    /// [`StoreError`]: it may be carried out.
    pub async fn take_back(&self, kind: &str, id: &str) -> Result<(), StoreError> {
        let key = Job::key(kind, id);
        self.store.delete_keys(Space::Jobs, WAITING, &[key]).await.map(|_| ())
    }

    /// Puts a job back that failed because of `error`, to be tried again after `delay`. `false`: another process has
    /// taken it over meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]: it is tried again when its lease is over.
    pub async fn retry(
        &self,
        claimed: &mut ClaimedJob,
        error: &str,
        delay: Duration,
    ) -> Result<bool, StoreError> {
        claimed.job.failed(error);
        claimed.job.due_ms = after(unix_ms(), delay);
        self.write(claimed, WAITING).await
    }

    /// Puts a job back that was not finished for no fault of its own: as if it had not been tried.
    ///
    /// # Errors
    /// As [`Self::retry`].
    pub async fn give_back(&self, claimed: &mut ClaimedJob) -> Result<bool, StoreError> {
        claimed.job.attempts = claimed.job.attempts.saturating_sub(1);
        claimed.job.lease = None;
        claimed.job.due_ms = unix_ms();
        self.write(claimed, WAITING).await
    }

    /// Gives a job up because of `error`: it stays as a dead letter.
    ///
    /// # Errors
    /// As [`Self::retry`].
    pub async fn bury(&self, claimed: &mut ClaimedJob, error: &str) -> Result<bool, StoreError> {
        claimed.job.failed(error);
        self.write(claimed, DEAD).await
    }

    /// The dead letters.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead(&self) -> Result<Vec<Job>, StoreError> {
        self.listed(DEAD).await
    }

    /// The jobs that wait or run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting(&self) -> Result<Vec<Job>, StoreError> {
        self.listed(WAITING).await
    }

    async fn listed(&self, owner: &str) -> Result<Vec<Job>, StoreError> {
        let records = self.store.list_owned(Space::Jobs, owner).await?;
        Ok(records.iter().filter_map(|(_, record)| Job::decode(&record.value)).collect())
    }

    /// Has all dead letters tried again from their beginning; answers how many.
    ///
    /// # Errors
    /// [`StoreError`]: some may have been revived.
    pub async fn revive(&self) -> Result<usize, StoreError> {
        let mut revived = 0;
        for (key, record) in self.store.list_owned(Space::Jobs, DEAD).await? {
            let Some(mut job) = Job::decode(&record.value) else { continue };
            (job.attempts, job.due_ms, job.lease) = (0, unix_ms(), None);
            let entry = self.entry(&job, WAITING)?;
            let written = self.store.put_if(Space::Jobs, &key, Some(record.version), entry).await?;
            revived += usize::from(written.is_some());
        }
        Ok(revived)
    }

    fn new_lease(&self, now_ms: u64) -> Lease {
        Lease { holder: self.holder.as_ref().into(), until_ms: after(now_ms, self.policy.lease) }
    }

    fn entry(&self, job: &Job, owner: &str) -> Result<Entry, StoreError> {
        let expires_at_ms = after(unix_ms(), self.policy.keep);
        Ok(Entry { value: job.encode()?, owner: Some(owner.into()), expires_at_ms })
    }

    async fn write(&self, claimed: &mut ClaimedJob, owner: &str) -> Result<bool, StoreError> {
        let key: Bytes = Job::key(&claimed.job.kind, &claimed.job.id);
        let entry = self.entry(&claimed.job, owner)?;
        let written = self.store.put_if(Space::Jobs, &key, Some(claimed.version), entry).await?;
        if let Some(version) = written {
            claimed.version = version;
        }
        Ok(written.is_some())
    }
}
