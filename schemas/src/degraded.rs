//! What every screen says of parts that are missing or old.

use serde::{Deserialize, Serialize};

/// A part of a screen that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DegradedPart {
    pub part: &'static str,
    pub status: PartStatus,
    pub reason: Reason,
}

/// What became of a degraded part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartStatus {
    /// Its last good copy stands in.
    Stale,
    /// It is null.
    Missing,
}

/// Why a part is degraded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No answer in time.
    Timeout,
    /// No connection, or a 5xx.
    Unavailable,
    /// An answer that cannot be used: not the agreed shape, cut off, too large, a redirect.
    Invalid,
    /// A 4xx.
    Rejected,
    /// The upstream, or the gateway's own limit for it, has no room.
    Overloaded,
}
