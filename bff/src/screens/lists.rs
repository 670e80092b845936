//! Posts and recipes with all that hangs on them: what the home feed and a member's page have in common.

use std::{future::Future, iter, sync::Arc};

use futures_util::future::join;
use schemas::{FeedPost, Items, Page, Post, RecipeCard, RecipeCardWithAuthor};

use super::{joined::Joined, screen::Upstream};
use crate::compose::Run;

type Posts = Option<Arc<Page<Post>>>;
type Recipes = Option<Arc<Items<RecipeCard>>>;

/// A list of posts and one of recipes, each `None` where it could not be had.
pub(super) struct Lists {
    posts: Posts,
    recipes: Recipes,
    with_posts: Arc<Joined>,
    with_recipes: Arc<Joined>,
}

impl Lists {
    /// Awaits both lists and looks up what hangs on them.
    pub(super) async fn fetch(
        run: &Run,
        up: &Upstream,
        posts: impl Future<Output = Posts>,
        recipes: impl Future<Output = Recipes>,
    ) -> Self {
        if run.is_followed() {
            return Self::fetch_one_by_one(run, up, posts, recipes).await;
        }
        let (posts, recipes) = join(posts, recipes).await;
        let (post_list, recipe_list) = (posts_of(&posts), recipes_of(&recipes));
        let with_both = Arc::new(Joined::fetch(run, up, "authors", post_list, recipe_list).await);
        Self { posts, recipes, with_posts: Arc::clone(&with_both), with_recipes: with_both }
    }

    /// The same for somebody who reads along: neither list waits for the other one, for which authors that are in
    /// both may be looked up twice.
    async fn fetch_one_by_one(
        run: &Run,
        up: &Upstream,
        posts: impl Future<Output = Posts>,
        recipes: impl Future<Output = Recipes>,
    ) -> Self {
        let posts = async {
            let posts = posts.await;
            let joined = Joined::fetch(run, up, "authors of posts", posts_of(&posts), iter::empty()).await;
            if let Some(page) = &posts {
                run.emit_behind("posts", &joined.posts(&page.items));
                run.emit_behind("nextCursor", &page.next_cursor);
            }
            (posts, Arc::new(joined))
        };
        let recipes = async {
            let recipes = recipes.await;
            let writers = recipes_of(&recipes).map(|card| &card.author_id);
            let joined = Joined::authors(run, up, "authors of recipes", writers).await;
            if let Some(list) = &recipes {
                run.emit_behind("recipes", &joined.recipes(&list.items));
            }
            (recipes, Arc::new(joined))
        };
        let ((posts, with_posts), (recipes, with_recipes)) = join(posts, recipes).await;
        Self { posts, recipes, with_posts, with_recipes }
    }

    /// Whether neither could be had.
    pub(super) fn are_missing(&self) -> bool {
        self.posts.is_none() && self.recipes.is_none()
    }

    /// The posts, each with its author and its recipe.
    pub(super) fn posts(&self) -> Option<Vec<FeedPost<'_>>> {
        self.posts.as_ref().map(|page| self.with_posts.posts(&page.items))
    }

    /// The recipes, each with its author.
    pub(super) fn recipes(&self) -> Option<Vec<RecipeCardWithAuthor<'_>>> {
        self.recipes.as_ref().map(|list| self.with_recipes.recipes(&list.items))
    }

    /// Asks for the next posts.
    pub(super) fn next_cursor(&self) -> Option<&str> {
        self.posts.as_ref().and_then(|page| page.next_cursor.as_deref())
    }
}

fn posts_of(posts: &Posts) -> impl Iterator<Item = &Post> + Clone {
    posts.iter().flat_map(|page| &page.items)
}

fn recipes_of(recipes: &Recipes) -> impl Iterator<Item = &RecipeCard> {
    recipes.iter().flat_map(|list| &list.items)
}
