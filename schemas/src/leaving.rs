//! How a member leaves, and what they take along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Id, Reason, Rfc3339};

/// Proof that it is the member who deletes their account. No `Debug`: a password must not reach a log by way of `{:?}`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteAccount {
    #[schema(min_length = 1, max_length = 256, format = Password)]
    pub password: String,
    /// One-time or recovery code, where the member has switched that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64)]
    pub otp: Option<String>,
}

/// All that the services keep of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountExport {
    pub member: Id,
    pub exported_at: Rfc3339,
    /// By the name that the gateway's operator has given it: everything that one service keeps, in its own words.
    pub data: BTreeMap<String, Vec<serde_json::Value>>,
    /// What of `data` ends early. It comes last: a document without it was cut off.
    pub incomplete: Vec<IncompleteExport>,
}

/// A part of an export that ends early, because its service failed after the document had begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncompleteExport {
    /// Its name in `data`.
    pub part: String,
    pub reason: Reason,
}
