//! The claims that upstreams trust.

use serde::{Deserialize, Serialize};

/// Claims of a service token: a JWT (RFC 7519) for one upstream, good for a minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceClaims {
    /// Who signed.
    pub iss: String,
    /// The one upstream that may accept it.
    pub aud: String,
    /// The acting user; absent when the call is for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sub: Option<String>,
    /// Who acts for the user (RFC 8693 section 4.1).
    pub act: Actor,
    /// Space-separated (RFC 8693 section 4.2).
    pub scope: String,
    /// `web`, `mobile`, `ssr` or `internal`.
    pub client: String,
    /// Seconds since the epoch.
    pub iat: u64,
    /// Seconds since the epoch.
    pub exp: u64,
    pub jti: String,
}

/// The `act` claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Actor {
    pub sub: String,
}
