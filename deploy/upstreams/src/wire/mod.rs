//! Wire types of the three services: what they take and answer, and the arithmetic of costs. Read by `http`, written by
//! `profile`, `timeline` and `recipe`, described by `contract`.
//!
//! JSON is camelCase, times are RFC 3339, ids are opaque strings, and money is an integer in the currency's minor unit.

mod amount;
mod comment;
mod export;
mod member;
mod post;
mod recipe;

pub(crate) use amount::{Amount, cost, cost_per_serving};
pub(crate) use comment::{Comment, CommentInput};
pub(crate) use export::ExportItem;
pub(crate) use member::{Counts, Following, Member, MemberCard, MemberPatch};
pub(crate) use post::{Post, PostInput};
pub(crate) use recipe::{
    Ingredient, IngredientAmount, Recipe, RecipeCard, RecipeForm, RecipeIngredient, RecipeInput,
};
