//! Failed sign-ins: how many an account, and how many an address, may have within a window. Asked before a password
//! or a code is tried, told afterwards how that went. The counts are in the store, so that replicas share them,
//! under keys that name nobody.
//!
//! Each of the two has two counts: what has *failed* in the window, and what is being *tried* at the moment. An
//! attempt is counted as tried before its password is looked at, so that guesses sent side by side are no way past
//! the limit, and given back afterwards, so that sign-ins side by side lock nobody out:
//!
//! ```text
//! begin:     tried + 1, then read failed
//!            failed is at the limit -> refused until its window ends
//!            failed + tried is over it -> given back; tried again when one in flight was settled
//! failed:    failed + 1, then tried - 1 (in this order: whoever counts meanwhile sees it at least once)
//! succeeded: the account's failures are forgotten, tried - 1
//! undecided: tried - 1
//! ```
//!
//! An account is what the profile service says it is. A member has several names: user name, e-mail address, and whatever
//! spellings the service takes for the same. So an attempt is told, once its password was looked at, which member the
//! service has named ([`Attempt::of`]), and counts for that member from then on, together with all other names and with
//! one-time codes. Whose name it is is remembered, so that the next attempt counts for the member from its beginning. Until
//! the service has named somebody a name counts for itself.
//!
//! Nothing here tells whether an account exists: known and unknown ones go the same way, and ask the store as often.

mod counts;
#[cfg(test)]
mod tests;
mod turns;

use std::{net::IpAddr, sync::Arc, time::Duration};

use schemas::Id;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use self::{
    counts::{Change, Counted, Counts, Held, Name},
    turns::{Turn, Turns},
};
use super::Secrets;
use crate::{
    store::{Store, StoreError},
    telemetry::{Metrics, unix_ms},
};

/// What callers are told to wait when others were in flight for longer than they could wait here.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// How often somebody who waits looks whether another replica has settled an attempt; this one's own are told.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How many sign-ins may fail, and for how long they count.
#[derive(Debug, Clone, Copy)]
pub struct ThrottlePolicy {
    /// Failures for one account.
    pub account_failures: u32,
    /// Failures from one address: an IPv4 address, or a /64 of IPv6.
    pub address_failures: u32,
    /// From the first failure on.
    pub window: Duration,
    /// How long an attempt waits for others in flight that leave no room for it.
    pub patience: Duration,
    /// Attempts in flight count only among those of the same life: 0 over a store that replicas share. Elsewhere each
    /// start of the process is one of its own, or those that it was killed in the middle of would be in the way of
    /// people who sign in.
    pub life: u64,
}

impl Default for ThrottlePolicy {
    fn default() -> Self {
        Self {
            account_failures: 5,
            address_failures: 20,
            window: Duration::from_secs(15 * 60),
            patience: Duration::from_secs(5),
            life: 0,
        }
    }
}

/// Whose password or code is tried.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Whoever signs in by this name: there may be nobody.
    Login(&'a str),
    /// A member who is signed in and has to confirm it.
    Member(&'a Id),
}

/// Which count refuses an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottledBy {
    Account,
    Address,
}

impl ThrottledBy {
    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
        }
    }
}

/// Why an attempt may not be made.
#[derive(Debug, thiserror::Error)]
pub enum ThrottleError {
    /// Too many have failed. Whether the password is right is not looked at.
    #[error("too many attempts")]
    TooMany { by: ThrottledBy, retry_after: Duration },
    /// Who cannot be counted is not let in.
    #[error("attempts cannot be counted")]
    Store(#[from] StoreError),
}

/// Counts failed sign-ins. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SignInThrottle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    counts: Counts,
    policy: ThrottlePolicy,
    metrics: Arc<Metrics>,
    /// An attempt of this process was settled.
    settled: Notify,
    turns: Arc<Turns>,
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
    /// The name's own place, where the attempt counts for a member by now. Given back with the others and not before: that
    /// would take time that attempts by names which nobody has do not take.
    before: Option<Held>,
    _turns: [Turn; 2],
}

/// What comes of trying to reserve a place.
enum Reserved {
    Both(Held, Held),
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
        let (account, name) = counts.of_account(subject, policy.account_failures).await?;
        let address = counts.of_address(address, policy.address_failures);
        let until = Instant::now() + policy.patience;
        // In this order everywhere, so that nobody who holds the one waits for somebody who waits for it.
        let turns = [self.turn(&account, until).await?, self.turn(&address, until).await?];
        loop {
            // Made before counting: what is settled from here on wakes it.
            let settled = settled.notified();
            match self.reserve(&account, &address).await? {
                Reserved::Both(account, address) => {
                    let throttle = self.clone();
                    return Ok(Attempt { throttle, account, address, name, before: None, _turns: turns });
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

    async fn turn(&self, counted: &Counted, until: Instant) -> Result<Turn, ThrottleError> {
        let turn = self.0.turns.take(counted.key(), counted.limit(), until).await;
        turn.ok_or_else(|| self.too_many(counted.by(), BUSY_RETRY))
    }

    fn too_many(&self, by: ThrottledBy, retry_after: Duration) -> ThrottleError {
        self.0.metrics.sign_in_throttled(by.as_str());
        ThrottleError::TooMany { by, retry_after }
    }

    async fn reserve(&self, account: &Counted, address: &Counted) -> Result<Reserved, StoreError> {
        let counts = &self.0.counts;
        let (account, address) = match tokio::join!(counts.hold(account), counts.hold(address)) {
            (Ok(account), Ok(address)) => (account, address),
            (Ok(held), Err(error)) | (Err(error), Ok(held)) => {
                counts.make([], [held.back()]).await;
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
        let Some(refused) = refused else { return Ok(Reserved::Both(account, address)) };
        counts.make([], [account.back(), address.back()]).await;
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
        let member = member.map(|member| counts.of_member(member, policy.account_failures));
        let Some(member) = member.as_ref().filter(|member| !self.account.is_of(member)) else {
            // It counts for whom it should. As many questions as in the other case, or it would tell the two apart.
            tokio::join!(counts.note(name, None), counts.look(&self.account));
            return Ok(self);
        };
        let until = Instant::now() + policy.patience;
        let ((), held) = tokio::join!(counts.note(name, Some(member)), counts.hold(member));
        let mut held = held;
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
            if !place.is_full() && !place.is_busy() {
                self.before = Some(std::mem::replace(&mut self.account, place));
                return Ok(self);
            }
            let retry_after = if place.is_full() {
                Some(Duration::from_millis(place.failed_until_ms.saturating_sub(unix_ms())))
            } else {
                (Instant::now() >= until).then_some(BUSY_RETRY)
            };
            counts.make([], [place.back()]).await;
            if let Some(retry_after) = retry_after {
                self.settle([]).await;
                return Err(throttle.too_many(ThrottledBy::Account, retry_after));
            }
            tokio::select! {
                () = woken => {}
                () = sleep(LOOK_AGAIN) => {}
            }
            held = counts.hold(member).await;
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
        let (account, address) = (self.account.back(), self.address.back());
        match &self.before {
            Some(before) => counts.make(outcome, [account, address, before.back()]).await,
            None => counts.make(outcome, [account, address]).await,
        }
        settled.notify_waiters();
    }
}
