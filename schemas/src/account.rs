//! Accounts: what the one upstream that keeps them answers (the accounts contract), and what it is asked.

use serde::{Deserialize, Serialize};

use crate::{Id, RawText, Rfc3339};

// Written out in full: `#[serde(flatten)]` buffers values and so cannot carry `RawText`.
/// A user as they see themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    pub id: Id,
    pub username: String,
    pub display_name: String,
    pub avatar_url: Option<String>,
    pub bio: Option<RawText>,
    pub created_at: Rfc3339,
    pub email: String,
    #[serde(default)]
    #[schema(required)]
    pub totp_enabled: bool,
    /// Whether the address was proved to be theirs. Absent: the service that keeps accounts does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email_confirmed: Option<bool>,
}

/// An identity at an OpenID provider, to be matched to an account or made into one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByIdentity {
    #[schema(min_length = 1, max_length = 512)]
    pub issuer: String,
    #[schema(min_length = 1, max_length = 255)]
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// Only where the provider has verified it.
    #[schema(nullable = false, max_length = 254, format = Email)]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
}
