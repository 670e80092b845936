//! The counts in the store: their keys, and the order in which they are read and written.
//!
//! ```text
//! sign-in:{login|member|address}:failed:{MAC}          failures; the window begins with the first one
//! sign-in:{login|member|address}:tried:{MAC}{round}    attempts in flight that began in that round
//! ```
//!
//! The MAC is the first 128 bits of HMAC-SHA256 over the name: whoever reads the store learns no login.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use super::{Subject, ThrottledBy};
use crate::{
    identity::Secrets,
    store::{Space, Store, StoreError},
    telemetry::unix_ms,
};

/// What the keys are derived for.
const LABEL: &str = "sign-in-throttle";

/// Attempts are counted as tried by the round in which they begin, and looked for in the present round and the one
/// before: for 20 s at least, which is twice what the call that decides them may take, and for 40 s at most. So an
/// attempt that is never settled (its process was killed, the store went away) fails closed, and shuts nobody out
/// long after an outage.
const ROUND: Duration = Duration::from_secs(20);

pub(super) struct Counts {
    store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
    window: Duration,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("window", &self.window).finish_non_exhaustive()
    }
}

/// An account or an address, by the keys of its counts.
pub(super) struct Counted {
    by: ThrottledBy,
    limit: u32,
    failed: Vec<u8>,
    /// The round is still missing.
    tried: Vec<u8>,
}

impl Counted {
    fn tried_in(&self, round: u64) -> Vec<u8> {
        [&self.tried[..], &round.to_be_bytes()].concat()
    }
}

/// A place among those tried, and what was counted when it was taken.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) by: ThrottledBy,
    limit: u64,
    failed_key: Vec<u8>,
    tried_key: Vec<u8>,
    failed: u64,
    pub(super) failed_until_ms: u64,
    /// With itself.
    tried: u64,
}

impl Held {
    /// As many have failed as may fail.
    pub(super) fn is_full(&self) -> bool {
        self.failed >= self.limit
    }

    /// More than may fail would have failed if all in flight did.
    pub(super) fn is_busy(&self) -> bool {
        self.failed + self.tried > self.limit
    }
}

impl Counts {
    pub(super) fn new(store: Arc<dyn Store>, secrets: Arc<Secrets>, window: Duration) -> Self {
        Self { store, secrets, window }
    }

    pub(super) fn of_account(&self, subject: Subject<'_>, limit: u32) -> Counted {
        match subject {
            Subject::Login(login) => {
                let normal = login.trim().to_lowercase();
                self.counted(ThrottledBy::Account, limit, "login", normal.as_bytes())
            }
            Subject::Member(member) => {
                self.counted(ThrottledBy::Account, limit, "member", member.as_str().as_bytes())
            }
        }
    }

    /// IPv4 by address; IPv6 by /64, which is the least that a site is given (RFC 6177): it may use any address in
    /// it.
    pub(super) fn of_address(&self, address: IpAddr, limit: u32) -> Counted {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.counted(ThrottledBy::Address, limit, "address", &v4.octets()),
            IpAddr::V6(v6) => self.counted(ThrottledBy::Address, limit, "address", &v6.octets()[..8]),
        }
    }

    fn counted(&self, by: ThrottledBy, limit: u32, kind: &str, name: &[u8]) -> Counted {
        let keys = self.secrets.keys(LABEL);
        let mac = keys.first().map(|key| key.mac(&[kind.as_bytes(), &[0], name])).unwrap_or_default();
        let key = |count: &str| [format!("sign-in:{kind}:{count}:").as_bytes(), &mac[..16]].concat();
        Counted { by, limit, failed: key("failed"), tried: key("tried") }
    }

    /// Counts one as tried, then looks at what else is counted.
    pub(super) async fn hold(&self, counted: &Counted) -> Result<Held, StoreError> {
        let round = round_of(unix_ms());
        let tried_key = counted.tried_in(round);
        let before_key = counted.tried_in(round.saturating_sub(1));
        let (tried, before) = tokio::join!(self.add_tried(&tried_key, 1), self.add_tried(&before_key, 0));
        let held = Held {
            by: counted.by,
            limit: counted.limit.into(),
            failed_key: counted.failed.clone(),
            tried_key,
            failed: 0,
            failed_until_ms: 0,
            tried: tried?,
        };
        // After the others: an attempt that ends between the two looks is seen in one of them at least.
        match (before, self.add_failed(&held.failed_key, 0).await) {
            (Ok(before), Ok((failed, failed_until_ms))) => {
                Ok(Held { failed, failed_until_ms, tried: held.tried + before, ..held })
            }
            (Err(error), _) | (_, Err(error)) => {
                self.give_back(&held).await;
                Err(error)
            }
        }
    }

    /// No longer tried. Where the store does not hear it, the count runs out by itself.
    pub(super) async fn give_back(&self, held: &Held) {
        report(self.add_tried(&held.tried_key, -1).await);
    }

    pub(super) async fn fail(&self, held: &Held) -> Result<(), StoreError> {
        self.add_failed(&held.failed_key, 1).await.map(|_| ())
    }

    /// Takes away the failures that were there when the place was taken.
    pub(super) async fn forgive(&self, held: &Held) {
        if let Ok(failed @ 1..) = i64::try_from(held.failed) {
            report(self.add_failed(&held.failed_key, -failed).await);
        }
    }

    async fn add_tried(&self, key: &[u8], delta: i64) -> Result<u64, StoreError> {
        Ok(self.store.add(Space::Counters, key, delta, 2 * ROUND).await?.0)
    }

    /// The count, and when it ends in unix milliseconds.
    async fn add_failed(&self, key: &[u8], delta: i64) -> Result<(u64, u64), StoreError> {
        self.store.add(Space::Counters, key, delta, self.window).await
    }
}

fn round_of(now_ms: u64) -> u64 {
    now_ms / u64::try_from(ROUND.as_millis()).unwrap_or(u64::MAX)
}

/// For the log: the attempt goes on whether it was counted in the end or not.
pub(super) fn report<T>(counted: Result<T, StoreError>) {
    if let Err(error) = counted {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an attempt to sign in is not counted to its end"
        );
    }
}
