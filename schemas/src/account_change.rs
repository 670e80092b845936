//! Changes of an account's password, e-mail address and second factor: what callers send, and what the upstream that keeps
//! accounts is asked. No `Debug` on any of them: a password or a token must not reach a log by way of `{:?}`.

use serde::{Deserialize, Serialize};

use crate::Id;

/// A new password for the acting user.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    /// The password that the account has.
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub current: String,
    #[schema(min_length = 8, max_length = 256, format = Password)]
    pub new: String,
}

/// Asks for a link that sets a new password, as callers send it.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgottenPassword {
    #[schema(max_length = 254, format = Email)]
    pub email: String,
}

/// The same as the upstream gets it.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordReminder {
    /// Whoever has it, or nobody: what is no address at all is refused.
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// The language of the mail: a language tag (RFC 5646). Absent: that of `Accept-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 35, pattern = "^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$")]
    pub locale: Option<String>,
}

/// A new password for whoever holds the link.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordReset {
    /// The token in the link: good for one use, for half an hour.
    #[schema(min_length = 1, max_length = 128)]
    pub token: String,
    #[schema(min_length = 8, max_length = 256, format = Password)]
    pub new: String,
}

/// Asks whose password a mailed token sets. The token stays good.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetCheck {
    /// The token in the link.
    #[schema(min_length = 1, max_length = 128)]
    pub token: String,
}

/// Whose password a mailed token sets.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResetOwner {
    pub id: Id,
}

/// Another e-mail address for the acting user. It counts once it is confirmed.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailChange {
    /// The new address; the present one asks for another link to confirm it.
    #[schema(max_length = 254, format = Email)]
    pub email: String,
    /// The password that the account has.
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: String,
}

/// Confirms an e-mail address.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailConfirmation {
    /// The token in the link that was mailed to the address: good for one use, for half an hour.
    #[schema(min_length = 1, max_length = 128)]
    pub token: String,
}

/// Begins a second factor, as callers send it.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TotpStart {
    /// The password that the account has. Absent only where it has none: its member signs in through a provider alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 256, format = Password)]
    pub password: Option<String>,
    /// Ends all other sign-ins of the account right away.
    #[serde(default)]
    pub end_others: bool,
}

/// The same as the upstream gets it.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TotpBegin {
    /// The password that the account has. Absent only where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 256, format = Password)]
    pub password: Option<String>,
}
