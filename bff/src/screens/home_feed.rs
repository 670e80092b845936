//! `GET /bff/home-feed?limit=20&cursor=`: my profile, my timeline, recipes for me, and the authors of both.

use actix_web::HttpRequest;
use futures_util::future::{join, try_join};
use schemas::{HomeFeed, Id, Items};

use super::{
    joined::{FIRST_STEP, Joined, tags_of_posts, tags_of_recipes},
    params::PageParams,
    screen::{Screen, ScreenSettings, Screens, Upstream},
};
use crate::{
    cache::{DocumentKey, Filled, Tag},
    compose::{Compact, ComposeError, Run, View},
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

    async fn compose(run: Run, up: Upstream, me: Id, page: PageParams) -> Result<Filled, ComposeError> {
        let (cx, clients) = (&up.cx, up.clients());
        let profile = run.part("profile").tag(Tag::member(&me)).required(clients.profile.member(cx, &me));
        let profile = async { profile.await.inspect(|profile| run.emit("profile", profile)) };
        let posts = run.part("posts").within(FIRST_STEP).tag(Tag::timeline(&me)).tags_of(tags_of_posts);
        let posts = posts.optional(clients.timeline.timeline(cx, page.limit, page.cursor.as_deref()));
        let recipes =
            run.part("recipes").within(FIRST_STEP).tag(Tag::recipe_lists()).tags_of(tags_of_recipes);
        let recipes =
            recipes.optional(async { clients.recipe.for_me(cx, RECIPES).await.map(|items| Items { items }) });
        let rest = async {
            let (posts, recipes) = join(posts, recipes).await;
            let post_list = posts.iter().flat_map(|page| &page.items);
            let recipe_list = recipes.iter().flat_map(|list| &list.items);
            let joined = Joined::fetch(&run, &up, post_list, recipe_list).await;
            Ok((posts, recipes, joined))
        };
        let (profile, (posts, recipes, joined)) = try_join(profile, Box::pin(rest)).await?;
        run.at_least_one(posts.is_some() || recipes.is_some())?;
        let feed = HomeFeed {
            profile: &profile,
            posts: posts.as_ref().map(|page| joined.posts(&page.items)),
            recipes: recipes.as_ref().map(|list| joined.recipes(&list.items)),
            next_cursor: posts.as_ref().and_then(|page| page.next_cursor.as_deref()),
            degraded: run.degraded(),
        };
        run.finish(&feed)
    }
}
