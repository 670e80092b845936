//! `GET /bff/members/{id}?limit=20&cursor=`: a member, their posts and recipes, whether I follow them. Open to all.

use actix_web::HttpRequest;
use futures_util::{FutureExt, TryFutureExt, future::try_join3};
use schemas::{Following, Id, Items, MemberPage};

use super::{
    joined::{FIRST_STEP, recipes_of, tags_of_posts, tags_of_recipes},
    lists::Lists,
    params::{PageParams, path_id},
    screen::{Screen, ScreenSettings, Screens, Upstream},
    tags,
};
use crate::{
    cache::DocumentKey,
    compose::{Compact, ComposeError, Composed, Run, View},
    edge::{ApiError, Operation},
};

/// A member's page.
#[derive(Debug)]
pub struct MemberScreen;

impl Screen for MemberScreen {
    const NAME: &'static str = "member";
    const ROUTE: &'static str = "/bff/members/{id}";
    const SUMMARY: &'static str = "A member, their posts and their recipes";
    const COMPACT: Compact = Compact {
        without: &[
            "posts.author",
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
    type Document = MemberPage<'static>;
    type Viewer = Option<Id>;
    type Params = (Id, PageParams);

    fn params(request: &HttpRequest, view: View) -> Result<(Id, PageParams), ApiError> {
        let default = if view.is_compact() { 10 } else { 20 };
        Ok((path_id(request)?, PageParams::read(request.query_string(), default, 50)?))
    }

    fn describe_params(operation: Operation) -> Operation {
        PageParams::describe(operation.at_id("id", "The member."), 20, 50)
    }

    fn key(_: &Option<Id>, (member, page): &(Id, PageParams), key: DocumentKey) -> DocumentKey {
        page.add_to(key.with(member.as_str().as_bytes()))
    }

    fn settings(screens: &Screens) -> ScreenSettings {
        screens.member
    }

    async fn compose(
        run: Run,
        up: Upstream,
        me: Option<Id>,
        (id, page): (Id, PageParams),
    ) -> Result<Composed, ComposeError> {
        let (cx, clients) = (&up.cx, up.clients());
        let profile = run.part("profile").within(FIRST_STEP).tag(tags::member(&id));
        let posts = run
            .part("posts")
            .from_cursor(page.cursor.as_deref())
            .within(FIRST_STEP)
            .tag(tags::posts_of(&id))
            .tags_of(tags_of_posts);
        let recipes =
            run.part("recipes").within(FIRST_STEP).tag(tags::recipe_lists()).tags_of(tags_of_recipes);
        let following = run.part("following").within(FIRST_STEP).tag(tags::member(&id));
        let follows = async {
            // Nobody follows, and nobody follows themselves.
            let asks = me.as_ref().is_some_and(|me| *me != id);
            if asks { clients.timeline.following(cx, &id).await } else { Ok(Following { following: false }) }
        };
        let profile = profile.required(clients.profile.member(cx, &id));
        let profile = async { profile.await.inspect(|profile| run.emit("profile", profile)) };
        let posts =
            posts.optional(clients.timeline.member_posts(cx, &id, page.limit, page.cursor.as_deref()));
        let theirs = recipes_of(&id);
        let list = clients.recipe.list(cx, &theirs).map_ok(|page| Items { items: page.items });
        let following = async {
            let following = following.optional(follows).await.map(|following| following.following);
            run.emit_behind("following", &following);
            following
        };
        let lists = Lists::fetch(&run, &up, posts, recipes.optional(list));
        let (profile, lists, following) =
            try_join3(profile, Box::pin(lists.map(Ok)), following.map(Ok)).await?;
        let page = MemberPage {
            profile: &profile,
            following,
            posts: lists.posts(),
            recipes: lists.recipes(),
            next_cursor: lists.next_cursor(),
            degraded: run.degraded(),
        };
        run.finish(&page)
    }
}
