//! Attempts: begun before the service is asked, settled when it has answered.

use std::{net::IpAddr, sync::Arc, time::Duration};

use schemas::Id;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    Subject, ThrottleError, ThrottlePolicy, ThrottledBy,
    change::Change,
    counts::{Account, Counted, Counts, Held, Name},
    keyed_semaphore::{KeyedPermit, KeyedSemaphore},
};
use crate::{
    identity::Secrets,
    store::{Store, StoreError},
    telemetry::{Metrics, unix_ms},
};

/// What callers are told to wait when others were in flight for longer than they could wait here.
pub(super) const BUSY_RETRY: Duration = Duration::from_secs(1);

/// How often somebody who waits looks whether another replica has settled an attempt; this one's own are told.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Counts failed sign-ins. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SignInThrottle(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    counts: Counts,
    policy: ThrottlePolicy,
    metrics: Arc<Metrics>,
    /// An attempt of this process was settled.
    settled: Notify,
    pub(super) turns: Arc<KeyedSemaphore>,
}

/// An attempt under way. How it ends must be told; dropped untold it stays counted as tried for a while.
#[derive(Debug)]
#[must_use = "an attempt that is not settled stays counted"]
pub struct Attempt {
    throttle: SignInThrottle,
    account: Held,
    address: Held,
    /// What somebody signs in by.
    name: Option<Name>,
    /// The place of the account that it counted for until the service had named another; where it has named none, a place
    /// of nobody's account. Given back with the others and not before.
    before: Option<Held>,
    _turns: [KeyedPermit; 2],
}

/// What comes of trying to reserve a place.
enum Reserved {
    Both(Box<(Held, Held)>),
    Full {
        by: ThrottledBy,
        until_ms: u64,
    },
    /// There will be room if those in flight do not fail.
    Busy(ThrottledBy),
}

impl SignInThrottle {
    /// Counts in `store`, under keys derived from `secrets`: when their first one is replaced, counts begin anew.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        secrets: Arc<Secrets>,
        policy: ThrottlePolicy,
        metrics: Arc<Metrics>,
    ) -> Self {
        let counts = Counts::new(store, secrets, policy.window, policy.life);
        Self(Arc::new(Inner { counts, policy, metrics, settled: Notify::new(), turns: Arc::default() }))
    }

    /// Counts an attempt of `subject` from `address`, before its password is looked at. To be called by what runs on
    /// to its end when the caller hangs up. Where others in flight leave no room, it waits for them for at most
    /// [`ThrottlePolicy::patience`].
    ///
    /// # Errors
    /// [`ThrottleError::TooMany`], also for the right password; [`ThrottleError::Store`].
    pub async fn begin(&self, subject: Subject<'_>, address: IpAddr) -> Result<Attempt, ThrottleError> {
        let Inner { counts, policy, settled, .. } = &*self.0;
        let account = counts.of_account(subject, policy.account_failures);
        let address = counts.of_address(subject, address, policy.address_failures);
        let until = Instant::now() + policy.patience;
        // In this order everywhere, so that nobody who holds the one waits for somebody who waits for it.
        let turns = [
            self.turn(ThrottledBy::Account, account.key(), policy.account_failures, until).await?,
            self.turn(ThrottledBy::Address, address.key(), policy.address_failures, until).await?,
        ];
        loop {
            // Made before counting: what is settled from here on wakes it.
            let settled = settled.notified();
            match self.reserve(&account, &address).await? {
                Reserved::Both(both) => {
                    let (held, address) = *both;
                    let (throttle, name) = (self.clone(), account.into_name());
                    return Ok(Attempt {
                        throttle,
                        account: held,
                        address,
                        name,
                        before: None,
                        _turns: turns,
                    });
                }
                Reserved::Full { by, until_ms } => {
                    let retry_after = Duration::from_millis(until_ms.saturating_sub(unix_ms()));
                    return Err(self.too_many(by, retry_after));
                }
                Reserved::Busy(by) if Instant::now() >= until => {
                    return Err(self.too_many(by, BUSY_RETRY));
                }
                Reserved::Busy(_) => {
                    tokio::select! {
                        () = settled => {}
                        () = sleep(LOOK_AGAIN) => {}
                    }
                }
            }
        }
    }

    async fn turn(
        &self,
        by: ThrottledBy,
        key: &[u8],
        limit: u32,
        until: Instant,
    ) -> Result<KeyedPermit, ThrottleError> {
        let turn = self.0.turns.take(key, limit, until).await;
        turn.ok_or_else(|| self.too_many(by, BUSY_RETRY))
    }

    fn too_many(&self, by: ThrottledBy, retry_after: Duration) -> ThrottleError {
        self.0.metrics.sign_in_throttled(by.as_str());
        ThrottleError::TooMany { by, retry_after }
    }

    async fn reserve(&self, account: &Account, address: &Counted) -> Result<Reserved, StoreError> {
        let counts = &self.0.counts;
        let (account, address) = match tokio::join!(counts.hold_account(account), counts.hold(address)) {
            (Ok(account), Ok(address)) => (account, address),
            (Ok(held), Err(error)) | (Err(error), Ok(held)) => {
                counts.make([], held.back()).await;
                return Err(error);
            }
            (Err(error), Err(_)) => return Err(error),
        };
        let both = [&account, &address];
        // Where both are full, the one that stays so for longer decides.
        let full = both.into_iter().filter(|held| held.is_full()).max_by_key(|held| held.failed_until_ms);
        let busy = || both.into_iter().find(|held| held.is_busy()).map(|held| Reserved::Busy(held.by));
        let refused = match full {
            Some(held) => Some(Reserved::Full { by: held.by, until_ms: held.failed_until_ms }),
            None => busy(),
        };
        let Some(refused) = refused else { return Ok(Reserved::Both(Box::new((account, address)))) };
        counts.make([], account.back().chain(address.back())).await;
        Ok(refused)
    }
}

impl Attempt {
    /// The password was looked at, and the service has named `member`, whether it was right or not. From now on the attempt
    /// counts for that member, by whatever name it was made; where others in flight leave the member no room, it waits for
    /// them as [`SignInThrottle::begin`] does.
    ///
    /// # Errors
    /// [`ThrottleError::TooMany`], also for the right password: nobody may learn whether it was.
    pub async fn of(mut self, member: Option<&Id>) -> Result<Self, ThrottleError> {
        let Some(name) = &self.name else { return Ok(self) };
        let throttle = self.throttle.clone();
        let Inner { counts, policy, settled, .. } = &*throttle.0;
        // Whether there is a member or not, as much is derived, noted and held: it would tell the two apart otherwise.
        let (named, nobody) = (counts.of_member(member, policy.account_failures), counts.stand_in(name));
        let moves = member.is_some() && named.mac != self.account.mac;
        let (noted, other) = if moves { (named.mac, &named) } else { (self.account.mac, &nobody) };
        let until = Instant::now() + policy.patience;
        let ((), mut held) = tokio::join!(counts.note(name, noted), counts.hold(other));
        loop {
            // Made before it is looked at: what is settled from here on wakes it.
            let woken = settled.notified();
            let place = match held {
                Ok(place) => place,
                Err(error) => {
                    self.settle([]).await;
                    return Err(error.into());
                }
            };
            if !moves {
                self.before = Some(place);
                return Ok(self);
            }
            if !place.is_full() && !place.is_busy() {
                self.before = Some(self.account.move_to(place));
                return Ok(self);
            }
            let retry_after = if place.is_full() {
                Some(Duration::from_millis(place.failed_until_ms.saturating_sub(unix_ms())))
            } else {
                (Instant::now() >= until).then_some(BUSY_RETRY)
            };
            counts.make([], place.back()).await;
            if let Some(retry_after) = retry_after {
                self.settle([]).await;
                return Err(throttle.too_many(ThrottledBy::Account, retry_after));
            }
            tokio::select! {
                () = woken => {}
                () = sleep(LOOK_AGAIN) => {}
            }
            held = counts.hold(other).await;
        }
    }

    /// The password or the code was wrong, or nobody has that name.
    pub async fn failed(self) {
        self.settle([self.account.failure(), self.address.failure()]).await;
    }

    /// It was right: the account's failures before it are forgotten.
    pub async fn succeeded(self) {
        self.settle([self.account.pardon()]).await;
    }

    /// Nothing was decided: the service that knows did not answer, or a second step is needed.
    pub async fn undecided(self) {
        self.settle([]).await;
    }

    async fn settle<const N: usize>(&self, outcome: [Change; N]) {
        let Inner { counts, settled, .. } = &*self.throttle.0;
        let held = [&self.account, &self.address].into_iter().chain(&self.before);
        counts.make(outcome, held.flat_map(Held::back)).await;
        settled.notify_waiters();
    }
}
