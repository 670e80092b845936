//! How sessions end before their time. The record goes first, then what is held of it here, then all replicas are
//! told by the [bus](crate::invalidation::InvalidationBus), so that what hangs on the session (live connections, documents)
//! goes with it everywhere. An end is done when they have applied it, or do not believe any more what they hold.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use schemas::Id;
use tokio::time::sleep;

use super::{Sessions, state::Inner};
use crate::{
    identity::{IdentityError, SessionKind, session::SessionKey},
    invalidation::{Delivery, ENDING_ACK_TIMEOUT, EndedSessions},
    store::StoreError,
};

/// A session of either kind has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub key: SessionKey,
    /// Whose it was.
    pub user: Id,
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

    /// [`Self::end_all`], but only those made before `before_ms` (unix time in milliseconds); answers how many. A session
    /// that took the place of another one counts as made when it did.
    ///
    /// # Errors
    /// As [`Self::end`].
    pub async fn end_made_before(
        &self,
        user: &Id,
        before_ms: u64,
        except: Option<&SessionKey>,
    ) -> Result<usize, IdentityError> {
        let (inner, user, except) = (Arc::clone(&self.inner), user.clone(), except.copied());
        let work =
            self.inner.runtime.spawn(async move { inner.end_made_before(&user, before_ms, except).await });
        work.await.map_err(IdentityError::Interrupted)?
    }

    /// Ends the session of `user` that a list calls `public_id` ([`Session::public_id`](crate::identity::Session::public_id));
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
        let session = match self.cache_sync.near.last_known(key) {
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
        self.cache_sync.near.forget(&key);
        self.tell(EndedSessions { user, keys: vec![key] }, outcome.is_ok()).await;
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
            self.cache_sync.near.forget_where(|session| session.user == *user && Some(session.key) != except);
        let keys: BTreeSet<_> = ended.iter().copied().chain(held.iter().map(|session| session.key)).collect();
        let told = EndedSessions { user: user.clone(), keys: keys.into_iter().collect() };
        self.tell(told, failure.is_none()).await;
        failure.map_or(Ok(ended), |error| Err(error.into()))
    }

    /// Tells everybody here, then every other replica. Done when those have applied it or do not believe any more what
    /// they hold: one that cannot be told forgets the session all the same, because the store tells it of the record.
    /// What hangs on the session lasts there until its own next look. Where the records may be there still
    /// (not `gone`), nobody waits: the caller says so.
    pub(super) async fn tell(&self, ended: EndedSessions, gone: bool) {
        if ended.keys.is_empty() {
            return;
        }
        match self.cache_sync.bus.end_sessions(&ended).await {
            Ok(delivery) => {
                if delivery == Delivery::Unconfirmed {
                    self.metrics.relayed_ending("unconfirmed");
                }
                self.metrics.relayed_ending("sent");
                self.report_telling(None);
            }
            Err(error) => {
                self.metrics.relayed_ending("failed");
                self.report_telling(Some(&error));
                if gone && self.cache_sync.bus.is_shared() {
                    sleep(ENDING_ACK_TIMEOUT).await;
                }
            }
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
