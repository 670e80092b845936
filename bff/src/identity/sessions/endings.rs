//! How sessions end before their time. The record goes first, then what is held of it here, then all replicas are
//! told, so that what hangs on the session (live connections, documents) goes with it everywhere. An end is done when
//! they have applied it, or do not believe any more what they hold: see [`ConfirmedMessages`].

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::RwLock;
use schemas::Id;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Inner, Sessions};
use crate::{
    identity::{IdentityError, SessionKind, session::SessionKey},
    invalidation::{ConfirmedMessages, Delivery, ENDING_ACK_TIMEOUT},
    store::{STEP, Store, StoreError},
};

/// The first byte of what is published here; others publish other kinds through the same store.
const MESSAGE_KIND: u8 = b'e';

/// A session of either kind has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub key: SessionKey,
    /// Whose it was.
    pub user: Id,
}

type EndWatcher = Box<dyn Fn(&Ended) + Send + Sync>;

/// Who wants to know of endings, and how the other replicas are told.
pub(super) struct Endings {
    pub(super) bus: ConfirmedMessages,
    watchers: RwLock<Vec<EndWatcher>>,
}

impl Endings {
    pub(super) fn new(store: &Arc<dyn Store>) -> Self {
        Self { bus: ConfirmedMessages::new(store), watchers: RwLock::default() }
    }

    pub(super) fn watch(&self, watcher: EndWatcher) {
        self.watchers.write().push(watcher);
    }

    pub(super) fn happened(&self, ended: &Ended) {
        self.watchers.read().iter().for_each(|watcher| watcher(ended));
    }

    /// Whether `told` is this process's own word.
    pub(super) fn said(&self, told: &Told) -> bool {
        told.origin == self.bus.origin()
    }

    fn message(&self, ended: &[Ended], number: u64) -> Bytes {
        let user = ended.first().map_or("", |ended| ended.user.as_str()).to_owned();
        let keys = ended.iter().map(|ended| URL_SAFE_NO_PAD.encode(ended.key)).collect();
        let mut payload = vec![MESSAGE_KIND];
        // Text and numbers always fit JSON; were it otherwise, nothing would be told.
        let _ = serde_json::to_writer(&mut payload, &Message { from: self.bus.origin(), number, user, keys });
        payload.into()
    }
}

/// What travels between replicas: sessions of one user.
#[derive(Serialize, Deserialize)]
struct Message {
    from: u64,
    /// By which others say that they have applied it; 0 where nobody waits for that, as earlier versions do not.
    #[serde(default)]
    number: u64,
    user: String,
    /// base64url.
    keys: Vec<String>,
}

/// A message as it is understood here.
pub(super) struct Told {
    pub(super) origin: u64,
    pub(super) number: u64,
    pub(super) ended: Vec<Ended>,
}

impl Told {
    /// Nothing, when it is no message of endings or one that this version does not understand.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (&MESSAGE_KIND, json) = payload.split_first()? else { return None };
        let message: Message = serde_json::from_slice(json).ok()?;
        let user = Id::new(&message.user).ok()?;
        let keys = message.keys.iter().filter_map(|key| URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok());
        let ended = keys.map(|key| Ended { key, user: user.clone() }).collect();
        Some(Self { origin: message.from, number: message.number, ended })
    }
}

impl Sessions {
    /// Ends a session of either kind; says whether there was one. Once this returns, no lookup that begins here finds
    /// it, and the other replicas have been told. It goes on when the caller hangs up.
    ///
    /// # Errors
    /// [`IdentityError::Store`], [`IdentityError::Interrupted`]: it may or may not have ended; the near cache
    /// has forgotten it, so that the store decides.
    pub async fn end(&self, key: &SessionKey) -> Result<bool, IdentityError> {
        let (inner, key) = (Arc::clone(&self.inner), *key);
        let work = self.inner.runtime.spawn(async move { inner.end(&key).await });
        work.await.map_err(IdentityError::Interrupted)?
    }

    /// [`Self::end`] for an app's sign-in of `user`, which somebody has just read.
    pub(in crate::identity) async fn end_family(
        &self,
        key: &SessionKey,
        user: &Id,
    ) -> Result<bool, IdentityError> {
        let (inner, key, user) = (Arc::clone(&self.inner), *key, user.clone());
        let work =
            self.inner.runtime.spawn(async move { inner.end_known(SessionKind::App, key, user).await });
        work.await.map_err(IdentityError::Interrupted)?
    }

    /// Ends all sessions of `user` but `except`, of both kinds; answers with the keys of those that ended. As
    /// [`Self::end`].
    ///
    /// # Errors
    /// As [`Self::end`].
    pub async fn end_all(
        &self,
        user: &Id,
        except: Option<&SessionKey>,
    ) -> Result<Vec<SessionKey>, IdentityError> {
        let (inner, user, except) = (Arc::clone(&self.inner), user.clone(), except.copied());
        let work = self.inner.runtime.spawn(async move { inner.end_all(&user, except).await });
        work.await.map_err(IdentityError::Interrupted)?
    }

    /// Ends the session of `user` that a list calls `public_id` ([`Session::public_id`](super::Session::public_id));
    /// answers with its key. Nothing where the user has none of that name. As [`Self::end`].
    ///
    /// # Errors
    /// As [`Self::end`].
    pub async fn end_listed(&self, user: &Id, public_id: &str) -> Result<Option<SessionKey>, IdentityError> {
        let sessions = self.inner.sessions_of(user).await?;
        let Some(session) = sessions.iter().find(|session| session.public_id() == public_id) else {
            return Ok(None);
        };
        Ok(self.end(&session.key).await?.then_some(session.key))
    }
}

impl Inner {
    pub(super) async fn end(&self, key: &SessionKey) -> Result<bool, IdentityError> {
        let session = match self.mirror.near.last_known(key) {
            Some(session) => Some(session),
            None => self.read_any(key).await?,
        };
        match session {
            Some(session) => self.end_known(session.kind, *key, session.user.clone()).await,
            None => self.end_unread(key).await,
        }
    }

    async fn end_known(&self, kind: SessionKind, key: SessionKey, user: Id) -> Result<bool, IdentityError> {
        let keys = [Bytes::copy_from_slice(&key)];
        let outcome = self.store.delete_keys(kind.space(), user.as_str(), &keys).await;
        self.mirror.near.forget(&key);
        self.tell(&[Ended { key, user }], outcome.is_ok()).await;
        Ok(!outcome?.is_empty())
    }

    /// Ends what is there but cannot be read here, such as the record of a later release: nobody knows whose it is, so
    /// that nobody is told.
    async fn end_unread(&self, key: &SessionKey) -> Result<bool, IdentityError> {
        let mut ended = false;
        for kind in SessionKind::ALL {
            ended |= self.store.delete(kind.space(), key).await?;
        }
        Ok(ended)
    }

    async fn end_all(&self, user: &Id, except: Option<SessionKey>) -> Result<Vec<SessionKey>, IdentityError> {
        let spared = except.as_ref().map(<[u8; 32]>::as_slice);
        let (mut ended, mut failure) = (Vec::new(), None);
        for kind in SessionKind::ALL {
            match self.store.delete_owned(kind.space(), user.as_str(), spared).await {
                Ok(keys) => ended.extend(keys.iter().filter_map(|key| SessionKey::try_from(&key[..]).ok())),
                Err(error) => failure = Some(error),
            }
        }
        // By user, not by what was deleted: after an error that is unknown, and memory may hold a session
        // that the store has let expire because it could not be told of its use.
        let held =
            self.mirror.near.forget_where(|session| session.user == *user && Some(session.key) != except);
        let keys: BTreeSet<_> = ended.iter().copied().chain(held.iter().map(|session| session.key)).collect();
        let told: Vec<_> = keys.into_iter().map(|key| Ended { key, user: user.clone() }).collect();
        self.tell(&told, failure.is_none()).await;
        failure.map_or(Ok(ended), |error| Err(error.into()))
    }

    /// Tells everybody here, then every other replica. Done when those have applied it or do not believe any more what
    /// they hold: one that cannot be told forgets the session all the same, because the store tells it of the record.
    /// What hangs on the session lasts there until its own next look. Where the records may be there still
    /// (not `gone`), nobody waits: the caller says so.
    pub(super) async fn tell(&self, ended: &[Ended], gone: bool) {
        ended.iter().for_each(|ended| self.mirror.endings.happened(ended));
        let steps = ended.chunks(STEP).map(|ended| {
            let endings = &self.mirror.endings;
            endings.bus.publish(|number| endings.message(ended, number))
        });
        let outcomes = join_all(steps).await;
        let mut failed = false;
        for outcome in outcomes {
            match outcome {
                Ok(Delivery::Applied) => {}
                Ok(Delivery::Unconfirmed) => self.metrics.relayed_ending("unconfirmed"),
                Err(error) => {
                    self.metrics.relayed_ending("failed");
                    self.report_telling(Some(&error));
                    failed = true;
                }
            }
        }
        if failed && gone && self.mirror.endings.bus.is_shared() {
            sleep(ENDING_ACK_TIMEOUT).await;
        } else if !failed && !ended.is_empty() {
            self.metrics.relayed_ending("sent");
            self.report_telling(None);
        }
    }

    /// An outage is logged when it begins and when it ends.
    fn report_telling(&self, error: Option<&StoreError>) {
        if self.telling_fails.swap(error.is_some(), Ordering::Relaxed) == error.is_some() {
            return;
        }
        match error {
            None => tracing::info!("endings of sessions reach the other replicas again"),
            Some(error) => tracing::warn!(
                error = error as &dyn std::error::Error,
                "endings of sessions do not reach the other replicas"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood_and_nothing_else_is() {
        let store: Arc<dyn Store> = Arc::new(crate::store::MemoryStore::new());
        let (here, there) = (Endings::new(&store), Endings::new(&store));
        let user = Id::new("ada").expect("an id");
        let ended: Vec<_> = (0..3).map(|n| Ended { key: [n; 32], user: user.clone() }).collect();
        let message = here.message(&ended, 7);
        let told = Told::decode(&message).expect("understood");
        assert_eq!((told.number, &told.ended), (7, &ended));
        assert!(here.said(&told) && !there.said(&told));

        let short = br#"e{"from":1,"user":"ada","keys":["AAAA","*",""],"later":1}"#;
        assert!(Told::decode(short).expect("understood").ended.is_empty(), "what is no key is left out");
        for other in [
            b"".as_slice(),
            b"e",
            b"d{\"from\":1}",
            b"e\xff",
            b"e[]",
            br#"e{"from":-1,"user":"ada","keys":[]}"#,
            br#"e{"from":1,"user":"a b","keys":[]}"#,
            br#"e{"from":1,"user":"ada"}"#,
            &message[1..],
            &message[..message.len() - 1],
        ] {
            assert!(Told::decode(other).is_none(), "{}", String::from_utf8_lossy(other));
        }
    }
}
