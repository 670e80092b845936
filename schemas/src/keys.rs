//! Published keys.

use serde::{Deserialize, Serialize};

/// Keys that verify tokens: a JWK set (RFC 7517 section 5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeySet {
    pub keys: Vec<Key>,
}

/// An Ed25519 public key (RFC 8037 section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Key {
    pub kty: String,
    pub crv: String,
    /// The key, base64url.
    pub x: String,
    /// Its thumbprint (RFC 7638): what the header of a token names it by.
    pub kid: String,
    #[serde(rename = "use")]
    pub usage: String,
    pub alg: String,
}
