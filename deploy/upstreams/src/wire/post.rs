//! Posts: what the timeline service serves.

use schemas::{Id, RawText, Rfc3339};
use serde::{Deserialize, Serialize};

/// A post as the timeline service holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Post {
    pub(crate) id: Id,
    pub(crate) author_id: Id,
    pub(crate) text: RawText,
    /// The recipe that the post speaks of.
    #[serde(default)]
    pub(crate) recipe_id: Option<Id>,
    pub(crate) created_at: Rfc3339,
    pub(crate) like_count: u64,
    pub(crate) liked_by_me: bool,
}

/// A post to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PostInput {
    #[schema(
        min_length = 1,
        max_length = 10000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recipe_id: Option<Id>,
}
