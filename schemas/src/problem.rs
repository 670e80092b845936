//! Errors on the wire: RFC 9457 problem details.

use serde::{Deserialize, Serialize};

/// A problem document, `application/problem+json` (RFC 9457 section 3). It never holds a cause, an
/// upstream's text or a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable path under `/problems/`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Stable, snake_case: what programs decide by.
    pub code: String,
    /// The same as `X-Request-Id`.
    pub request_id: String,
    /// What is wrong with which field (422 only).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the field, dotted, list places in brackets: `lines[2].amount`.
    pub field: String,
    /// Stable, snake_case.
    pub code: String,
    pub message: String,
}
