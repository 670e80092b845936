//! `GET /bff/recipes/{id}`: the recipe with what it costs, its author, the first comments with theirs. Open to all.

use std::{future::Future, iter, sync::Arc};

use actix_web::HttpRequest;
use futures_util::{FutureExt, future::try_join};
use schemas::{Comment, Id, Page, Recipe, RecipePage};

use super::{
    joined::{Joined, tags_of_comments},
    params::path_id,
    screen::{Screen, ScreenSettings, Screens, Upstream},
    tags,
};
use crate::{
    cache::DocumentKey,
    compose::{Compact, ComposeError, Composed, Run, View},
    edge::{ApiError, Operation},
};

/// How many comments come with it, and how many with its compact shape: asked for like that rather than cut, since
/// `nextCursor` must lead to the first that is not there.
const COMMENTS: u32 = 20;
const FEW_COMMENTS: u32 = 5;

/// A recipe's page.
#[derive(Debug)]
pub struct RecipeScreen;

impl Screen for RecipeScreen {
    const NAME: &'static str = "recipe";
    const ROUTE: &'static str = "/bff/recipes/{id}";
    const SUMMARY: &'static str = "A recipe, what it costs, its author and its first comments";
    const COMPACT: Compact = Compact {
        without: &[
            "recipe.updatedAt",
            "recipe.ingredients.ingredientId",
            "comments.recipeId",
            "comments.updatedAt",
        ],
        at_most: &[],
    };
    type Document = RecipePage<'static>;
    type Viewer = Option<Id>;
    type Params = Id;

    fn params(request: &HttpRequest, _: View) -> Result<Id, ApiError> {
        path_id(request)
    }

    fn describe_params(operation: Operation) -> Operation {
        operation.at_id("id", "The recipe.")
    }

    fn key(_: &Option<Id>, recipe: &Id, key: DocumentKey) -> DocumentKey {
        key.with(recipe.as_str().as_bytes())
    }

    fn settings(screens: &Screens) -> ScreenSettings {
        screens.recipe
    }

    async fn compose(run: Run, up: Upstream, _: Option<Id>, id: Id) -> Result<Composed, ComposeError> {
        let client = &up.clients().recipe;
        let recipe = run.part("recipe").within(0.7).tag(tags::recipe(&id));
        let comments = run.part("comments").within(0.7).tag(tags::recipe(&id)).tags_of(tags_of_comments);
        let recipe = recipe.required(client.recipe(&up.cx, &id));
        let how_many = if run.is_compact() { FEW_COMMENTS } else { COMMENTS };
        let comments = comments.optional(client.comments(&up.cx, &id, how_many, None));
        let comments = comments.inspect(|comments| note_recipe_of(comments, &up, &id));
        let (recipe, comments, joined) = if run.is_followed() {
            Box::pin(fetch_one_by_one(&run, &up, recipe, comments)).await?
        } else {
            let (recipe, comments) = try_join(recipe, comments.map(Ok)).await?;
            let writers = writers_of(&comments).chain([&recipe.author_id]);
            let joined = Arc::new(Joined::authors(&run, &up, "authors", writers).await);
            (recipe, comments, [Arc::clone(&joined), joined])
        };
        let [with_recipe, with_comments] = joined;
        let page = RecipePage {
            recipe: with_recipe.whole_recipe(&recipe),
            comments: comments.as_ref().map(|page| with_comments.comments(&page.items)),
            next_cursor: comments.as_ref().and_then(|page| page.next_cursor.as_deref()),
            degraded: run.degraded(),
        };
        run.finish(&page)
    }
}

type Comments = Option<Arc<Page<Comment>>>;

/// For somebody who reads along: neither the recipe nor the comments wait for the authors of the other.
async fn fetch_one_by_one(
    run: &Run,
    up: &Upstream,
    recipe: impl Future<Output = Result<Arc<Recipe>, ComposeError>>,
    comments: impl Future<Output = Comments>,
) -> Result<(Arc<Recipe>, Comments, [Arc<Joined>; 2]), ComposeError> {
    let recipe = async {
        let recipe = recipe.await?;
        let joined = Joined::authors(run, up, "author of the recipe", iter::once(&recipe.author_id)).await;
        run.emit("recipe", &joined.whole_recipe(&recipe));
        Ok((recipe, Arc::new(joined)))
    };
    let comments = async {
        let comments = comments.await;
        let joined = Joined::authors(run, up, "authors of comments", writers_of(&comments)).await;
        if let Some(page) = &comments {
            run.emit_behind("comments", &joined.comments(&page.items));
            run.emit_behind("nextCursor", &page.next_cursor);
        }
        Ok((comments, Arc::new(joined)))
    };
    let ((recipe, with_recipe), (comments, with_comments)) = try_join(recipe, comments).await?;
    Ok((recipe, comments, [with_recipe, with_comments]))
}

fn writers_of(comments: &Comments) -> impl Iterator<Item = &Id> {
    comments.iter().flat_map(|page| &page.items).map(|comment| &comment.author_id)
}

/// A write that names a comment alone must know what its recipe is.
fn note_recipe_of(comments: &Comments, up: &Upstream, recipe: &Id) {
    for comment in comments.iter().flat_map(|page| &page.items) {
        up.screens.comment_recipes.insert(comment.id.clone(), recipe.clone());
    }
}
