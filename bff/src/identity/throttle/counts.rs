//! The counts in the store: their keys, and the order in which they are read and written.
//!
//! ```text
//! sign-in:{login|member|address}:failed:{MAC}          failures; the window begins with the first one
//! sign-in:{login|member|address}:tried:{MAC}{life}{round}    attempts in flight that began in that round
//! sign-in:name:{MAC}                                   the member's MAC, where it is known whose name it is
//! ```
//!
//! The MAC is the first 128 bits of HMAC-SHA256 over the name: whoever reads the store learns no login.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use schemas::Id;
use tokio::time::{Instant, sleep};

use super::{Subject, ThrottledBy};
use crate::{
    identity::Secrets,
    store::{Entry, Space, Store, StoreError},
    telemetry::unix_ms,
};

/// What the keys are derived for.
const LABEL: &str = "sign-in-throttle";

/// Attempts are counted as tried by the round in which they begin, and looked for in the present round and the one
/// before: for 20 s at least, which is twice what the call that decides them may take, and for 40 s at most. So an
/// attempt that is never settled, because its process was killed, fails closed and shuts nobody out for long.
const ROUND: Duration = Duration::from_secs(20);

/// How long it is remembered whose name a name is. Longer than people stay away; a name that changes hands is found out
/// at the next attempt.
const NAME_LIVES: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often counts that a store did not take because it was away are told to it again.
const TELL_AGAIN: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(super) struct Counts {
    store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
    window: Duration,
    life: u64,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("window", &self.window).finish_non_exhaustive()
    }
}

/// The MAC of a name, of a member or of an address.
type Mac = [u8; 16];

/// A name that somebody signs in by, and what is known of it.
#[derive(Debug)]
pub(super) struct Name {
    key: Vec<u8>,
    /// Whose name it was when it was last tried.
    member: Option<Mac>,
}

/// An account or an address, by the keys of its counts.
pub(super) struct Counted {
    by: ThrottledBy,
    limit: u32,
    mac: Mac,
    failed: Vec<u8>,
    /// The round is still missing.
    tried: Vec<u8>,
}

impl Counted {
    pub(super) fn by(&self) -> ThrottledBy {
        self.by
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// No two counts have the same.
    pub(super) fn key(&self) -> &[u8] {
        &self.failed
    }

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

/// A count to be changed.
#[derive(Debug)]
pub(super) struct Change {
    of: Of,
    key: Vec<u8>,
    delta: i64,
}

#[derive(Debug)]
enum Of {
    Failed,
    Tried,
}

impl Held {
    /// One more has failed.
    pub(super) fn failure(&self) -> Change {
        Change { of: Of::Failed, key: self.failed_key.clone(), delta: 1 }
    }

    /// As many as had failed when the place was taken have not. What has failed since was somebody's guess.
    pub(super) fn pardon(&self) -> Change {
        let delta = i64::try_from(self.failed).map_or(i64::MIN, |failed| -failed);
        Change { of: Of::Failed, key: self.failed_key.clone(), delta }
    }

    /// It is no longer tried.
    pub(super) fn back(&self) -> Change {
        Change { of: Of::Tried, key: self.tried_key.clone(), delta: -1 }
    }

    /// Whether it is a place among those of `counted`.
    pub(super) fn is_of(&self, counted: &Counted) -> bool {
        self.failed_key == counted.failed
    }

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
    pub(super) fn new(store: Arc<dyn Store>, secrets: Arc<Secrets>, window: Duration, life: u64) -> Self {
        Self { store, secrets, window, life }
    }

    /// Whose attempts count with those of `subject`, and the name that it goes by. A name counts for the member whose it
    /// is, where that is known, else for itself.
    pub(super) async fn of_account(
        &self,
        subject: Subject<'_>,
        limit: u32,
    ) -> Result<(Counted, Option<Name>), StoreError> {
        let login = match subject {
            Subject::Login(login) => login.trim().to_lowercase(),
            Subject::Member(member) => return Ok((self.of_member(member, limit), None)),
        };
        let mac = self.mac("login", login.as_bytes());
        let key = [&b"sign-in:name:"[..], &mac].concat();
        let known = self.store.get(Space::Counters, &key).await?;
        let member = known.and_then(|record| Mac::try_from(&record.value[..]).ok());
        let counted = match member {
            Some(member) => self.keyed(ThrottledBy::Account, limit, "member", member),
            None => self.keyed(ThrottledBy::Account, limit, "login", mac),
        };
        Ok((counted, Some(Name { key, member })))
    }

    /// A member's count: of all names, and of the codes.
    pub(super) fn of_member(&self, member: &Id, limit: u32) -> Counted {
        self.counted(ThrottledBy::Account, limit, "member", member.as_str().as_bytes())
    }

    /// Notes that `name` is that of `member`, or that nobody has said whose it is. Written each time, and for everybody,
    /// so that how long an attempt takes tells nothing. Where the store does not take it, it is found out again.
    pub(super) async fn note(&self, name: &Name, member: Option<&Counted>) {
        let known = member.map(|member| member.mac).or(name.member);
        let lives = if known.is_some() { NAME_LIVES } else { 2 * self.window };
        let lives_ms = u64::try_from(lives.as_millis()).unwrap_or(u64::MAX);
        let value = known.map_or_else(Bytes::new, |mac| Bytes::copy_from_slice(&mac));
        let entry = Entry { value, owner: None, expires_at_ms: unix_ms().saturating_add(lives_ms) };
        if let Err(error) = self.store.put(Space::Counters, &name.key, entry).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "whose name it is that somebody signs in by is not noted");
        }
    }

    /// Asks what [`Self::hold`] asks, and changes nothing: for those who hold a place already.
    pub(super) async fn look(&self, held: &Held) {
        let _ = tokio::join!(self.add_tried(&held.tried_key, 0), self.add_tried(&held.tried_key, 0));
        let _ = self.store.add(Space::Counters, &held.failed_key, 0, self.window).await;
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
        self.keyed(by, limit, kind, self.mac(kind, name))
    }

    fn mac(&self, kind: &str, name: &[u8]) -> Mac {
        let keys = self.secrets.keys(LABEL);
        let mac = keys.first().map(|key| key.mac(&[kind.as_bytes(), &[0], name])).unwrap_or_default();
        mac.first_chunk().copied().unwrap_or_default()
    }

    fn keyed(&self, by: ThrottledBy, limit: u32, kind: &str, mac: Mac) -> Counted {
        let key = |count: &str| [format!("sign-in:{kind}:{count}:").as_bytes(), &mac].concat();
        let tried = [&key("tried")[..], &self.life.to_be_bytes()].concat();
        Counted { by, limit, mac, failed: key("failed"), tried }
    }

    /// Counts one as tried, then looks at what else is counted.
    pub(super) async fn hold(&self, counted: &Counted) -> Result<Held, StoreError> {
        let round = round_of(unix_ms());
        let before_key = counted.tried_in(round.saturating_sub(1));
        let mut held = Held {
            by: counted.by,
            limit: counted.limit.into(),
            failed_key: counted.failed.clone(),
            tried_key: counted.tried_in(round),
            failed: 0,
            failed_until_ms: 0,
            tried: 0,
        };
        let (tried, before) =
            tokio::join!(self.add_tried(&held.tried_key, 1), self.add_tried(&before_key, 0));
        match tried {
            Ok(tried) => held.tried = tried,
            // What the store may have counted without saying so is taken for counted: were it not, one attempt more
            // would be tried beside others, and count as failed like them.
            Err(error @ StoreError::Unanswered { .. }) => {
                self.make([], [held.back()]).await;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        // After the others: an attempt that ends between the two looks is seen in one of them at least.
        let failed = self.store.add(Space::Counters, &held.failed_key, 0, self.window).await;
        match (before, failed) {
            (Ok(before), Ok((failed, failed_until_ms))) => {
                Ok(Held { failed, failed_until_ms, tried: held.tried + before, ..held })
            }
            (Err(error), _) | (_, Err(error)) => {
                self.make([], [held.back()]).await;
                Err(error)
            }
        }
    }

    /// Makes `first`, and then `then`. What a store does not take because it is away is told to it again behind, for
    /// as long as it would count.
    pub(super) async fn make<const F: usize, const T: usize>(&self, first: [Change; F], then: [Change; T]) {
        let (mut first, mut then) = (Vec::from(first), Vec::from(then));
        self.try_to_make(&mut first, &mut then).await;
        if first.is_empty() && then.is_empty() {
            return;
        }
        let counts = self.clone();
        tokio::spawn(async move {
            let until = Instant::now() + 2 * ROUND;
            while Instant::now() < until && !(first.is_empty() && then.is_empty()) {
                sleep(TELL_AGAIN).await;
                counts.try_to_make(&mut first, &mut then).await;
            }
        });
    }

    /// Leaves what is still to be made.
    async fn try_to_make(&self, first: &mut Vec<Change>, then: &mut Vec<Change>) {
        for changes in [first, then] {
            let made = join_all(changes.iter().map(|change| self.change(change))).await;
            let mut made = made.into_iter();
            changes.retain(|_| made.next() == Some(false));
            if !changes.is_empty() {
                return;
            }
        }
    }

    /// Whether there is nothing left to do for it.
    async fn change(&self, change: &Change) -> bool {
        if change.delta == 0 {
            return true;
        }
        let window = match change.of {
            Of::Failed => self.window,
            Of::Tried => 2 * ROUND,
        };
        match self.store.add(Space::Counters, &change.key, change.delta, window).await {
            Ok(_) => true,
            // Nothing has happened, and it may later.
            Err(StoreError::Away { .. } | StoreError::Reopening) => false,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "an attempt to sign in is not counted to its end");
                true
            }
        }
    }

    async fn add_tried(&self, key: &[u8], delta: i64) -> Result<u64, StoreError> {
        Ok(self.store.add(Space::Counters, key, delta, 2 * ROUND).await?.0)
    }
}

fn round_of(now_ms: u64) -> u64 {
    now_ms / u64::try_from(ROUND.as_millis()).unwrap_or(u64::MAX)
}
