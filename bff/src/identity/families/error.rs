//! Why there is no new pair.

use crate::{identity::IdentityError, store::StoreError};

/// Why there is no new pair.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is none, or its family is over. Nothing has changed.
    #[error("refresh token is not valid")]
    Invalid,
    /// The token was spent long ago, so that two hold the family's tokens: it has ended (RFC 9700 section 4.14.2).
    #[error("refresh token was used before, and its family has ended")]
    Reused,
    /// So many refreshes in so short a time that no more can be remembered.
    #[error("refreshed too often, again in {retry_ms} ms")]
    TooFast {
        /// After how many milliseconds it goes on.
        retry_ms: u64,
    },
    /// Whether the token is valid is unknown, or no new one can be made. The old one stays good.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Identity(error.into())
    }
}
