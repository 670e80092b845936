//! Comments on recipes: what the recipe service serves.

use schemas::{Id, RawText, Rfc3339};
use serde::{Deserialize, Serialize};

/// A comment as the recipe service holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comment {
    pub(crate) id: Id,
    pub(crate) recipe_id: Id,
    pub(crate) author_id: Id,
    pub(crate) body: RawText,
    pub(crate) like_count: u64,
    pub(crate) liked_by_me: bool,
    pub(crate) created_at: Rfc3339,
    pub(crate) updated_at: Rfc3339,
}

/// A comment to be made, or its new text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CommentInput {
    #[schema(
        min_length = 1,
        max_length = 10000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub(crate) body: String,
}
