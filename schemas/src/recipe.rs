//! Recipes and ingredients: what the recipe service serves. Money is in the currency's minor unit.

use serde::{Deserialize, Serialize};

use crate::{Amount, Id, RawText, Rfc3339};

/// A recipe in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipeCard {
    pub id: Id,
    pub author_id: Id,
    pub title: String,
    pub photo_url: Option<String>,
    pub servings: u32,
    pub total_cost: u64,
    pub cost_per_serving: u64,
    /// ISO 4217.
    pub currency: String,
    pub like_count: u64,
    pub liked_by_me: bool,
    pub comment_count: u64,
    pub created_at: Rfc3339,
}

/// A whole recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recipe {
    pub id: Id,
    pub author_id: Id,
    pub title: String,
    pub photo_url: Option<String>,
    pub servings: u32,
    pub total_cost: u64,
    pub cost_per_serving: u64,
    /// ISO 4217.
    pub currency: String,
    pub like_count: u64,
    pub liked_by_me: bool,
    pub comment_count: u64,
    pub created_at: Rfc3339,
    pub body: RawText,
    pub ingredients: Vec<RecipeIngredient>,
    pub updated_at: Rfc3339,
}

/// One line of a recipe's cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipeIngredient {
    pub ingredient_id: Id,
    pub name: String,
    pub unit: String,
    pub amount: Amount,
    /// `round_half_up(amount × price / per)`.
    pub cost: u64,
}

/// Something that can be bought: `price` buys `per` units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ingredient {
    pub id: Id,
    pub name: String,
    pub unit: String,
    pub price: u64,
    pub per: Amount,
}

/// How much of an ingredient a recipe takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IngredientAmount {
    pub ingredient_id: Id,
    /// More than 0, with at most three places.
    #[schema(value_type = f64, exclusive_minimum = 0, maximum = 999_999_999_999.999, multiple_of = 0.001, example = 150)]
    pub amount: Amount,
}

/// A recipe to be made, or its new whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecipeInput {
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub title: String,
    #[schema(
        min_length = 1,
        max_length = 10000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    pub body: String,
    #[schema(minimum = 1, maximum = 100)]
    pub servings: u32,
    #[schema(min_items = 1, max_items = 100)]
    pub ingredients: Vec<IngredientAmount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 512,
        pattern = "^[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$"
    )]
    pub photo_key: Option<String>,
}

/// A recipe as its author edits it: what [`RecipeInput`] takes, plus its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecipeForm {
    pub id: Id,
    pub title: String,
    pub body: RawText,
    pub servings: u32,
    pub ingredients: Vec<RecipeIngredient>,
    pub photo_key: Option<String>,
}
