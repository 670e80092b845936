//! The connection to one node that serves writes: kept by a task of its own, which makes it anew whenever
//! it is lost. While there is none, whoever asks is told so at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::{Cmd, PushInfo, PushKind, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::super::StoreError;
use super::dial::{Connection, Dialer, away, unanswered};
use super::sentinel::Sentinels;
use super::url::Address;

/// How often a connection on which nothing happens is tried.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);

/// Waits longer after each failure in a row.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(FIRST_RETRY)
    }

    pub(super) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(LAST_RETRY);
        wait
    }
}

/// Where the node is.
pub(super) enum Place {
    StaticResponse(Address),
    /// Wherever sentinels say that the master is now.
    Watched(Sentinels),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StaticResponse(address) => address.fmt(f),
            Self::Watched(sentinels) => sentinels.fmt(f),
        }
    }
}

impl Place {
    async fn find(&self) -> Result<Address, StoreError> {
        match self {
            Self::StaticResponse(address) => Ok(address.clone()),
            Self::Watched(sentinels) => sentinels.master().await,
        }
    }
}

/// A connection while it is good.
struct Live {
    connection: Connection,
    address: Address,
    /// Its end was told.
    broken: Arc<AtomicBool>,
    made: Instant,
    /// When something was answered last, in milliseconds since `made`.
    answered_ms: AtomicU64,
}

impl Live {
    fn is_answered(&self) {
        self.answered_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    /// Whether nothing at all was answered for as long as `time`: then it is not a single command that takes long.
    fn is_silent_for(&self, time: Duration) -> bool {
        let silent_ms = self.age_ms().saturating_sub(self.answered_ms.load(Ordering::Relaxed));
        Duration::from_millis(silent_ms) >= time
    }

    /// Whether a question that was not answered within `time` says nothing of the connection.
    fn is_only_slow(&self, time: Duration) -> bool {
        !self.is_silent_for(time) && !self.broken.load(Ordering::Acquire)
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What became of a command that was not answered as wished.
pub(super) enum Refusal {
    /// Redis has answered with an error: nothing was done, or as much as the error tells.
    Told(RedisError),
    /// There was no connection, or no answer.
    Store(StoreError),
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Told(error) => unanswered(error),
            Refusal::Store(error) => error,
        }
    }
}

/// The connection to one node. Runs while [`keep`](Self::keep) is polled.
pub(super) struct Link {
    dialer: Arc<Dialer>,
    place: Place,
    live: ArcSwapOption<Live>,
    /// Whether there is a connection.
    up: watch::Sender<bool>,
    /// Somebody has reason to doubt the connection.
    doubt: Arc<Notify>,
    /// Where the last good connection went.
    master: watch::Sender<Vec<Address>>,
    /// What the last try to connect ended with, while there is no connection.
    failure: watch::Sender<Option<StoreError>>,
}

impl Link {
    pub(super) fn new(dialer: Arc<Dialer>, place: Place) -> Self {
        Self {
            dialer,
            place,
            live: ArcSwapOption::empty(),
            up: watch::Sender::default(),
            doubt: Arc::default(),
            master: watch::Sender::default(),
            failure: watch::Sender::default(),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Waits until there is a connection.
    ///
    /// # Errors
    /// What waiting does not mend, such as a wrong password.
    pub(super) async fn connected(&self) -> Result<(), StoreError> {
        let (mut up, mut failure) = (self.up.subscribe(), self.failure.subscribe());
        let lasting = |failure: &Option<StoreError>| failure.as_ref().is_some_and(|error| !error.is_away());
        tokio::select! {
            _ = up.wait_for(|up| *up) => Ok(()),
            Ok(failure) = failure.wait_for(lasting) => failure.clone().map_or(Ok(()), Err),
        }
    }

    /// Where the node is, or was when it was last reached; empty before that.
    pub(super) fn master(&self) -> watch::Receiver<Vec<Address>> {
        self.master.subscribe()
    }

    /// Sends one command; after `ASKING`, if the node said that its slot is on the move to here.
    pub(super) async fn send(&self, command: &Cmd, asking: bool) -> Result<Value, Refusal> {
        let live = self.live.load_full();
        let Some(live) = live else { return Err(Refusal::Store(away("there is no connection"))) };
        let mut connection = live.connection.clone();
        let answer = if asking {
            let mut both = redis::pipe();
            both.cmd("ASKING").ignore().add_command(command.clone());
            both.query_async::<(Value,)>(&mut connection).await.map(|(value,)| value)
        } else {
            command.query_async::<Value>(&mut connection).await
        };
        answer.inspect(|_| live.is_answered()).map_err(|error| {
            let meaning = unanswered(error.clone());
            if matches!(meaning, StoreError::Unanswered { .. }) {
                self.was_not_answered(&live, error.is_timeout());
                return Refusal::Store(meaning);
            }
            live.is_answered();
            if meaning.is_away() {
                self.doubt.notify_one();
            }
            Refusal::Told(error)
        })
    }

    /// A command that takes too long is its own affair as long as others are answered: everybody shares the connection,
    /// and nobody else is to lose it. Where nobody was answered meanwhile, the task asks the node once more, and gives
    /// the connection up when that takes too long as well. One that is broken is given up at once, so that others need
    /// not find out for themselves.
    fn was_not_answered(&self, live: &Arc<Live>, took_too_long: bool) {
        if !took_too_long {
            self.give_up(live);
        } else if live.is_silent_for(self.dialer.timeout) {
            self.doubt.notify_one();
        }
    }

    /// A further connection to where the node is now, for one who blocks it.
    pub(super) async fn dial_apart(&self) -> Result<(Address, Connection), StoreError> {
        let live = self.live.load_full().ok_or(away("there is no connection"))?;
        let config = self.dialer.config().set_response_timeout(None);
        Ok((live.address.clone(), self.dialer.dial(&live.address, config).await?))
    }

    /// Where the connection goes now.
    pub(super) fn address(&self) -> Option<Address> {
        self.live.load().as_ref().map(|live| live.address.clone())
    }

    fn give_up(&self, live: &Arc<Live>) {
        let current = self.live.load();
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
            // A newer one that has come meanwhile stays.
            self.live.compare_and_swap(&*current, None);
            self.up.send_replace(self.live.load().is_some());
        }
        self.doubt.notify_one();
    }

    /// Makes the connection and makes it again, for as long as it is polled.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut backoff = Backoff::new();
        loop {
            let reason = match self.connect().await {
                Ok(live) => {
                    backoff = Backoff::new();
                    self.announce(&live);
                    let reason = self.watch(&live).await;
                    self.give_up(&live);
                    reason
                }
                Err(reason) => reason,
            };
            let first = self.failure.borrow().is_none();
            if first {
                tracing::warn!(store.node = %self.place, store.reason = %reason, "the store is away");
            }
            self.failure.send_replace(Some(reason));
            sleep(backoff.next()).await;
        }
    }

    fn announce(&self, live: &Arc<Live>) {
        self.live.store(Some(Arc::clone(live)));
        self.up.send_replace(true);
        self.master.send_if_modified(|master| {
            let moved = *master != [live.address.clone()];
            *master = vec![live.address.clone()];
            moved
        });
        if self.failure.send_replace(None).is_some() {
            tracing::info!(store.node = %live.address, "the store is back");
        }
    }

    async fn connect(&self) -> Result<Arc<Live>, StoreError> {
        let address = self.place.find().await?;
        let (doubt, broken) = (Arc::clone(&self.doubt), Arc::<AtomicBool>::default());
        let breaks = Arc::clone(&broken);
        let push = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                breaks.store(true, Ordering::Release);
                doubt.notify_one();
            }
            Ok::<(), redis::aio::SendError>(())
        };
        let mut connection = self.dialer.dial(&address, self.dialer.config().set_push_sender(push)).await?;
        self.dialer.check_master(&mut connection).await?;
        let answered_ms = AtomicU64::new(0);
        Ok(Arc::new(Live { connection, address, broken, made: Instant::now(), answered_ms }))
    }

    /// Ends when the connection is no longer good; says why.
    async fn watch(&self, live: &Arc<Live>) -> StoreError {
        loop {
            // Either way it is time to look.
            let _ = timeout(HEARTBEAT, self.doubt.notified()).await;
            if !self.live.load().as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
                return away("the connection was lost");
            }
            match self.dialer.check_master(&mut live.connection.clone()).await {
                Ok(()) => live.is_answered(),
                // The question stood behind others that were answered: it may still come.
                Err(StoreError::Unanswered { .. }) if live.is_only_slow(self.dialer.timeout) => {}
                Err(error) => return error,
            }
            // Sentinels that cannot be asked do not make a good master a bad one.
            if let Place::Watched(sentinels) = &self.place
                && sentinels.master().await.is_ok_and(|address| address != live.address)
            {
                return away("another node has become the master");
            }
        }
    }
}
