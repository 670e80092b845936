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
    #[schema(min_length = 3, max_length = 30, pattern = "^[A-Za-z0-9_.-]+$")]
    pub username: String,
    #[schema(min_length = 8, max_length = 256, format = Password)]
    pub password: String,
}

/// Who wants to sign in. No `Debug`: a password must not reach a log by way of `{:?}`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// User name or e-mail address.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub login: String,
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: String,
    /// One-time or recovery code, where the member has switched that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
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

/// The second factor of a sign-in through a provider. No `Debug`: it is a secret for as long as it stands.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecondFactorCode {
    /// One-time or recovery code.
    #[schema(min_length = 1, max_length = 64)]
    pub otp: String,
}

/// A browser's session that a sign-in through a provider made. No `Debug`: the CSRF token is a secret.
#[derive(Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderSignedIn {
    pub user: Me,
    /// To be sent back as `X-CSRF-Token` with every unsafe method.
    pub csrf_token: String,
    /// When the session ends unless it is used before.
    pub expires_at: Rfc3339,
    /// Where the sign-in began: a path here, or a page of a configured origin.
    pub return_to: String,
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

/// A code of the second factor. No `Debug`: it is a secret for as long as it stands.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TotpCode {
    /// One-time code; a recovery code only where the second factor is switched off.
    #[schema(min_length = 1, max_length = 64)]
    pub code: String,
}

/// A second factor to be set up in an app. No `Debug`: it holds the secret.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotpSetup {
    /// Base32, for those who type it in.
    pub secret: String,
    pub otpauth_uri: String,
    /// The URI as a QR code: an SVG element, to be put into a page as it is.
    pub qr_svg: String,
}

/// The second factor is on. No `Debug`: the codes are secrets.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotpEnabled {
    /// Each signs in once instead of a one-time code. Shown this once.
    pub recovery_codes: Vec<String>,
    /// To be sent as `X-CSRF-Token` from now on: the session has a new id. Absent for apps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub csrf_token: Option<String>,
}

// RFC 6749 section 3.2 and RFC 7009 section 2.1: what is not known is ignored, such as the `grant_type` and `client_id`
// that OAuth libraries send along. So for the next ones.
/// Who wants an app's tokens. No `Debug`, as [`Credentials`].
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TokenRequest {
    /// User name or e-mail address.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub login: String,
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: String,
    /// One-time or recovery code, where the member has switched that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub otp: Option<String>,
    /// For apps in a browser: the refresh token comes as the cookie `rt`, which scripts cannot read.
    #[serde(default)]
    pub refresh_cookie: bool,
}

/// An app's tokens (RFC 6749 section 5.1). No `Debug`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
    /// Good for one refresh, which answers the next one. Absent where it is in the cookie `rt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refresh_token: Option<String>,
}

/// What is to be refreshed. No `Debug`.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefreshRequest {
    /// Absent: the one in the cookie `rt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1024)]
    pub refresh_token: Option<String>,
}

/// What is to be revoked (RFC 7009 section 2.1). No `Debug`.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RevokeRequest {
    /// A refresh or an access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub token: Option<String>,
    /// The same, by the name it has elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4096)]
    pub refresh_token: Option<String>,
    /// Not needed: both kinds are recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type_hint: Option<String>,
}

/// What somebody is signed in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignInKind {
    /// A session with a cookie.
    Browser,
    /// Tokens.
    App,
}

/// One place where somebody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedSession {
    /// For `DELETE /auth/sessions/{id}`; nobody can sign in with it.
    pub id: String,
    pub kind: SignInKind,
    /// Such as `Firefox on Windows`.
    pub client: String,
    /// The network it signed in from.
    pub address: String,
    pub created_at: Rfc3339,
    /// Within a minute.
    pub last_seen_at: Rfc3339,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A way to sign in through somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInProvider {
    pub id: String,
    /// For people.
    pub name: String,
    /// Where a browser is sent to sign in, with `returnTo` in the query: a page, not a call.
    pub login_path: String,
}

/// The session that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MySession<'d> {
    /// Its name in lists; neither its cookie nor anything that leads to it.
    pub id: String,
    /// What it signed in with.
    pub client: &'d str,
    /// Where from, masked.
    pub address: &'d str,
}
