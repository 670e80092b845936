//! `GET /bff/home-feed?limit=20&cursor=`: my profile, my timeline, recipes for me, and the authors of both.

use actix_web::HttpRequest;
use futures_util::{FutureExt, future::try_join};
use schemas::{HomeFeed, Id, Items};

use super::{
    joined::{FIRST_STEP, tags_of_posts, tags_of_recipes},
    lists::Lists,
    params::PageParams,
    screen::{Screen, ScreenSettings, Screens, Upstream},
    tags,
};
use crate::{
    cache::DocumentKey,
    compose::{Compact, ComposeError, Composed, Run, View},
    edge::{ApiError, Operation},
};

/// How many recipes are proposed.
const RECIPES: u32 = 10;

/// The home feed.
#[derive(Debug)]
pub struct HomeFeedScreen;

impl Screen for HomeFeedScreen {
    const NAME: &'static str = "home-feed";
    const ROUTE: &'static str = "/bff/home-feed";
    const SUMMARY: &'static str = "My profile, my timeline and recipes for me";
    const COMPACT: Compact = Compact {
        without: &[
            "profile.bio",
            "profile.createdAt",
            "posts.author.username",
            "posts.recipe.author",
            "posts.recipe.authorId",
            "posts.recipe.createdAt",
            "posts.recipe.totalCost",
            "posts.recipe.servings",
            "posts.recipe.likeCount",
            "posts.recipe.likedByMe",
            "posts.recipe.commentCount",
            "recipes.author",
            "recipes.authorId",
            "recipes.likeCount",
            "recipes.createdAt",
            "recipes.totalCost",
            "recipes.servings",
            "recipes.likedByMe",
            "recipes.commentCount",
        ],
        at_most: &[("recipes", 5)],
    };
    type Document = HomeFeed<'static>;
    type Viewer = Id;
    type Params = PageParams;

    fn params(request: &HttpRequest, view: View) -> Result<PageParams, ApiError> {
        PageParams::read(request.query_string(), if view.is_compact() { 10 } else { 20 }, 50)
    }

    fn describe_params(operation: Operation) -> Operation {
        PageParams::describe(operation, 20, 50)
    }

    fn key(_: &Id, page: &PageParams, key: DocumentKey) -> DocumentKey {
        page.add_to(key)
    }

    fn settings(screens: &Screens) -> ScreenSettings {
        screens.home_feed
    }

    async fn compose(run: Run, up: Upstream, me: Id, page: PageParams) -> Result<Composed, ComposeError> {
        let (cx, clients) = (&up.cx, up.clients());
        let profile = run
            .part("profile")
            .tag(tags::member(&me))
            .required(up.own_account(|| clients.profile.member(cx, &me)));
        let profile = async { profile.await.inspect(|profile| run.emit("profile", profile)) };
        let posts = run
            .part("posts")
            .from_cursor(page.cursor.as_deref())
            .within(FIRST_STEP)
            .tag(tags::timeline(&me))
            .tags_of(tags_of_posts);
        let posts = posts.optional(clients.timeline.timeline(cx, page.limit, page.cursor.as_deref()));
        let recipes =
            run.part("recipes").within(FIRST_STEP).tag(tags::recipe_lists()).tags_of(tags_of_recipes);
        let recipes =
            recipes.optional(async { clients.recipe.for_me(cx, RECIPES).await.map(|items| Items { items }) });
        let lists = Lists::fetch(&run, &up, posts, recipes);
        let (profile, lists) = try_join(profile, Box::pin(lists.map(Ok))).await?;
        run.at_least_one(!lists.are_missing())?;
        let feed = HomeFeed {
            profile: &profile,
            posts: lists.posts(),
            recipes: lists.recipes(),
            next_cursor: lists.next_cursor(),
            degraded: run.degraded(),
        };
        run.finish(&feed)
    }
}
