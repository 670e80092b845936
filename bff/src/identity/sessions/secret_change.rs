//! Sign-ins that a change of a password or a second factor overtakes: their secret was checked before the change, and their
//! session would be made after all others have ended. The change leaves word first, then ends; a sign-in makes its session
//! first, then looks for the word. So whichever is later sees the other.

use std::time::Duration;

use bytes::Bytes;
use schemas::Id;

use super::Sessions;
use crate::{
    identity::IdentityError,
    store::{Entry, Space},
};

/// How long the word is kept: longer than the call that checks a secret may take, and than clocks of replicas differ.
const KEPT: Duration = Duration::from_secs(60);

impl Sessions {
    /// Leaves word that what `user` signs in with has changed before `now_ms`. To be called before sign-ins are ended.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn note_secret_change(&self, user: &Id, now_ms: u64) -> Result<(), IdentityError> {
        let kept_ms = u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX);
        let value = Bytes::copy_from_slice(&now_ms.to_be_bytes());
        let entry = Entry { value, owner: None, expires_at_ms: now_ms.saturating_add(kept_ms) };
        self.inner.store.put(Space::Revocations, &key(user), entry).await?;
        Ok(())
    }

    /// Whether it has changed since a sign-in began, at `began_ms`. To be asked once the sign-in is made.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn secret_changed_since(&self, user: &Id, began_ms: u64) -> Result<bool, IdentityError> {
        let word = self.inner.store.get(Space::Revocations, &key(user)).await?;
        let changed_ms = word.and_then(|word| word.value[..].try_into().ok()).map(u64::from_be_bytes);
        Ok(changed_ms.is_some_and(|changed_ms| changed_ms > began_ms))
    }
}

fn key(user: &Id) -> Vec<u8> {
    [b"secret-changed:", user.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::runtime::Handle;

    use super::*;
    use crate::{
        identity::{SessionPolicy, sessions::tests::member},
        store::MemoryStore,
        telemetry::unix_ms,
    };

    #[tokio::test]
    async fn a_sign_in_is_overtaken_by_a_change_that_came_after_its_beginning() {
        let store = Arc::new(MemoryStore::new());
        let sessions = Sessions::new(store, SessionPolicy::default(), Handle::current(), Arc::default());
        let (ada, bora) = (member("ada").id().clone(), member("bora").id().clone());
        let now = unix_ms();
        assert!(!sessions.secret_changed_since(&ada, 0).await.expect("an answer"));
        sessions.note_secret_change(&ada, now).await.expect("kept");
        for (user, began, changed) in
            [(&ada, now - 1, true), (&ada, now, false), (&ada, now + 1, false), (&bora, 0, false)]
        {
            assert_eq!(
                sessions.secret_changed_since(user, began).await.expect("an answer"),
                changed,
                "{began}"
            );
        }
    }
}
