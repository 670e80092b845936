//! `GET /bff/members/{id}?limit=20&cursor=`: a member, their posts and recipes, whether I follow them. Open to all.

use actix_web::HttpRequest;
use futures_util::{TryFutureExt, future::join4};
use schemas::{Following, Id, Items, MemberPage};

use super::{
    joined::{FIRST_STEP, Joined, recipes_of, tags_of_posts, tags_of_recipes},
    params::{PageParams, path_id},
    screen::{Screen, ScreenSettings, Screens, Upstream},
};
use crate::{
    cache::{DocumentKey, Filled, Tag},
    compose::{Compact, ComposeError, Run, View},
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
            "recipes.author",
            "recipes.authorId",
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
    ) -> Result<Filled, ComposeError> {
        let (cx, clients) = (&up.cx, up.clients());
        let profile = run.part("profile").subject().within(FIRST_STEP).tag(Tag::member(&id));
        let posts = run.part("posts").within(FIRST_STEP).tag(Tag::posts_of(&id)).tags_of(tags_of_posts);
        let recipes =
            run.part("recipes").within(FIRST_STEP).tag(Tag::recipe_lists()).tags_of(tags_of_recipes);
        let following = run.part("following").within(FIRST_STEP).tag(Tag::member(&id));
        let follows = async {
            // Nobody follows, and nobody follows themselves.
            let asks = me.as_ref().is_some_and(|me| *me != id);
            if asks { clients.timeline.following(cx, &id).await } else { Ok(Following { following: false }) }
        };
        let (profile, posts, recipes, following) = join4(
            profile.required(clients.profile.member(cx, &id)),
            posts.optional(clients.timeline.member_posts(cx, &id, page.limit, page.cursor.as_deref())),
            recipes.optional(
                clients.recipe.list(cx, &recipes_of(&id)).map_ok(|page| Items { items: page.items }),
            ),
            following.optional(follows),
        )
        .await;
        let profile = profile?;
        run.emit("profile", &profile);
        let post_list = posts.iter().flat_map(|page| &page.items);
        let joined = Joined::fetch(&run, &up, post_list, recipes.iter().flat_map(|list| &list.items)).await;
        let page = MemberPage {
            profile: &profile,
            following: following.map(|following| following.following),
            posts: posts.as_ref().map(|page| joined.posts(&page.items)),
            recipes: recipes.as_ref().map(|list| joined.recipes(&list.items)),
            next_cursor: posts.as_ref().and_then(|page| page.next_cursor.as_deref()),
            degraded: run.degraded(),
        };
        run.finish(&page)
    }
}
