//! Whether somebody is still signed in on a connection, asked before anything is told on it.
//!
//! As long as the store tells of endings, memory answers. Where it does not, or has only just begun to again, memory
//! knows nothing (see `identity`), and the store is asked: ten thousand connections must not do so all at once, so that
//! there is room for a few looks at a time, and one that finds the store away answers those that wait for room.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::Instant};

use super::inbox::End;
use crate::{
    identity::{SessionKey, Sessions},
    telemetry::unix_ms,
};

/// Looks at the store at a time, over all connections.
const ROOM: usize = 64;

/// The looks of all connections.
#[derive(Debug)]
pub(super) struct Looks {
    room: Semaphore,
    /// When the store last left a look unanswered.
    unanswered: Mutex<Option<Instant>>,
}

impl Looks {
    pub(super) fn new() -> Self {
        Self { room: Semaphore::new(ROOM), unanswered: Mutex::new(None) }
    }

    /// Whether the session goes on, as the store has it. Waits for room and for the store; may be dropped. Does not extend
    /// the session: an open page is no sign of somebody before it.
    ///
    /// # Errors
    /// Why the connection ends. Its grace is over where the store is away: then requests are refused as well.
    pub(super) async fn look(&self, sessions: &Sessions, key: &SessionKey) -> Result<(), End> {
        let since = Instant::now();
        // Never closed, so never an error.
        let _room = self.room.acquire().await.map_err(|_| End::StoreAway)?;
        let just_away = self.unanswered.lock().is_some_and(|at| at >= since);
        if just_away && sessions.bridged(key).is_none() {
            return Err(End::StoreAway);
        }
        self.ask(sessions, key).await
    }

    /// The same where it is not urgent, because the session's grace goes on: without room nothing is asked.
    pub(super) async fn glance(&self, sessions: &Sessions, key: &SessionKey) -> Result<(), End> {
        match self.room.try_acquire() {
            Ok(_room) => self.ask(sessions, key).await,
            Err(_) => Ok(()),
        }
    }

    async fn ask(&self, sessions: &Sessions, key: &SessionKey) -> Result<(), End> {
        match sessions.find(key, unix_ms()).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(End::SignedOut),
            Err(_) => {
                *self.unanswered.lock() = Some(Instant::now());
                Err(End::StoreAway)
            }
        }
    }
}

/// How often a connection on which nothing is told looks at its session, so that it does not outlive the `grace` by
/// more than a fraction of it.
pub(super) fn interval(heartbeat: Duration, grace: Duration) -> Duration {
    const LEAST: Duration = Duration::from_millis(50);
    heartbeat.min((grace / 4).max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_comes_several_times_within_the_grace() {
        let ms = Duration::from_millis;
        assert_eq!(interval(ms(25_000), ms(30_000)), ms(7_500));
        assert_eq!(interval(ms(1_000), ms(30_000)), ms(1_000));
        assert_eq!(interval(ms(25_000), ms(0)), ms(50), "never a busy loop");
    }
}
