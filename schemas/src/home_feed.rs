//! The home feed, and what all screens share: parts that are missing or old.

use serde::{Deserialize, Serialize};

use crate::{Id, Member, MemberCard, RawText, RecipeCard, Rfc3339};

// Borrows from what the upstreams sent: composing copies nothing.
/// My profile, my timeline, and recipes for me.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomeFeed<'d> {
    pub profile: &'d Member,
    /// Newest first; null when the timeline service did not answer.
    pub posts: Option<Vec<FeedPost<'d>>>,
    /// Null when the recipe service did not answer.
    pub recipes: Option<Vec<RecipeCardWithAuthor<'d>>>,
    pub next_cursor: Option<&'d str>,
    pub degraded: Vec<DegradedPart>,
}

/// A post with its author and recipe.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedPost<'d> {
    pub id: &'d Id,
    pub text: &'d RawText,
    pub created_at: &'d Rfc3339,
    pub like_count: u64,
    pub liked_by_me: bool,
    pub author: Option<&'d MemberCard>,
    pub recipe: Option<RecipeCardWithAuthor<'d>>,
}

/// A recipe in a list, with its author beside it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipeCardWithAuthor<'d> {
    #[serde(flatten)]
    pub card: &'d RecipeCard,
    pub author: Option<&'d MemberCard>,
}

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
