//! The other screens. As the home feed, they borrow from what the upstreams sent.

use serde::Serialize;

use crate::{Comment, Counts, DegradedPart, FeedPost, Me, Member, MemberCard, Recipe, RecipeCardWithAuthor};

/// A recipe's page.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipePage<'d> {
    pub recipe: RecipeWithAuthor<'d>,
    /// The first ones; null when they could not be fetched.
    pub comments: Option<Vec<CommentWithAuthor<'d>>>,
    /// Asks for the next comments at `/api/recipes/{id}/comments`.
    pub next_cursor: Option<&'d str>,
    pub degraded: Vec<DegradedPart>,
}

/// A whole recipe with its author beside it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RecipeWithAuthor<'d> {
    #[serde(flatten)]
    pub recipe: &'d Recipe,
    pub author: Option<&'d MemberCard>,
}

/// A comment with its author beside it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CommentWithAuthor<'d> {
    #[serde(flatten)]
    pub comment: &'d Comment,
    pub author: Option<&'d MemberCard>,
}

/// A member's page.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberPage<'d> {
    pub profile: &'d Member,
    /// Whether I follow them; false for callers who are not signed in, null when it could not be found out.
    pub following: Option<bool>,
    /// Newest first; null when they could not be fetched.
    pub posts: Option<Vec<FeedPost<'d>>>,
    /// Newest first; null when they could not be fetched.
    pub recipes: Option<Vec<RecipeCardWithAuthor<'d>>>,
    /// Asks for the next posts.
    pub next_cursor: Option<&'d str>,
    pub degraded: Vec<DegradedPart>,
}

/// My own page.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MePage<'d> {
    pub profile: &'d Me,
    pub session: MySession<'d>,
    /// Null when they could not be fetched.
    pub counts: Option<&'d Counts>,
    pub degraded: Vec<DegradedPart>,
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
