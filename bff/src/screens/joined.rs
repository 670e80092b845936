//! Authors and recipe cards: what several screens hang on what their parts brought.

use std::collections::HashMap;

use clients::RecipeQuery;
use futures_util::future::join;
use schemas::{
    Comment, CommentWithAuthor, FeedPost, Id, Items, MemberCard, Page, Post, Recipe, RecipeCard,
    RecipeCardWithAuthor, RecipeWithAuthor,
};

use super::{screen::Upstream, tags};
use crate::{compose::Run, invalidation::Tag};

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
    let lookup = run.lookup("authors").kept_as(kept_as).tag_of(tags::member).known(members.find(&ids));
    lookup.optional(ids, fetch).await
}

/// The recipe cards with these ids, as the acting user sees them.
async fn recipe_cards<'i>(
    run: &Run,
    upstream: &Upstream,
    ids: impl Iterator<Item = &'i Id>,
) -> Cards<RecipeCard> {
    let fetch = |missing| upstream.clients().recipe.recipe_cards(&upstream.cx, missing);
    let lookup = run.lookup("recipes").kept_as("recipe cards").tag_of(tags::recipe);
    let cards = lookup.optional(unique(ids), fetch).await;
    for (id, card) in &cards {
        upstream.screens.recipe_authors.insert(id.clone(), card.author_id.clone());
    }
    cards
}

/// Who wrote these recipes, as far as anybody's screen has shown them: it never changes. Saves a step where the
/// author of a recipe's card must be looked up as well.
fn probable_authors<'i>(upstream: &Upstream, recipes: impl Iterator<Item = &'i Id>) -> Vec<Id> {
    recipes.filter_map(|id| upstream.screens.recipe_authors.get(id)).collect()
}

/// The share of the deadline that is left to the first step, so that the authors of what did come can still be
/// looked up when something does not.
pub(super) const FIRST_STEP: f64 = 0.7;

/// What posts and recipes are joined with.
pub(super) struct Joined {
    members: Cards<MemberCard>,
    cards: Cards<RecipeCard>,
}

impl Joined {
    /// Looks up the authors of `posts` and `recipes`, and the recipes that the posts speak of with their authors.
    /// `kept_as` tells two look-ups of one screen apart.
    pub(super) async fn fetch<'i>(
        run: &Run,
        up: &Upstream,
        kept_as: &'static str,
        posts: impl Iterator<Item = &'i Post> + Clone,
        recipes: impl Iterator<Item = &'i RecipeCard>,
    ) -> Self {
        let spoken_of = posts.clone().filter_map(|post| post.recipe_id.as_ref());
        let probable = probable_authors(up, spoken_of.clone());
        let writers = posts.map(|post| &post.author_id).chain(recipes.map(|recipe| &recipe.author_id));
        let members = authors(run, up, kept_as, writers.chain(&probable));
        let (mut members, cards) = join(members, recipe_cards(run, up, spoken_of)).await;
        // A post may speak of the recipe of somebody who wrote nothing else here.
        let strangers = cards.values().map(|card| &card.author_id).filter(|id| !members.contains_key(*id));
        let strangers = authors(run, up, "recipe authors", strangers).await;
        members.extend(strangers);
        Self { members, cards }
    }

    /// Looks up authors alone.
    pub(super) async fn authors<'i>(
        run: &Run,
        up: &Upstream,
        kept_as: &'static str,
        ids: impl Iterator<Item = &'i Id>,
    ) -> Self {
        Self { members: authors(run, up, kept_as, ids).await, cards: Cards::new() }
    }

    /// A whole recipe with its author.
    pub(super) fn whole_recipe<'d>(&'d self, recipe: &'d Recipe) -> RecipeWithAuthor<'d> {
        RecipeWithAuthor { recipe, author: self.members.get(&recipe.author_id) }
    }

    /// The comments with their authors.
    pub(super) fn comments<'d>(&'d self, comments: &'d [Comment]) -> Vec<CommentWithAuthor<'d>> {
        let join = |comment: &'d Comment| CommentWithAuthor {
            comment,
            author: self.members.get(&comment.author_id),
        };
        comments.iter().map(join).collect()
    }

    /// The posts with their authors and recipes.
    pub(super) fn posts<'d>(&'d self, posts: &'d [Post]) -> Vec<FeedPost<'d>> {
        let with_recipe = |id: &Id| self.cards.get(id).map(|card| self.recipe(card));
        let join = |post: &'d Post| FeedPost {
            id: &post.id,
            text: &post.text,
            created_at: &post.created_at,
            like_count: post.like_count,
            liked_by_me: post.liked_by_me,
            author: self.members.get(&post.author_id),
            recipe: post.recipe_id.as_ref().and_then(with_recipe),
        };
        posts.iter().map(join).collect()
    }

    /// The recipes with their authors.
    pub(super) fn recipes<'d>(&'d self, recipes: &'d [RecipeCard]) -> Vec<RecipeCardWithAuthor<'d>> {
        recipes.iter().map(|card| self.recipe(card)).collect()
    }

    fn recipe<'d>(&'d self, card: &'d RecipeCard) -> RecipeCardWithAuthor<'d> {
        RecipeCardWithAuthor { card, author: self.members.get(&card.author_id) }
    }
}

/// What a page of posts depends on.
pub(super) fn tags_of_posts(page: &Page<Post>) -> Vec<Tag> {
    page.items.iter().flat_map(|post| [tags::post(&post.id), tags::posts_of(&post.author_id)]).collect()
}

/// What a page of comments depends on.
pub(super) fn tags_of_comments(page: &Page<Comment>) -> Vec<Tag> {
    page.items
        .iter()
        .flat_map(|comment| [tags::comment(&comment.id), tags::member(&comment.author_id)])
        .collect()
}

/// The newest recipes of one member.
pub(super) fn recipes_of(member: &Id) -> RecipeQuery {
    RecipeQuery { author_id: Some(member.clone()), ..RecipeQuery::default() }
}

/// What a list of recipes depends on.
pub(super) fn tags_of_recipes(list: &Items<RecipeCard>) -> Vec<Tag> {
    list.items.iter().map(|recipe| tags::recipe(&recipe.id)).collect()
}

fn unique<'i>(ids: impl Iterator<Item = &'i Id>) -> Vec<Id> {
    let mut ids: Vec<Id> = ids.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
