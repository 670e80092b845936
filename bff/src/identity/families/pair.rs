//! What an app gets.

use std::sync::Arc;

use secrecy::SecretString;

use crate::identity::Session;

/// What an app gets, with the only copy of its refresh token.
#[derive(Debug)]
pub struct TokenPair {
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    /// How long the access token lives, counted from when the pair was made first, in seconds.
    pub expires_in_s: u64,
    /// When the family ends, unix milliseconds. Never moves.
    pub absolute_end_ms: u64,
    pub session: Arc<Session>,
}
