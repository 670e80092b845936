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
    let clients = upstream.clients();
    let fetch = |missing: Vec<Id>| async move {
        let call = |ids| clients.profile.member_cards(&upstream.cx, ids);
        upstream.screens.members.get(&missing, call).await
    };
    run.lookup("authors").kept_as(kept_as).tag_of(Tag::member).optional(unique(ids), fetch).await
}

/// The recipe cards with these ids, as the acting user sees them.
pub(super) async fn recipe_cards<'i>(
    run: &Run,
    upstream: &Upstream,
    ids: impl Iterator<Item = &'i Id>,
) -> Cards<RecipeCard> {
    let fetch = |missing| upstream.clients().recipe.recipe_cards(&upstream.cx, missing);
    run.lookup("recipes").kept_as("recipe cards").tag_of(Tag::recipe).optional(unique(ids), fetch).await
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
