//! The counts in the store: their keys, and the order in which they are read and written.
//!
//! ```text
//! sign-in:{member|address}:failed:{MAC}                failures; the window begins with the first one
//! sign-in:{login|member|address}:tried:{MAC}{life}{round}    attempts in flight that began in that round
//! sign-in:{mail|link}[-address]:{failed|tried}:…      the same of mailed links, apart from sign-ins
//! sign-in:name:{MAC}                                   the MAC of the member whose name it is
//! ```
//!
//! The MAC is the first 128 bits of HMAC-SHA256 over the name: whoever reads the store learns no login. Where no member is
//! known to have a name, the name's own MAC stands in for the member's, in every key and in the record: the store does
//! the same work for both.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use schemas::Id;

use super::{
    Subject, ThrottledBy,
    change::{Change, Of},
};
use crate::{
    identity::Secrets,
    store::{Entry, Space, Store, StoreError},
    telemetry::unix_ms,
};

/// What the keys are derived for.
const LABEL: &str = "sign-in-throttle";

/// Attempts are counted as tried by the round in which they begin, and looked for in the present round and the one
/// before: for 19 s at least, which is nearly twice what the call that decides them may take, and for 40 s at most. So an
/// attempt that is never settled, because its process was killed, fails closed and shuts nobody out for long.
pub(super) const ROUND: Duration = Duration::from_secs(20);

/// For so long before a round ends, attempts are looked for in the next round and not in the one before: the clock of
/// another replica may be ahead, or this thread may stand still until the round is over.
const SKEW: Duration = Duration::from_secs(1);

/// How long it is remembered whose name a name is. Longer than people stay away; a name that changes hands is found out
/// at the next attempt.
const NAME_LIVES: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Clone)]
pub(super) struct Counts {
    pub(super) store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
    pub(super) window: Duration,
    life: u64,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("window", &self.window).finish_non_exhaustive()
    }
}

/// The MAC of a name, of a member or of an address.
pub(super) type Mac = [u8; 16];

/// Whose password or code is tried, before it is known which member that is.
pub(super) enum Account {
    Login(Name),
    Member(Counted),
}

impl Account {
    /// No two names and members have the same.
    pub(super) fn key(&self) -> &[u8] {
        match self {
            Self::Login(name) => &name.record,
            Self::Member(member) => member.key(),
        }
    }

    /// What somebody signs in by.
    pub(super) fn into_name(self) -> Option<Name> {
        match self {
            Self::Login(name) => Some(name),
            Self::Member(_) => None,
        }
    }
}

/// A name that somebody signs in by.
#[derive(Debug)]
pub(super) struct Name {
    limit: u32,
    mac: Mac,
    /// Where it is noted whose name it is.
    record: Vec<u8>,
    /// The round is still missing.
    tried: Vec<u8>,
}

/// An account or an address, by the keys of its counts.
pub(super) struct Counted {
    by: ThrottledBy,
    limit: u32,
    pub(super) mac: Mac,
    failed: Vec<u8>,
    /// The round is still missing.
    tried: Vec<u8>,
}

impl Counted {
    /// No two counts have the same.
    pub(super) fn key(&self) -> &[u8] {
        &self.failed
    }
}

/// A place among those tried, and what was counted when it was taken.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) by: ThrottledBy,
    limit: u64,
    /// Whose it is.
    pub(super) mac: Mac,
    failed_key: Vec<u8>,
    place: WaiterGuard,
    /// Among those by the same name, whoever has it.
    by_name: Option<WaiterGuard>,
    failed: u64,
    pub(super) failed_until_ms: u64,
}

/// An attempt that is counted as tried.
#[derive(Debug)]
struct WaiterGuard {
    key: Vec<u8>,
    /// How many are, with itself.
    tried: u64,
}

impl WaiterGuard {
    fn back(&self) -> Change {
        Change { of: Of::Tried, key: self.key.clone(), delta: -1 }
    }
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
    pub(super) fn back(&self) -> impl Iterator<Item = Change> {
        self.by_name.iter().chain([&self.place]).map(WaiterGuard::back)
    }

    /// From now on it is `place`, beside the same place of the name. The place that it was.
    pub(super) fn move_to(&mut self, place: Self) -> Self {
        let mut before = std::mem::replace(self, place);
        self.by_name = before.by_name.take();
        before
    }

    /// As many have failed as may fail.
    pub(super) fn is_full(&self) -> bool {
        self.failed >= self.limit
    }

    /// More than may fail would have failed if all in flight did.
    pub(super) fn is_busy(&self) -> bool {
        let by_name = self.by_name.as_ref().map_or(0, |place| place.tried);
        self.failed + self.place.tried.max(by_name) > self.limit
    }
}

impl Counts {
    pub(super) fn new(store: Arc<dyn Store>, secrets: Arc<Secrets>, window: Duration, life: u64) -> Self {
        Self { store, secrets, window, life }
    }

    pub(super) fn of_account(&self, subject: Subject<'_>, limit: u32) -> Account {
        let login = match subject {
            Subject::Login(login) => login.trim().to_lowercase(),
            Subject::Member(member) => return Account::Member(self.of_member(Some(member), limit)),
            Subject::Mail(address) => {
                let address = address.trim().to_lowercase();
                return Account::Member(self.counted(
                    ThrottledBy::Account,
                    limit,
                    "mail",
                    address.as_bytes(),
                ));
            }
            Subject::Link(token) => {
                return Account::Member(self.counted(ThrottledBy::Account, limit, "link", token.as_bytes()));
            }
        };
        let mac = self.mac("login", login.as_bytes());
        let record = [&b"sign-in:name:"[..], &mac].concat();
        Account::Login(Name { limit, mac, record, tried: self.tried_key("login", mac) })
    }

    /// A member's count: of all names, and of the codes. Without a member it is nobody's: no id is empty.
    pub(super) fn of_member(&self, member: Option<&Id>, limit: u32) -> Counted {
        self.counted(ThrottledBy::Account, limit, "member", member.map_or("", Id::as_str).as_bytes())
    }

    /// For attempts that count for whom they should already. Nobody's failures, and nothing else is counted there.
    pub(super) fn stand_in(&self, name: &Name) -> Counted {
        self.keyed(ThrottledBy::Account, name.limit, "nobody", name.mac)
    }

    /// Notes that `name` is that of `member`; the name's own MAC stands for nobody. Written each time, and for everybody, so that
    /// how long an attempt takes tells nothing. Where the store does not take it, it is found out again.
    pub(super) async fn note(&self, name: &Name, member: Mac) {
        let lives = if member == name.mac { 2 * self.window } else { NAME_LIVES };
        let lives_ms = u64::try_from(lives.as_millis()).unwrap_or(u64::MAX);
        let value = Bytes::copy_from_slice(&member);
        let entry = Entry { value, owner: None, expires_at_ms: unix_ms().saturating_add(lives_ms) };
        if let Err(error) = self.store.put(Space::Counters, &name.record, entry).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "whose name it is that somebody signs in by is not noted");
        }
    }

    /// IPv4 by address; IPv6 by /64, which is the least that a site is given (RFC 6177): it may use any address in
    /// it.
    pub(super) fn of_address(&self, subject: Subject<'_>, address: IpAddr, limit: u32) -> Counted {
        let kind = subject.address_kind();
        match address.to_canonical() {
            IpAddr::V4(v4) => self.counted(ThrottledBy::Address, limit, kind, &v4.octets()),
            IpAddr::V6(v6) => self.counted(ThrottledBy::Address, limit, kind, &v6.octets()[..8]),
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
        let failed = [format!("sign-in:{kind}:failed:").as_bytes(), &mac].concat();
        Counted { by, limit, mac, failed, tried: self.tried_key(kind, mac) }
    }

    fn tried_key(&self, kind: &str, mac: Mac) -> Vec<u8> {
        [format!("sign-in:{kind}:tried:").as_bytes(), &mac, &self.life.to_be_bytes()].concat()
    }

    /// Takes a place among those by the name, then finds out whose name it is, then holds a place of that member. In this
    /// order: whoever is asked about before it is noted whose name it is holds a place of the name all the while, and
    /// gives it back after the note. So an attempt sees them among those by the name, or counts for the member.
    pub(super) async fn hold_account(&self, account: &Account) -> Result<Held, StoreError> {
        let name = match account {
            Account::Member(member) => return self.hold(member).await,
            Account::Login(name) => name,
        };
        let by_name = self.take(&name.tried).await?;
        let held = async {
            let record = self.store.get(Space::Counters, &name.record).await?;
            let known = record.and_then(|record| Mac::try_from(&record.value[..]).ok());
            let mac = known.unwrap_or(name.mac);
            self.hold(&self.keyed(ThrottledBy::Account, name.limit, "member", mac)).await
        };
        match held.await {
            Ok(held) => Ok(Held { by_name: Some(by_name), ..held }),
            Err(error) => {
                self.make([], [by_name.back()]).await;
                Err(error)
            }
        }
    }

    /// Counts one as tried, then looks at what has failed. In this order: an attempt that ends between the two looks is
    /// seen in one of them at least.
    pub(super) async fn hold(&self, counted: &Counted) -> Result<Held, StoreError> {
        let place = self.take(&counted.tried).await?;
        match self.store.add(Space::Counters, &counted.failed, 0, self.window).await {
            Ok((failed, failed_until_ms)) => Ok(Held {
                by: counted.by,
                limit: counted.limit.into(),
                mac: counted.mac,
                failed_key: counted.failed.clone(),
                place,
                by_name: None,
                failed,
                failed_until_ms,
            }),
            Err(error) => {
                self.make([], [place.back()]).await;
                Err(error)
            }
        }
    }

    /// Counts one as tried, under `tried` and the present round.
    async fn take(&self, tried: &[u8]) -> Result<WaiterGuard, StoreError> {
        let (round, other) = rounds_at(unix_ms());
        let key_in = |round: u64| [tried, &round.to_be_bytes()].concat();
        let (key, other_key) = (key_in(round), key_in(other));
        let (own, other) = tokio::join!(self.add_tried(&key, 1), self.add_tried(&other_key, 0));
        let mut place = WaiterGuard { key, tried: 0 };
        match (own, other) {
            (Ok(own), Ok(other)) => {
                place.tried = own + other;
                Ok(place)
            }
            // What the store may have counted without saying so is taken for counted: were it not, one attempt more
            // would be tried beside others, and count as failed like them.
            (Err(error @ StoreError::Unanswered { .. }), _) | (Ok(_), Err(error)) => {
                self.make([], [place.back()]).await;
                Err(error)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn add_tried(&self, key: &[u8], delta: i64) -> Result<u64, StoreError> {
        Ok(self.store.add(Space::Counters, key, delta, 2 * ROUND).await?.0)
    }
}

/// The round that it is, and the other one in which attempts in flight may be counted.
fn rounds_at(now_ms: u64) -> (u64, u64) {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let round = now_ms / ms(ROUND);
    let left_ms = ms(ROUND) - now_ms % ms(ROUND);
    (round, if left_ms <= ms(SKEW) { round + 1 } else { round.saturating_sub(1) })
}

#[cfg(test)]
mod tests {
    use super::rounds_at;

    #[test]
    fn attempts_see_each_other_also_where_a_round_ends_between_them() {
        for at_ms in (1_000_000..1_040_000).step_by(7) {
            let (began_in, _) = rounds_at(at_ms);
            for later_ms in [0, 1, 400, 999, 10_000, 19_000] {
                let (round, other) = rounds_at(at_ms + later_ms);
                assert!(began_in == round || began_in == other, "{later_ms} ms after {at_ms}");
            }
            // The clock of who comes later may be that much behind.
            for skew_ms in [1, 400, 1000] {
                let (round, other) = rounds_at(at_ms - skew_ms);
                assert!(began_in == round || began_in == other, "{skew_ms} ms before {at_ms}");
            }
        }
    }
}
