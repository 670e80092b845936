//! Browser sessions: made at sign-in, looked up by every request, ended at sign-out.
//!
//! The store is the truth, the near cache answers. [`Sessions::peek`] asks the cache alone and is what a warm
//! request pays; [`Sessions::load`] asks the store.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::{Id, Me};
use secrecy::{SecretString, zeroize::Zeroizing};
use tokio::runtime::Handle;

use super::{
    IdentityError, SessionPolicy, SessionSummary,
    near::NearCache,
    record::{entry_of, millis, session_of},
    session::{RAW_ID_LEN, Session, SessionKey, hash_of, key_of},
};
use crate::store::{Record, Space, Store};

/// How often a lookup or a touch begins again when the record changes under it.
const TRIES: usize = 4;

/// After a touch that the store did not take, the next one waits for so long.
const TOUCH_RETRY_MS: u64 = 5_000;

/// All browser sessions. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct Sessions {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    policy: SessionPolicy,
    near: NearCache,
    runtime: Handle,
    /// Whether the last touch failed, so that an outage is logged when it begins and ends, not for each session.
    touches_fail: AtomicBool,
    /// Told of every session that was ended.
    on_end: OnceLock<EndWatcher>,
}

type EndWatcher = Box<dyn Fn(&SessionKey) + Send + Sync>;

/// A session just made, with the only copy of its id.
#[derive(Debug)]
pub struct NewSession {
    /// The cookie's value.
    pub id: SecretString,
    pub session: Arc<Session>,
}

impl Sessions {
    /// What outlives a request (touches, sign-outs) runs on `runtime`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, policy: SessionPolicy, runtime: Handle) -> Self {
        let near = NearCache::new(policy.near_entries, policy.idle);
        Self {
            inner: Arc::new(Inner {
                store,
                policy,
                near,
                runtime,
                touches_fail: AtomicBool::new(false),
                on_end: OnceLock::new(),
            }),
        }
    }

    /// Has `watcher` told of every session that is ended before its time, once it is gone: for what hangs on it.
    /// It must not wait. Only the first watcher counts.
    pub fn on_end(&self, watcher: impl Fn(&SessionKey) + Send + Sync + 'static) {
        // A second watcher is the composition root's mistake; the first one goes on.
        let _ = self.inner.on_end.set(Box::new(watcher));
    }

    /// Makes a session with a new random id. It is durable when this returns, so that the cookie may be sent.
    ///
    /// `client` and `address` are kept for display as they are: see `client_label` and `mask_address`.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`], [`IdentityError::Store`].
    pub async fn create(
        &self,
        user: &Me,
        client: &str,
        address: &str,
        now_ms: u64,
    ) -> Result<NewSession, IdentityError> {
        let (id, key) = new_id()?;
        let policy = &self.inner.policy;
        let session = Session {
            key,
            user: user.id.clone(),
            profile: Arc::new(user.clone()),
            created_ms: now_ms,
            absolute_end_ms: now_ms.saturating_add(millis(policy.absolute)),
            client: client.into(),
            address: address.into(),
            idle_ms: millis(policy.idle),
            last_seen_ms: AtomicU64::new(now_ms),
            log_name: OnceLock::new(),
            touch_due_ms: AtomicU64::new(now_ms.saturating_add(millis(policy.touch_every))),
            version: AtomicU64::new(0),
        };
        let ticket = self.inner.near.ticket(&key);
        let version = self.inner.store.put(Space::Sessions, &key, entry_of(&session)?).await?;
        session.version.store(version, Ordering::Release);
        let session = Arc::new(session);
        // Where all sessions of the user were ended meanwhile, the next lookup asks the store.
        self.inner.near.publish(Arc::clone(&session), ticket);
        Ok(NewSession { id, session })
    }

    /// The live session whose id is `raw_id`, if it is in memory. Neither waits nor allocates, and does not
    /// extend the session. Nothing means: ask [`Self::load`].
    #[must_use]
    pub fn peek(&self, raw_id: &str, now_ms: u64) -> Option<Arc<Session>> {
        let session = self.inner.near.get(&key_of(raw_id)?)?;
        session.is_live(now_ms).then_some(session)
    }

    /// The live session whose id is `raw_id`, from the store. Does not extend the session. Nothing means that
    /// there is none: never was, ended, or past its idle or absolute end.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: whether the session exists is unknown.
    pub async fn load(&self, raw_id: &str, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        let Some(key) = key_of(raw_id) else { return Ok(None) };
        let session = self.inner.read(&key).await?;
        Ok(session.filter(|session| session.is_live(now_ms)))
    }

    /// [`Self::peek`], else [`Self::load`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn lookup(&self, raw_id: &str, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        match self.peek(raw_id, now_ms) {
            Some(session) => Ok(Some(session)),
            None => self.load(raw_id, now_ms).await,
        }
    }

    /// The live session with that key, from memory or else from the store: for what outlives the request that
    /// brought the id. Does not extend the session.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn find(&self, key: &SessionKey, now_ms: u64) -> Result<Option<Arc<Session>>, IdentityError> {
        if let Some(session) = self.inner.near.get(key).filter(|session| session.is_live(now_ms)) {
            return Ok(Some(session));
        }
        let session = self.inner.read(key).await?;
        Ok(session.filter(|session| session.is_live(now_ms)))
    }

    /// Moves the idle end of a session that is in use, at most once in `touch_every`. The store hears of it in
    /// the background; when it does not take it, the request goes on and a later one tries again. Never
    /// brings an ended session back. Costs one atomic read when nothing is due.
    pub fn touch(&self, session: &Arc<Session>, now_ms: u64) {
        if !session.claim_touch(now_ms, millis(self.inner.policy.touch_every)) {
            return;
        }
        let (inner, session) = (Arc::clone(&self.inner), Arc::clone(session));
        self.inner.runtime.spawn(async move {
            let outcome = inner.persist_touch(&session, now_ms).await;
            if outcome.is_err() {
                session.touch_due_ms.store(now_ms.saturating_add(TOUCH_RETRY_MS), Ordering::Release);
            }
            inner.report_touch(outcome);
        });
    }

    /// Ends a session; says whether there was one. Once this returns, no lookup that begins finds it. It goes
    /// on when the caller hangs up.
    ///
    /// # Errors
    /// [`IdentityError::Store`], [`IdentityError::Interrupted`]: it may or may not have ended; the near cache
    /// has forgotten it, so that the store decides.
    pub async fn end(&self, key: &SessionKey) -> Result<bool, IdentityError> {
        let (inner, key) = (Arc::clone(&self.inner), *key);
        let work = self.inner.runtime.spawn(async move {
            let outcome = inner.store.delete(Space::Sessions, &key).await;
            inner.near.forget(&key);
            inner.ended(&key);
            outcome
        });
        Ok(work.await.map_err(IdentityError::Interrupted)??)
    }

    /// Ends all sessions of `user` but `except`; answers with the keys of those that ended. As [`Self::end`].
    ///
    /// # Errors
    /// As [`Self::end`].
    pub async fn end_all(
        &self,
        user: &Id,
        except: Option<&SessionKey>,
    ) -> Result<Vec<SessionKey>, IdentityError> {
        let (inner, user, except) = (Arc::clone(&self.inner), user.clone(), except.copied());
        let work = self.inner.runtime.spawn(async move {
            let spared = except.as_ref().map(<[u8; 32]>::as_slice);
            let outcome = inner.store.delete_owned(Space::Sessions, user.as_str(), spared).await;
            // By user, not by what was deleted: after an error that is unknown, and memory may hold a session
            // that the store has let expire because it could not be told of its use.
            inner.near.forget_where(|session| session.user == user && Some(session.key) != except);
            let ended =
                outcome?.iter().filter_map(|key| key[..].try_into().ok()).collect::<Vec<SessionKey>>();
            ended.iter().for_each(|key| inner.ended(key));
            Ok(ended)
        });
        work.await.map_err(IdentityError::Interrupted)?
    }

    /// Puts `profile` in the place of the snapshot that the member's sessions were made with.
    ///
    /// # Errors
    /// [`IdentityError::Store`]: some sessions may show the old one until they end.
    pub async fn refresh_profile(&self, profile: &Me) -> Result<(), IdentityError> {
        let inner = &self.inner;
        for (key, _) in inner.store.list_owned(Space::Sessions, profile.id.as_str()).await? {
            let Ok(key) = SessionKey::try_from(&key[..]) else { continue };
            // A touch may come between the read and the write: then it is read again.
            for _ in 0..TRIES {
                let Some(record) = inner.store.get(Space::Sessions, &key).await? else { break };
                let Some(session) = inner.decode(key, &record) else { break };
                let renewed = Session { profile: Arc::new(profile.clone()), ..session };
                let entry = entry_of(&renewed)?;
                if inner.store.put_if(Space::Sessions, &key, Some(record.version), entry).await?.is_some() {
                    break;
                }
            }
            inner.near.forget(&key);
        }
        Ok(())
    }

    /// Live sessions of `user`, the last used first.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn list(&self, user: &Id, now_ms: u64) -> Result<Vec<SessionSummary>, IdentityError> {
        let records = self.inner.store.list_owned(Space::Sessions, user.as_str()).await?;
        let sessions = records.iter().filter_map(|(key, record)| {
            let key = key[..].try_into().ok()?;
            self.inner.decode(key, record)
        });
        let mut live: Vec<_> =
            sessions.filter(|session| session.is_live(now_ms)).map(|session| session.summary()).collect();
        live.sort_by(|a, b| b.last_seen_ms.cmp(&a.last_seen_ms).then_with(|| a.id.cmp(&b.id)));
        Ok(live)
    }

    /// Drops `key` from the near cache, because the store says that it changed: the next lookup reads it anew.
    pub fn forget(&self, key: &SessionKey) {
        self.inner.near.forget(key);
    }

    /// Drops everything from the near cache, because changes in the store may have gone unheard.
    pub fn forget_everything(&self) {
        self.inner.near.forget_where(|_| true);
    }

    /// Sessions in memory, about.
    #[must_use]
    pub fn near_entries(&self) -> u64 {
        self.inner.near.len()
    }
}

impl Inner {
    fn ended(&self, key: &SessionKey) {
        if let Some(watcher) = self.on_end.get() {
            watcher(key);
        }
    }

    /// The session as the store has it now, and in the near cache from now on.
    async fn read(&self, key: &SessionKey) -> Result<Option<Arc<Session>>, IdentityError> {
        let mut last = None;
        for _ in 0..TRIES {
            let ticket = self.near.ticket(key);
            let record = self.store.get(Space::Sessions, key).await?;
            let Some(session) = record.and_then(|record| self.decode(*key, &record)) else {
                // Only what is held is forgotten: a flood of unknown ids must not move the stripes' counters.
                if self.near.holds(key) {
                    self.near.forget(key);
                }
                return Ok(None);
            };
            let session = Arc::new(session);
            if let Some(held) = self.near.publish(Arc::clone(&session), ticket) {
                return Ok(Some(held));
            }
            last = Some(session);
        }
        // Neighbours in the stripe end again and again. What was read last holds for this request.
        Ok(last)
    }

    fn decode(&self, key: SessionKey, record: &Record) -> Option<Session> {
        match session_of(key, record, &self.policy) {
            Ok(session) => Some(session),
            // Whoever bears it is asked to sign in again, which replaces it.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "session record is ignored");
                None
            }
        }
    }

    /// Writes the idle end of `session`, which was used at `seen_ms`, by compare-and-swap.
    async fn persist_touch(&self, session: &Arc<Session>, seen_ms: u64) -> Result<(), IdentityError> {
        let mut current = Arc::clone(session);
        for _ in 0..TRIES {
            let expected = current.version.load(Ordering::Acquire);
            let entry = entry_of(&current)?;
            if let Some(version) =
                self.store.put_if(Space::Sessions, &current.key, Some(expected), entry).await?
            {
                current.version.fetch_max(version, Ordering::AcqRel);
                return Ok(());
            }
            // Ended, or changed by another replica: what is stored now wins, and only its idle end moves.
            self.near.forget(&session.key);
            let Some(stored) = self.read(&session.key).await? else { return Ok(()) };
            if stored.last_seen_ms() >= seen_ms || !stored.is_live(seen_ms) {
                return Ok(());
            }
            stored.last_seen_ms.fetch_max(seen_ms, Ordering::AcqRel);
            current = stored;
        }
        Ok(())
    }

    fn report_touch(&self, outcome: Result<(), IdentityError>) {
        let failed = outcome.is_err();
        if self.touches_fail.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        match outcome {
            Ok(()) => tracing::info!("sessions are extended again"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "sessions are not extended");
            }
        }
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
