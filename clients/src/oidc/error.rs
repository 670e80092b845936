//! What can go wrong between the gateway and an OpenID provider.

use std::sync::Arc;

use http::StatusCode;

use crate::SendError;

/// There is no usable answer of a provider. Holds no code, token or secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OidcError {
    #[error("openid provider timed out")]
    Timeout,
    /// It could not be reached, or did not answer with HTTP.
    #[error("openid provider is unreachable")]
    Unreachable(#[source] Arc<SendError>),
    #[error("openid provider answered more than is read")]
    TooLarge,
    #[error("openid provider answered {0}")]
    Status(StatusCode),
    /// An answer is not what the specification says it is.
    #[error("openid provider answered something unusable: {0}")]
    Unusable(&'static str),
    /// The token endpoint refused (RFC 6749 section 5.2).
    #[error("openid provider refused: {0}")]
    Refused(&'static str),
    /// The process is stopping.
    #[error("the call to the openid provider was interrupted")]
    Interrupted,
}

impl OidcError {
    /// The provider does not take the code.
    #[must_use]
    pub fn refused_code() -> Self {
        Self::Refused(REFUSED_CODE)
    }

    /// Whether the provider takes the code for invalid, expired, used or somebody else's. Any other refusal is
    /// about the gateway itself.
    #[must_use]
    pub fn is_code_refused(&self) -> bool {
        matches!(self, Self::Refused(REFUSED_CODE))
    }
}

const REFUSED_CODE: &str = "invalid_grant";
/// The codes of RFC 6749 section 5.2: what a provider writes goes to a log only if it is one of these.
const REFUSALS: [&str; 6] = [
    REFUSED_CODE,
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// The word for the refusal that the provider calls `code`.
pub(super) fn refusal(code: &str) -> OidcError {
    let known = REFUSALS.iter().find(|known| **known == code);
    OidcError::Refused(known.unwrap_or(&"with a code of its own"))
}
