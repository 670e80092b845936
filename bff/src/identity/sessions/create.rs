//! Makes browser sessions.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{SecretString, zeroize::Zeroizing};

use super::{Sessions, state::Inner};
use crate::{
    identity::{
        IdentityError, ProfileDocument, SessionKind,
        record::{entry_of, millis},
        session::{RAW_ID_LEN, Session, SessionKey, hash_of},
    },
    store::Space,
};

/// A session just made, with the only copy of its id.
#[derive(Debug)]
pub struct NewSession {
    /// The cookie's value.
    pub id: SecretString,
    pub session: Arc<Session>,
}

impl Sessions {
    /// Makes a browser session with a new random id. It is durable when this returns, so that the cookie may be sent.
    ///
    /// Where the user is signed in more often than [`SessionPolicy::max_per_user`](crate::identity::SessionPolicy::max_per_user) by it, the oldest sign-ins end.
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
}

/// How and when a session is made, and when it ends at the latest.
pub(super) struct Made<'a> {
    pub(super) client: &'a str,
    pub(super) address: &'a str,
    pub(super) now_ms: u64,
    pub(super) absolute_end_ms: u64,
}

impl Inner {
    pub(super) async fn create(
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
pub(super) fn new_id() -> Result<(SecretString, SessionKey), IdentityError> {
    let mut bits = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bits.as_mut()).map_err(IdentityError::Randomness)?;
    let mut id = String::with_capacity(RAW_ID_LEN);
    URL_SAFE_NO_PAD.encode_string(bits.as_slice(), &mut id);
    let key = hash_of(&id);
    Ok((SecretString::from(id), key))
}
