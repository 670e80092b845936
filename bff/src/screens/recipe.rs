//! `GET /bff/recipes/{id}`: the recipe with what it costs, its author, the first comments with theirs. Open to all.

use actix_web::HttpRequest;
use futures_util::future::join;
use schemas::{Id, RecipePage};

use super::{
    joined::{Joined, tags_of_comments},
    params::path_id,
    screen::{Screen, ScreenSettings, Screens, Upstream},
};
use crate::{
    cache::{DocumentKey, Filled, Tag},
    compose::{Compact, ComposeError, Run, View},
    edge::{ApiError, Operation},
};

/// How many comments come with it.
const COMMENTS: u32 = 20;

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
        at_most: &[("comments", 5)],
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

    async fn compose(run: Run, up: Upstream, _: Option<Id>, id: Id) -> Result<Filled, ComposeError> {
        let client = &up.clients().recipe;
        let recipe = run.part("recipe").subject().within(0.7).tag(Tag::recipe(&id));
        let comments = run.part("comments").within(0.7).tag(Tag::recipe(&id)).tags_of(tags_of_comments);
        let (recipe, comments) = join(
            recipe.required(client.recipe(&up.cx, &id)),
            comments.optional(client.comments(&up.cx, &id, COMMENTS, None)),
        )
        .await;
        let recipe = recipe?;
        let comment_list = comments.iter().flat_map(|page| &page.items);
        for comment in comment_list.clone() {
            up.screens.comment_recipes.insert(comment.id.clone(), id.clone());
        }
        let writers = comment_list.map(|comment| &comment.author_id).chain([&recipe.author_id]);
        let joined = Joined::authors(&run, &up, writers).await;
        let page = RecipePage {
            recipe: joined.whole_recipe(&recipe),
            comments: comments.as_ref().map(|page| joined.comments(&page.items)),
            next_cursor: comments.as_ref().and_then(|page| page.next_cursor.as_deref()),
            degraded: run.degraded(),
        };
        run.finish(&page)
    }
}
