//! Sign-up, sign-in and sessions.

use serde::{Deserialize, Serialize};

use crate::{Me, Rfc3339};

/// A new member.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignUp {
    #[schema(max_length = 254, format = Email)]
    pub email: String,
    /// 3 to 30 characters out of `[A-Za-z0-9_.-]`.
    #[schema(min_length = 3, max_length = 30)]
    pub username: String,
    #[schema(min_length = 8, max_length = 256, format = Password)]
    pub password: String,
}

/// Who wants to sign in. No `Debug`: a password must not reach a log by way of `{:?}`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// User name or e-mail address.
    #[schema(min_length = 1, max_length = 254)]
    pub login: String,
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: String,
    /// One-time or recovery code, where the member has switched that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub otp: Option<String>,
}

/// The answer to a sign-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedUp {
    pub user: Me,
}

/// A browser's session. No `Debug`: the CSRF token is a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    pub user: Me,
    /// To be sent back as `X-CSRF-Token` with every unsafe method.
    pub csrf_token: String,
    /// When the session ends unless it is used before.
    pub expires_at: Rfc3339,
}

/// The session's CSRF token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CsrfToken {
    pub csrf: String,
}

/// A second factor to be confirmed. No `Debug`: it holds the secret.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotpEnrolment {
    pub secret: String,
    pub otpauth_uri: String,
}

/// A second factor that was confirmed. No `Debug`: the codes are secrets.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotpConfirmed {
    pub recovery_codes: Vec<String>,
}
