//! The registry of sign-ins: made at sign-in, looked up by every request, ended at sign-out. Browser sessions are made
//! here, those of apps by [`AppTokens`](super::AppTokens); looked up, listed and ended they are alike.
//!
//! The store is the truth, the near cache answers. [`Sessions::peek`] asks the cache alone and is what a warm
//! request pays; [`Sessions::load`] asks the store. [`Sessions::recall`] tells an id that names no session from an unknown one. What the store tells of changes reaches the near cache by way of
//! a [`Mirror`], and so do endings on other replicas.

mod again;
mod endings;
mod limit;
mod lookup;
mod mirror;
mod registry;
mod renewal;
#[cfg(test)]
pub(super) mod tests;
mod touch;
mod trust;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{SecretString, zeroize::Zeroizing};
use tokio::runtime::Handle;

pub use endings::Ended;

use super::{
    IdentityError, ProfileDocument, SessionKind, SessionPolicy,
    near::NearCache,
    record::{entry_of, millis},
    session::{RAW_ID_LEN, Session, SessionKey, hash_of, key_of},
};
use crate::{
    invalidation::InvalidationBus,
    store::{Space, Store, StoreError},
    telemetry::Metrics,
};
use again::{Again, keep_reading};
use mirror::Mirror;
use trust::Trust;

/// How often something begins again when the record changes under it.
pub(super) const TRIES: usize = 4;

/// All sign-ins. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct Sessions {
    pub(super) inner: Arc<Inner>,
}

/// What [`Sessions`] and [`AppTokens`](super::AppTokens) work on.
pub(super) struct Inner {
    pub(super) store: Arc<dyn Store>,
    pub(super) policy: SessionPolicy,
    pub(super) mirror: Arc<Mirror>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) runtime: Handle,
    /// Whether the last touch failed, so that an outage is logged when it begins and ends, not for each session.
    touches_fail: AtomicBool,
    /// The same for telling endings to other replicas.
    telling_fails: AtomicBool,
}

/// What memory says of a session id.
#[derive(Debug)]
pub enum Recalled {
    /// It names a live session.
    Live(Arc<Session>),
    /// It names none, and never will.
    Dead,
    /// Only the store knows: [`Sessions::load`].
    Unknown,
}

/// A session just made, with the only copy of its id.
#[derive(Debug)]
pub struct NewSession {
    /// The cookie's value.
    pub id: SecretString,
    pub session: Arc<Session>,
}

impl Sessions {
    /// As [`Self::over`], in tests: with a bus of its own to whoever shares `store`.
    #[cfg(test)]
    pub(crate) fn new(
        store: Arc<dyn Store>,
        policy: SessionPolicy,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Self {
        let bus = InvalidationBus::between_tests(&store);
        Self::over(store, bus, policy, runtime, metrics)
    }

    /// What outlives a request (touches, sign-outs) runs on `runtime`. Listens to `store` from now on, and subscribes to
    /// what `bus` tells of ended sessions: before everybody who looks sessions up when one has ended.
    #[must_use]
    pub fn over(
        store: Arc<dyn Store>,
        bus: Arc<InvalidationBus>,
        policy: SessionPolicy,
        runtime: Handle,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (lease, alone) = (store.lease(), !bus.is_shared());
        let near = NearCache::new(policy.near_entries, policy.idle, policy.grace, lease, alone);
        let (again, changed) = Again::new();
        let mirror = Arc::new(Mirror { near, bus, again, trust: Trust(runtime.clone()) });
        let unknown = mirror.near.doubt();
        let forgetting = Arc::downgrade(&mirror);
        mirror.bus.ended_sessions().subscribe(move |ended| {
            if let Some(mirror) = forgetting.upgrade() {
                mirror.forget(ended);
            }
        });
        // The store must not keep alive what may hold the store.
        let listening = Arc::downgrade(&mirror);
        store.listen(Box::new(move |notice| {
            if let Some(mirror) = listening.upgrade() {
                mirror.heed(notice);
            }
        }));
        // After that: who is waited for must hear what it is waited for.
        Trust::regain(&mirror, unknown);
        let inner = Arc::new(Inner {
            store,
            policy,
            mirror,
            metrics,
            runtime,
            touches_fail: AtomicBool::new(false),
            telling_fails: AtomicBool::new(false),
        });
        keep_reading(&inner.runtime, &inner, changed);
        Self { inner }
    }

    /// Nobody has to wait for this process any more when a session ends: to be told when it serves no requests any more.
    pub async fn leave(&self) {
        // Where that cannot be told, somebody's sign-out takes longer, once.
        let _ = self.inner.mirror.bus.leave().await;
    }

    /// Has `watcher` told of every session, of browsers and of apps, that is ended before its time, on whichever
    /// replica, once it is gone: for what hangs on it. It must not wait, and it may be told of the same end twice.
    pub fn on_end(&self, watcher: impl Fn(&Ended) + Send + Sync + 'static) {
        self.inner.mirror.bus.ended_sessions().subscribe(move |ended| {
            ended.keys.iter().for_each(|key| watcher(&Ended { key: *key, user: ended.user.clone() }));
        });
    }

    /// Makes a browser session with a new random id. It is durable when this returns, so that the cookie may be sent.
    ///
    /// Where the user is signed in more often than [`SessionPolicy::max_per_user`] by it, the oldest sign-ins end.
    ///
    /// `client` and `address` are kept for display as they are: see `client_label` and `mask_address`.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`], [`IdentityError::Store`].
    pub async fn create(
        &self,
        user: &Arc<ProfileDocument>,
        client: &str,
        address: &str,
        now_ms: u64,
    ) -> Result<NewSession, IdentityError> {
        let absolute_end_ms = now_ms.saturating_add(millis(self.inner.policy.absolute));
        let made = Made { client, address, now_ms, absolute_end_ms };
        let new = self.inner.create(new_id()?, user, made).await?;
        self.inner.keep_to_limit(SessionKind::Browser, user.id(), &new.session.key).await?;
        Ok(new)
    }

    /// Whether `text` has the length of a session id: anything else names no session.
    #[must_use]
    pub fn may_be_id(text: &str) -> bool {
        text.len() == RAW_ID_LEN
    }

    /// The live browser session whose id is `raw_id`, if it is in memory. Neither waits nor allocates, and does not
    /// extend the session. Nothing means: ask [`Self::load`].
    #[must_use]
    pub fn peek(&self, raw_id: &str, now_ms: u64) -> Option<Arc<Session>> {
        match self.recall(raw_id, now_ms) {
            Recalled::Live(session) => Some(session),
            Recalled::Dead | Recalled::Unknown => None,
        }
    }

    /// [`Self::peek`], which also tells an id that the store has lately known no live session for.
    #[must_use]
    pub fn recall(&self, raw_id: &str, now_ms: u64) -> Recalled {
        let Some(key) = key_of(raw_id) else { return Recalled::Dead };
        let near = &self.inner.mirror.near;
        match near.get(&key).filter(|session| session.is_live(now_ms)) {
            Some(session) => Recalled::Live(session),
            None if near.is_dead(&key) => Recalled::Dead,
            None => Recalled::Unknown,
        }
    }

    /// The live browser session whose id is `raw_id`, from the store. Does not extend the session. Nothing means that
    /// there is none: never was, ended, or past its idle or absolute end.
    ///
    /// While the store is away a session in memory is used, for [`SessionPolicy::grace`] since the store was last
    /// heard or has last answered for this session.
    ///
    /// # Errors
    /// [`StoreError`]: whether the session exists is unknown.
    pub async fn load(&self, raw_id: &str, now_ms: u64) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(key) = key_of(raw_id) else { return Ok(None) };
        let ticket = self.inner.mirror.near.ticket(&key);
        let session = self.inner.read(SessionKind::Browser, &key).await?;
        let live = session.filter(|session| session.is_live(now_ms));
        if live.is_none() {
            self.inner.mirror.near.publish_dead(&key, ticket);
        }
        Ok(live)
    }

    /// [`Self::peek`], else [`Self::load`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn lookup(&self, raw_id: &str, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        match self.peek(raw_id, now_ms) {
            Some(session) => Ok(Some(session)),
            None => Ok(self.load(raw_id, now_ms).await?),
        }
    }

    /// The live session of either kind with that key, from memory or else from the store: for what outlives the
    /// request that brought the id. Does not extend the session.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn find(&self, key: &SessionKey, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        if let Some(session) = self.inner.mirror.near.get(key).filter(|session| session.is_live(now_ms)) {
            return Ok(Some(session));
        }
        // Rare, and every live connection has room for what this future may hold.
        let session = Box::pin(self.inner.read_any(key)).await?;
        Ok(session.filter(|session| session.is_live(now_ms)))
    }

    /// Whether memory vouches for the session of either kind with that key: it holds it, and the store tells of what
    /// becomes of it. Neither waits nor allocates. No means: ask [`Self::find`].
    #[must_use]
    pub fn vouches_for(&self, key: &SessionKey, now_ms: u64) -> bool {
        self.inner.mirror.near.get(key).is_some_and(|session| session.is_live(now_ms))
    }

    /// How much longer [`Self::find`] answers with the session of that key though the store does not answer, while
    /// its changes go unheard. Neither waits nor allocates. Nothing: no longer, or its changes are heard.
    #[must_use]
    pub fn bridged(&self, key: &SessionKey) -> Option<Duration> {
        self.inner.mirror.near.bridged(key)
    }

    /// Drops `key` from the near cache: the next lookup reads it anew.
    pub fn forget(&self, key: &SessionKey) {
        self.inner.mirror.near.forget(key);
    }

    /// How often memory was asked for a session.
    #[cfg(test)]
    pub(crate) fn near_asked(&self) -> u64 {
        self.inner.mirror.near.asked.load(Ordering::Relaxed)
    }

    /// Sessions in memory, about.
    #[must_use]
    pub fn near_entries(&self) -> u64 {
        self.inner.mirror.near.len()
    }
}

/// How and when a session is made, and when it ends at the latest.
struct Made<'a> {
    client: &'a str,
    address: &'a str,
    now_ms: u64,
    absolute_end_ms: u64,
}

impl Inner {
    async fn create(
        &self,
        (id, key): (SecretString, SessionKey),
        user: &Arc<ProfileDocument>,
        Made { client, address, now_ms, absolute_end_ms }: Made<'_>,
    ) -> Result<NewSession, IdentityError> {
        let session = Session {
            key,
            kind: SessionKind::Browser,
            user: user.id().clone(),
            profile: Arc::clone(user),
            created_ms: now_ms,
            absolute_end_ms,
            client: client.into(),
            address: address.into(),
            idle_ms: millis(self.policy.idle),
            last_seen_ms: AtomicU64::new(now_ms),
            log_name: OnceLock::new(),
            touch_due_ms: AtomicU64::new(now_ms.saturating_add(millis(self.policy.touch_every))),
            version: AtomicU64::new(0),
            read_ms: AtomicU64::new(0),
        };
        // The store tells of this write as of any other, often before it answers: so it is asked. Were that notice
        // ignored, that of an end just behind it could be as well, since one may stand for both.
        let version = self.store.put(Space::Sessions, &key, entry_of(&session)?).await?;
        session.version.store(version, Ordering::Release);
        self.hold(SessionKind::Browser, &key).await;
        Ok(NewSession { id, session: Arc::new(session) })
    }
}

/// 256 random bits as base64url, and their key.
fn new_id() -> Result<(SecretString, SessionKey), IdentityError> {
    let mut bits = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bits.as_mut()).map_err(IdentityError::Randomness)?;
    let mut id = String::with_capacity(RAW_ID_LEN);
    URL_SAFE_NO_PAD.encode_string(bits.as_slice(), &mut id);
    let key = hash_of(&id);
    Ok((SecretString::from(id), key))
}
