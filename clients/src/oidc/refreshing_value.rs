//! Something read from a provider and held: asked for once whoever waits, anew when it is old, and not at once again
//! when that fails.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::OidcError;

/// How long things are held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holding {
    /// So long it is not asked about.
    pub(super) fresh: Duration,
    /// So long it is used when asking fails.
    pub(super) usable: Duration,
    /// So long after a failure nobody asks again.
    pub(super) failed: Duration,
    /// [`RefreshingValue::newer`] asks at most once in so long.
    pub(super) anew: Duration,
}

pub(super) struct RefreshingValue<T> {
    holding: Holding,
    now: ArcSwapOption<Copy<T>>,
    /// Whose turn it is to ask.
    turn: Mutex<Turn>,
}

struct Copy<T> {
    value: Arc<T>,
    read: Instant,
}

#[derive(Default)]
struct Turn {
    failed: Option<(Instant, OidcError)>,
    anew: Option<Instant>,
}

impl<T> RefreshingValue<T> {
    pub(super) fn new(holding: Holding) -> Self {
        Self { holding, now: ArcSwapOption::empty(), turn: Mutex::default() }
    }

    /// What is held if it is fresh, else what `read` answers (which begins only then), else what is held if it is usable still. Those who
    /// come meanwhile wait for that one answer.
    pub(super) async fn get(
        &self,
        read: impl Future<Output = Result<T, OidcError>> + Send,
    ) -> Result<Arc<T>, OidcError> {
        if let Some(fresh) = self.younger_than(self.holding.fresh) {
            return Ok(fresh);
        }
        let mut turn = self.turn.lock().await;
        if let Some(fresh) = self.younger_than(self.holding.fresh) {
            return Ok(fresh);
        }
        let outcome = match turn.remembered(self.holding.failed) {
            Some(error) => Err(error),
            None => self.read(&mut turn, read).await,
        };
        outcome.or_else(|error| self.younger_than(self.holding.usable).ok_or(error))
    }

    /// What `read` answers, because what is held, `seen`, turned out to be too old. `seen` again, when that was
    /// asked a moment ago.
    pub(super) async fn newer(
        &self,
        seen: Arc<T>,
        read: impl Future<Output = Result<T, OidcError>> + Send,
    ) -> Result<Arc<T>, OidcError> {
        let mut turn = self.turn.lock().await;
        if let Some(now) = self.now.load_full().filter(|now| !Arc::ptr_eq(&now.value, &seen)) {
            return Ok(Arc::clone(&now.value));
        }
        if turn.anew.is_some_and(|asked| asked.elapsed() < self.holding.anew) {
            return Ok(seen);
        }
        turn.anew = Some(Instant::now());
        self.read(&mut turn, read).await
    }

    async fn read(
        &self,
        turn: &mut Turn,
        read: impl Future<Output = Result<T, OidcError>> + Send,
    ) -> Result<Arc<T>, OidcError> {
        let asked = Instant::now();
        match read.await {
            Ok(value) => {
                turn.failed = None;
                let value = Arc::new(value);
                self.now.store(Some(Arc::new(Copy { value: Arc::clone(&value), read: asked })));
                Ok(value)
            }
            Err(error) => {
                turn.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        let now = self.now.load();
        now.as_ref().filter(|now| now.read.elapsed() < age).map(|now| Arc::clone(&now.value))
    }
}

impl Turn {
    fn remembered(&self, failed: Duration) -> Option<OidcError> {
        let (_, error) = self.failed.as_ref().filter(|(at, _)| at.elapsed() < failed)?;
        Some(error.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const NOT_AT_ALL: Duration = Duration::ZERO;

    fn held(fresh: Duration, usable: Duration, failed: Duration, anew: Duration) -> RefreshingValue<usize> {
        RefreshingValue::new(Holding { fresh, usable, failed, anew })
    }

    async fn fail() -> Result<usize, OidcError> {
        Err(OidcError::Timeout)
    }

    #[tokio::test]
    async fn those_who_come_together_ask_once() {
        let held = held(LONG, LONG, LONG, LONG);
        let asked = AtomicUsize::new(0);
        let ask = || {
            held.get(async {
                tokio::task::yield_now().await;
                Ok(asked.fetch_add(1, Ordering::Relaxed))
            })
        };
        let (a, b, c) = tokio::join!(ask(), ask(), ask());
        for answer in [a, b, c] {
            assert_eq!(*answer.expect("an answer"), 0);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_is_remembered_and_shared() {
        let shortly = held(LONG, LONG, LONG, LONG);
        assert!(matches!(shortly.get(fail()).await, Err(OidcError::Timeout)));
        let error = shortly.get(async { unreachable!("nobody asks again so soon") }).await;
        assert!(matches!(error, Err(OidcError::Timeout)));
        let not_remembered = held(LONG, LONG, NOT_AT_ALL, LONG);
        assert!(not_remembered.get(fail()).await.is_err());
        assert_eq!(*not_remembered.get(async { Ok(7) }).await.expect("it is back"), 7);
    }

    #[tokio::test]
    async fn what_is_old_stands_in_while_asking_fails() {
        let old = held(NOT_AT_ALL, LONG, NOT_AT_ALL, LONG);
        assert_eq!(*old.get(async { Ok(1) }).await.expect("read"), 1);
        assert_eq!(*old.get(fail()).await.expect("the old one"), 1);
        assert_eq!(*old.get(async { Ok(2) }).await.expect("read anew"), 2);
        let too_old = held(NOT_AT_ALL, NOT_AT_ALL, NOT_AT_ALL, LONG);
        assert!(too_old.get(async { Ok(1) }).await.is_ok());
        assert!(too_old.get(fail()).await.is_err());
    }

    #[tokio::test]
    async fn asking_anew_is_rare() {
        let rare = held(LONG, LONG, NOT_AT_ALL, LONG);
        let first = rare.get(async { Ok(1) }).await.expect("read");
        let second = rare.newer(Arc::clone(&first), async { Ok(2) }).await.expect("read anew");
        assert_eq!(*second, 2);
        // Somebody who still has the first one gets what is held by now.
        assert_eq!(*rare.newer(first, async { unreachable!("it is there") }).await.expect("held"), 2);
        let again = rare.newer(Arc::clone(&second), async { unreachable!("not so soon") }).await;
        assert!(Arc::ptr_eq(&again.expect("held"), &second));
        let often = held(LONG, LONG, NOT_AT_ALL, NOT_AT_ALL);
        let first = often.get(async { Ok(1) }).await.expect("read");
        assert!(often.newer(first, fail()).await.is_err(), "whether there is a newer one is unknown");
    }
}
