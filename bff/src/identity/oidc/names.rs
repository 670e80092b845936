//! The keys of what links our sessions to a provider's: for those who make links, and for those who carry them over to
//! the session that takes another's place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::identity::session::SessionKey;

/// What of a sign-in at a provider a link names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum LinkKind {
    /// The provider's session, `sid`.
    Session,
    /// Who signed in there, `sub`.
    Subject,
}

impl LinkKind {
    pub(in crate::identity) const ALL: [Self; 2] = [Self::Session, Self::Subject];

    /// Under what a link to `session` is kept: a session has one of each kind.
    pub(in crate::identity) fn link(self, session: &SessionKey) -> [u8; 33] {
        let mut key = [0; 33];
        key[0] = match self {
            Self::Session => b's',
            Self::Subject => b'u',
        };
        key[1..].copy_from_slice(session);
        key
    }
}

/// The session that a link leads to.
pub(in crate::identity) fn session_of_link(link: &[u8]) -> Option<SessionKey> {
    link.get(1..)?.try_into().ok()
}

/// The owner of links to what has this hash.
pub(in crate::identity) fn owner_of(hash: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(hash)
}

/// Whose links `owner` has.
pub(in crate::identity) fn hash_of_owner(owner: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(owner).ok()?.try_into().ok()
}

/// Where an order to sign out is remembered that names what has this hash.
pub(in crate::identity) fn tombstone(hash: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"oidc signed out v1").chain_update(hash).finalize().into()
}

/// The same for an order that names a subject and one of their sessions: it is about those whose session at the provider
/// is not known, too.
pub(in crate::identity) fn tombstone_without_sid(subject: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"oidc signed out without sid v1").chain_update(subject).finalize().into()
}

/// A provider's order to sign out, as those find it who sign in, or renew a session, meanwhile.
pub(in crate::identity) struct SignedOut {
    pub(in crate::identity) issued_s: u64,
    pub(in crate::identity) heard_ms: u64,
}

impl SignedOut {
    pub(in crate::identity) fn write(&self) -> Bytes {
        [self.issued_s, self.heard_ms].map(u64::to_be_bytes).concat().into()
    }

    pub(in crate::identity) fn read(bytes: &[u8]) -> Option<Self> {
        let (issued_s, heard_ms) = bytes.split_first_chunk()?;
        Some(Self {
            issued_s: u64::from_be_bytes(*issued_s),
            heard_ms: u64::from_be_bytes(heard_ms.try_into().ok()?),
        })
    }
}
