//! How a provider is reached.

use std::time::Duration;

use secrecy::SecretString;

/// How one provider is reached.
#[derive(Debug, Clone)]
pub struct OidcProviderConfig {
    /// As the provider itself writes it.
    pub issuer: String,
    pub client_id: String,
    pub auth: ClientAuth,
    /// For each call as a whole.
    pub timeout: Duration,
    pub times: OidcTimes,
}

/// How the gateway proves at the token endpoint who it is (OpenID Connect Core 1.0 section 9).
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// `client_secret_basic`.
    Basic(SecretString),
    /// `client_secret_post`.
    Post(SecretString),
    /// Not at all: PKCE alone binds the code to whoever asked for it.
    Public,
}

/// How long what a provider says of itself is held.
#[derive(Debug, Clone, Copy)]
pub struct OidcTimes {
    /// Metadata is read again after so long.
    pub metadata: Duration,
    /// Keys are read again after so long: what the provider has withdrawn counts no longer than that.
    pub keys: Duration,
    /// While the provider is away, either is used for so long.
    pub away: Duration,
    /// After a failure nobody asks again for so long.
    pub failed: Duration,
    /// For an unknown key the keys are read again at most once in so long: tokens with invented keys must not
    /// become calls to the provider.
    pub unknown_key: Duration,
}

impl Default for OidcTimes {
    fn default() -> Self {
        Self {
            metadata: Duration::from_secs(60 * 60),
            keys: Duration::from_secs(10 * 60),
            away: Duration::from_secs(24 * 60 * 60),
            failed: Duration::from_secs(2),
            unknown_key: Duration::from_secs(10),
        }
    }
}
