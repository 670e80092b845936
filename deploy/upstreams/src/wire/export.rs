//! What a service knows of one member: what they may take along.

use schemas::Rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;

/// One thing that a service has of a member.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExportItem {
    /// What it is: `post`, `recipe`, `comment`, …
    #[schema(value_type = String)]
    pub(crate) kind: Box<str>,
    /// Its id, or that of what it is about.
    pub(crate) id: String,
    pub(crate) created_at: Rfc3339,
    pub(crate) updated_at: Rfc3339,
    /// The rest of it, as the service keeps it.
    #[schema(value_type = Object)]
    pub(crate) data: Box<RawValue>,
}
