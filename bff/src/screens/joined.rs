//! Authors and recipe cards: what several screens hang on what their parts brought.

use std::collections::HashMap;

use schemas::{Id, MemberCard, RecipeCard, RecipeCardWithAuthor};

use super::screen::Upstream;
use crate::{cache::Tag, compose::Run};

/// Cards by id.
pub(super) type Cards<V> = HashMap<Id, V>;

/// The cards of the members with these ids, out of the cards that all users share where they are there.
/// `kept_as` tells two look-ups of one screen apart.
pub(super) async fn authors<'i>(
    run: &Run,
    upstream: &Upstream,
    kept_as: &'static str,
    ids: impl Iterator<Item = &'i Id>,
) -> Cards<MemberCard> {
    let (members, profile) = (&upstream.screens.members, &upstream.clients().profile);
    let fetch = |missing| members.fetch(missing, async |ids| profile.member_cards(&upstream.cx, ids).await);
    let ids = unique(ids);
    let lookup = run.lookup("authors").kept_as(kept_as).tag_of(Tag::member).known(members.find(&ids));
    lookup.optional(ids, fetch).await
}

/// The recipe cards with these ids, as the acting user sees them.
pub(super) async fn recipe_cards<'i>(
    run: &Run,
    upstream: &Upstream,
    ids: impl Iterator<Item = &'i Id>,
) -> Cards<RecipeCard> {
    let fetch = |missing| upstream.clients().recipe.recipe_cards(&upstream.cx, missing);
    let lookup = run.lookup("recipes").kept_as("recipe cards").tag_of(Tag::recipe);
    let cards = lookup.optional(unique(ids), fetch).await;
    for (id, card) in &cards {
        upstream.screens.recipe_authors.insert(id.clone(), card.author_id.clone());
    }
    cards
}

/// Who wrote these recipes, as far as anybody's screen has shown them: it never changes. Saves a step where the
/// author of a recipe's card must be looked up as well.
pub(super) fn probable_authors<'i>(upstream: &Upstream, recipes: impl Iterator<Item = &'i Id>) -> Vec<Id> {
    recipes.filter_map(|id| upstream.screens.recipe_authors.get(id)).collect()
}

/// A recipe card with its author beside it.
pub(super) fn with_author<'d>(
    card: &'d RecipeCard,
    authors: &'d Cards<MemberCard>,
) -> RecipeCardWithAuthor<'d> {
    RecipeCardWithAuthor { card, author: authors.get(&card.author_id) }
}

fn unique<'i>(ids: impl Iterator<Item = &'i Id>) -> Vec<Id> {
    let mut ids: Vec<Id> = ids.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
