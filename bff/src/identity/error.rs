//! What can go wrong while sessions are made, looked up and ended. Status codes are `edge`'s business.

use clients::KeyError;

use crate::store::StoreError;

/// A session could not be made, looked up or ended. An unknown or ended session is no error.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The store did not answer: whether the session exists is unknown, so the caller is let in nowhere.
    #[error("session store is unavailable")]
    Store(#[from] StoreError),
    /// No session id can be made.
    #[error("the operating system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
    /// The session does not fit its stored form.
    #[error("session record cannot be written")]
    Record(#[source] serde_json::Error),
    /// No access token can be made.
    #[error("access token cannot be signed")]
    Key(#[source] KeyError),
    /// What a browser is to keep for us cannot be sealed.
    #[error("a cookie cannot be sealed")]
    Sealing,
    /// The process is stopping. What was asked may or may not have happened.
    #[error("interrupted by the end of the process")]
    Interrupted(#[source] tokio::task::JoinError),
}
