//! What a recipe costs: integers throughout, worked out from the prices of its ingredients.

use rusqlite::Transaction;

use super::ingredients;
use crate::{
    http::{Checks, Failure},
    wire::{RecipeIngredient, RecipeInput, cost, cost_per_serving},
};

/// Larger numbers lose digits in a browser (RFC 8259 section 6: interoperable integers).
const LARGEST_COST: u64 = (1 << 53) - 1;

/// A recipe's lines with their costs, and the sums.
pub(super) struct Costed {
    pub(super) lines: Vec<RecipeIngredient>,
    pub(super) total: u64,
    pub(super) per_serving: u64,
}

/// 422 where an ingredient is unknown or the sum is beyond what can be told exactly.
pub(super) fn work_out(tx: &Transaction<'_>, input: &RecipeInput) -> Result<Costed, Failure> {
    let mut checks = Checks::default();
    let mut lines = Vec::with_capacity(input.ingredients.len());
    let mut total = Some(0_u64);
    for (place, line) in input.ingredients.iter().enumerate() {
        let Some(ingredient) = ingredients::find(tx, &line.ingredient_id)? else {
            let field = format!("ingredients[{place}].ingredientId");
            checks.refuse(&field, "unknown_ingredient", "is not among the ingredients");
            continue;
        };
        let cost = cost(line.amount, ingredient.price, ingredient.per);
        total = total.zip(cost).and_then(|(sum, cost)| sum.checked_add(cost));
        lines.push(RecipeIngredient {
            ingredient_id: ingredient.id,
            name: ingredient.name,
            unit: ingredient.unit,
            amount: line.amount,
            cost: cost.unwrap_or(u64::MAX),
        });
    }
    let total = total.filter(|total| *total <= LARGEST_COST);
    if total.is_none() {
        checks.refuse("ingredients", "cost_overflow", "cost more than can be told exactly");
    }
    checks.done()?;
    // Both are there: an overflow was refused above, and servings are at least 1.
    let total = total.unwrap_or_default();
    let per_serving = cost_per_serving(total, input.servings).unwrap_or_default();
    Ok(Costed { lines, total, per_serving })
}
