//! A session with a new id in the place of one that was used so far, because what its bearer may do has changed. What
//! links it to a session at an OpenID provider goes with it, so that the provider's order to sign out ends it as well.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    NewSession, Sessions,
    create::{Made, new_id},
    state::Inner,
};
use crate::{
    identity::{
        IdentityError, SessionKind,
        oidc::names::{LinkKind, SignedOut, hash_of_owner, tombstone, tombstone_without_sid},
        session::{Session, SessionKey},
    },
    store::{Entry, Space, StoreError},
};

/// An order to sign out that came so shortly before a renewal may have missed the new session: far longer than any
/// takes, and than clocks of replicas differ.
const OVERTAKEN_MS: u64 = 60_000;

/// What links a session to a provider's.
struct Links(Vec<(LinkKind, Entry)>);

impl Sessions {
    /// Puts a session with a new id in the place of `session`, because what its bearer may do has changed: the same
    /// user, the same absolute end, the same session at an OpenID provider. The old one ends. Goes on when the caller
    /// hangs up.
    ///
    /// Nothing where there is nothing to renew: it has ended meanwhile and stays so, or it is an app's, which bears
    /// no id.
    ///
    /// # Errors
    /// As [`Self::create`], and [`IdentityError::Interrupted`]. The old session may have ended.
    pub async fn renew(&self, session: &Session, now_ms: u64) -> Result<Option<NewSession>, IdentityError> {
        if session.kind != SessionKind::Browser {
            return Ok(None);
        }
        let inner = Arc::clone(&self.inner);
        let (old, user, created_ms) = (session.key, Arc::clone(&session.profile), session.created_ms);
        let (client, address) = (session.client.clone(), session.address.clone());
        let absolute_end_ms = session.absolute_end_ms;
        let work = self.inner.runtime.spawn(async move {
            let (id, key) = new_id()?;
            // The links come first: there is no moment in which the new session is without them.
            let links = inner.links_of(&old).await?;
            inner.link_as(&links, &key).await?;
            let made = Made { client: &client, address: &address, now_ms, absolute_end_ms };
            let new = inner.create((id, key), &user, made).await?;
            // In this order: whoever ends all sessions of the user meanwhile ends the old one or both. Where the old
            // one was ended before this did it, the new one must not outlive it.
            match inner.replaces(&old, &links, created_ms, now_ms).await {
                Ok(true) => Ok(Some(new)),
                Ok(false) => {
                    inner.end(&key).await?;
                    Ok(None)
                }
                Err(error) => {
                    // Nobody gets to know its id; that it cannot be ended either adds nothing.
                    let _ = inner.end(&key).await;
                    Err(error)
                }
            }
        });
        work.await.map_err(IdentityError::Interrupted)?
    }
}

impl Inner {
    /// Ends `old`; says whether the one that was made in its place may live.
    async fn replaces(
        &self,
        old: &SessionKey,
        links: &Links,
        created_ms: u64,
        now_ms: u64,
    ) -> Result<bool, IdentityError> {
        if !self.end(old).await? {
            return Ok(false);
        }
        // An order of the provider that looked for sessions before the new one was linked has ended none of the two,
        // if it comes to the old one only now. It left word first.
        for tombstone in links.tombstones() {
            let order = self.store.get(Space::Revocations, &tombstone).await?;
            let order = order.and_then(|record| SignedOut::read(&record.value));
            let since_ms = created_ms.max(now_ms.saturating_sub(OVERTAKEN_MS));
            if order.is_some_and(|order| order.heard_ms >= since_ms) {
                return Ok(false);
            }
        }
        for (kind, link) in &links.0 {
            let Some(owner) = link.owner.as_deref() else { continue };
            let key = Bytes::copy_from_slice(&kind.link(old));
            // It leads nowhere any more: one that stays costs an order a look.
            let _ = self.store.delete_keys(Space::OidcLinks, owner, &[key]).await;
        }
        Ok(true)
    }

    async fn links_of(&self, session: &SessionKey) -> Result<Links, StoreError> {
        let mut links = Vec::new();
        for kind in LinkKind::ALL {
            let link = self.store.entry(Space::OidcLinks, &kind.link(session)).await?;
            links.extend(link.map(|link| (kind, link)));
        }
        Ok(Links(links))
    }

    async fn link_as(&self, links: &Links, session: &SessionKey) -> Result<(), StoreError> {
        for (kind, link) in &links.0 {
            self.store.put(Space::OidcLinks, &kind.link(session), link.clone()).await?;
        }
        Ok(())
    }
}

impl Links {
    /// Where orders are remembered that end a session with these links.
    fn tombstones(&self) -> Vec<[u8; 32]> {
        let has_sid = self.0.iter().any(|(kind, _)| *kind == LinkKind::Session);
        let mut tombstones = Vec::new();
        for (kind, link) in &self.0 {
            let Some(hash) = link.owner.as_deref().and_then(hash_of_owner) else { continue };
            tombstones.push(tombstone(&hash));
            if *kind == LinkKind::Subject && !has_sid {
                tombstones.push(tombstone_without_sid(&hash));
            }
        }
        tombstones
    }
}
