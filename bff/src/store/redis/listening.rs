//! Hears what happens in Redis and tells it on: changed records by client-side tracking (a RESP3
//! connection to each master), messages by pub/sub on one of them.
//!
//! Redis tells changes only to connections that are there. So when one of them fails, listeners are told
//! at once that they are disconnected; when all are made anew, that they are connected again and must forget what they
//! mirrored. What Redis pushes is told by the task that reads it from the socket, with nothing in between, so that
//! whatever was pushed before an answer has been told when the answer is there: each answered `PING` renews the
//! [`Lease`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use parking_lot::Mutex;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::super::notice::Listeners;
use super::super::{LEASE, Lease, Listener, Notice, Space, StoreError};
use super::dial::{Connection, Dialer, away, text, unanswered};
use super::keys::Keys;
use super::link::Backoff;
use super::url::Address;

/// How often it is asked whether everything was heard.
const PING_EVERY: Duration = Duration::from_millis(400);
/// Each so many pings, a node is asked as well whether it is still the master.
const CHECK_EVERY: usize = 3;

/// Those who listen, and whether there is something to hear.
pub(super) struct Subscribers {
    listeners: Listeners,
    lease: Lease,
    /// Held while the two are told, so that all hear them in the same order.
    hearing: Mutex<bool>,
    told: watch::Sender<bool>,
}

impl Default for Subscribers {
    fn default() -> Self {
        Self {
            listeners: Listeners::default(),
            lease: Lease::over(),
            hearing: Mutex::default(),
            told: watch::Sender::default(),
        }
    }
}

impl Subscribers {
    pub(super) fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// Whatever was told before `asked` has been heard.
    fn heard_all(&self, session: &Session, asked: Instant) {
        let hearing = self.hearing.lock();
        if *hearing && !session.over.load(Ordering::SeqCst) {
            if !self.lease.is_current() {
                // In this order: nobody may believe anything before they have heard this.
                self.listeners.tell(&Notice::Lapsed);
            }
            self.lease.renew(asked);
        }
    }

    pub(super) fn listen(&self, listener: Listener) {
        let hearing = self.hearing.lock();
        if !*hearing {
            listener(&Notice::Disconnected);
        }
        self.listeners.add(listener);
    }

    /// Waits until everything is heard.
    pub(super) async fn hearing(&self) {
        // The sender is here.
        let _ = self.told.subscribe().wait_for(|hearing| *hearing).await;
    }

    /// Everything is heard since `asked`, unless `session` has ended already.
    fn begin(&self, session: &Session, asked: Instant) -> bool {
        let mut hearing = self.hearing.lock();
        if session.over.load(Ordering::SeqCst) {
            return false;
        }
        *hearing = true;
        self.listeners.tell(&Notice::Connected);
        self.lease.renew(asked);
        self.told.send_replace(true);
        true
    }

    /// Something may go unheard from now on. Only the first call for a session counts.
    fn end(&self, session: &Session) {
        let mut hearing = self.hearing.lock();
        if !session.over.swap(true, Ordering::SeqCst) && *hearing {
            *hearing = false;
            self.told.send_replace(false);
            self.listeners.tell(&Notice::Disconnected);
        }
        session.ended.notify_one();
    }

    /// Redis has emptied itself: what was mirrored is gone.
    fn forget(&self) {
        let hearing = self.hearing.lock();
        if *hearing {
            self.listeners.tell(&Notice::Disconnected);
            self.listeners.tell(&Notice::Connected);
        }
    }
}

/// The connections from when they are made until the first of them fails.
#[derive(Default)]
struct Session {
    over: AtomicBool,
    ended: Notify,
}

/// The task that makes the connections.
pub(super) struct Listening {
    pub(super) subscribers: Arc<Subscribers>,
    pub(super) dialer: Arc<Dialer>,
    pub(super) keys: Keys,
    pub(super) masters: watch::Receiver<Vec<Address>>,
}

impl Listening {
    /// Listens, for as long as it is polled.
    pub(super) async fn keep(mut self) {
        let mut backoff = Backoff::new();
        let mut told = true;
        loop {
            let Ok(masters) =
                self.masters.wait_for(|masters| !masters.is_empty()).await.map(|all| all.clone())
            else {
                return;
            };
            let session = Arc::new(Session::default());
            let asked = Instant::now();
            let reason = match self.tune_in(&masters, &session).await {
                Ok(connections) if self.subscribers.begin(&session, asked) => {
                    backoff = Backoff::new();
                    if !told {
                        tracing::info!("changes that others make to the store are heard again");
                    }
                    told = false;
                    self.attend(&masters, &session, connections).await
                }
                Ok(_) => away("the connection was lost"),
                Err(error) => error,
            };
            self.subscribers.end(&session);
            if !told {
                tracing::warn!(store.reason = %reason, "changes that others make to the store go unheard");
                told = true;
            }
            sleep(backoff.next()).await;
        }
    }

    /// A connection to each master, on which everything is told.
    async fn tune_in(
        &self,
        masters: &[Address],
        session: &Arc<Session>,
    ) -> Result<Vec<Connection>, StoreError> {
        let connections = masters.iter().enumerate().map(async |(index, master)| {
            let push = self.push_sender(session);
            // An answer that takes long costs look-ups; the connection, and what was mirrored by it, is good all the same.
            let patience = self.dialer.timeout.max(3 * LEASE);
            let config = self.dialer.config().set_response_timeout(Some(patience)).set_push_sender(push);
            let mut connection = self.dialer.dial(master, config).await?;
            self.dialer.check_master(&mut connection).await?;
            let mut tracking = redis::cmd("CLIENT");
            tracking.arg("TRACKING").arg("ON").arg("BCAST");
            for space in Space::ALL.into_iter().filter(|space| space.is_tracked()) {
                tracking.arg("PREFIX").arg(self.keys.space(space));
            }
            tracking.exec_async(&mut connection).await.map_err(unanswered)?;
            if index == 0 {
                // A cluster passes messages on to all its nodes.
                connection.subscribe(self.keys.messages()).await.map_err(unanswered)?;
            }
            Ok(connection)
        });
        try_join_all(connections).await
    }

    fn push_sender(
        &self,
        session: &Arc<Session>,
    ) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + use<> {
        let (subscribers, session, keys) =
            (Arc::clone(&self.subscribers), Arc::clone(session), self.keys.clone());
        move |push| {
            match (push.kind, &push.data[..]) {
                (PushKind::Invalidate, [Value::Array(changed)]) => {
                    for (space, key) in changed.iter().filter_map(|key| keys.tracked(text(key)?)) {
                        subscribers.listeners.changed(space, &key);
                    }
                }
                (PushKind::Invalidate, _) => subscribers.forget(),
                (PushKind::Message, [_, Value::BulkString(payload)]) => {
                    subscribers.listeners.tell(&Notice::Message(payload));
                }
                (PushKind::Disconnection, _) => subscribers.end(&session),
                _ => {}
            }
            Ok(())
        }
    }

    /// Ends when something may go unheard; says why.
    async fn attend(
        &mut self,
        masters: &[Address],
        session: &Session,
        mut connections: Vec<Connection>,
    ) -> StoreError {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut number = 0;
        loop {
            tokio::select! {
                () = session.ended.notified() => return away("the connection was lost"),
                changed = self.masters.changed() => {
                    if changed.is_err() || *self.masters.borrow() != masters {
                        return away("the masters have changed");
                    }
                }
                _ = pings.tick() => {
                    number += 1;
                    let asked = Instant::now();
                    let asking = self.ask(&mut connections, number % CHECK_EVERY == 0);
                    tokio::select! {
                        () = session.ended.notified() => return away("the connection was lost"),
                        answered = asking => match answered {
                            Ok(()) => self.subscribers.heard_all(session, asked),
                            Err(error) => return error,
                        }
                    }
                }
            }
        }
    }

    /// Done when all nodes have answered; `fully`: they are masters still.
    async fn ask(&self, connections: &mut [Connection], fully: bool) -> Result<(), StoreError> {
        let asked = connections.iter_mut().map(async |connection| {
            if fully {
                return self.dialer.check_master(connection).await;
            }
            redis::cmd("PING").exec_async(connection).await.map_err(unanswered)
        });
        join_all(asked).await.into_iter().collect()
    }
}
