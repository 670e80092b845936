//! What the identity stage ([`Identify`](super::Identify)) has found out about the caller of a request. It is kept in
//! the [`RequestContext`](super::RequestContext), where rate limits and extractors read it.

use std::sync::Arc;

use crate::{identity::Session, store::StoreError};

/// Who calls, as far as the request's credentials prove it. CSRF is not decided here: see [`SignedIn`](super::SignedIn).
#[derive(Debug, Clone)]
pub(super) enum Authentication {
    /// The request bears no credentials, or only cookies of sessions that do not exist.
    Nobody,
    /// A browser with the cookie of a live session.
    Cookie(Arc<Session>),
    /// An app with a valid access token.
    Token(Arc<Session>),
    /// The access token is malformed, unknown or expired, or its sign-in has ended.
    InvalidToken,
    /// The store did not say whether there is a session.
    Unavailable(StoreError),
}

impl Authentication {
    /// The live session behind the credentials.
    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Token(session) | Self::Cookie(session) => Some(session),
            Self::Nobody | Self::InvalidToken | Self::Unavailable(_) => None,
        }
    }
}
