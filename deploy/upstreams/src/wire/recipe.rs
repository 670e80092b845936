//! Recipes and ingredients: what the recipe service serves. Money is in the currency's minor unit.

use schemas::{Id, RawText, Rfc3339};
use serde::{Deserialize, Serialize};

use super::Amount;

/// A recipe in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecipeCard {
    pub(crate) id: Id,
    pub(crate) author_id: Id,
    pub(crate) title: String,
    pub(crate) photo_url: Option<String>,
    pub(crate) servings: u32,
    pub(crate) total_cost: u64,
    pub(crate) cost_per_serving: u64,
    /// ISO 4217.
    pub(crate) currency: String,
    pub(crate) like_count: u64,
    pub(crate) liked_by_me: bool,
    pub(crate) comment_count: u64,
    pub(crate) created_at: Rfc3339,
}

/// A whole recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recipe {
    pub(crate) id: Id,
    pub(crate) author_id: Id,
    pub(crate) title: String,
    pub(crate) photo_url: Option<String>,
    pub(crate) servings: u32,
    pub(crate) total_cost: u64,
    pub(crate) cost_per_serving: u64,
    /// ISO 4217.
    pub(crate) currency: String,
    pub(crate) like_count: u64,
    pub(crate) liked_by_me: bool,
    pub(crate) comment_count: u64,
    pub(crate) created_at: Rfc3339,
    pub(crate) body: RawText,
    pub(crate) ingredients: Vec<RecipeIngredient>,
    pub(crate) updated_at: Rfc3339,
}

/// One line of a recipe's cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecipeIngredient {
    pub(crate) ingredient_id: Id,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) amount: Amount,
    /// `round_half_up(amount × price / per)`.
    pub(crate) cost: u64,
}

/// Something that can be bought: `price` buys `per` units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ingredient {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) price: u64,
    pub(crate) per: Amount,
}

/// How much of an ingredient a recipe takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IngredientAmount {
    pub(crate) ingredient_id: Id,
    /// More than 0, with at most three places.
    #[schema(value_type = f64, exclusive_minimum = 0, maximum = 999_999_999_999.999, multiple_of = 0.001, example = 150)]
    pub(crate) amount: Amount,
}

/// A recipe to be made, or its new whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RecipeInput {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub(crate) title: String,
    #[schema(
        min_length = 1,
        max_length = 10000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub(crate) body: String,
    #[schema(minimum = 1, maximum = 100)]
    pub(crate) servings: u32,
    #[schema(min_items = 1, max_items = 100)]
    pub(crate) ingredients: Vec<IngredientAmount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 512,
        pattern = "^[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$"
    )]
    pub(crate) photo_key: Option<String>,
}

/// A recipe as its author edits it: what [`RecipeInput`] takes, plus its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecipeForm {
    pub(crate) id: Id,
    pub(crate) title: String,
    pub(crate) body: RawText,
    pub(crate) servings: u32,
    pub(crate) ingredients: Vec<RecipeIngredient>,
    pub(crate) photo_key: Option<String>,
}
