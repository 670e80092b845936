//! `GET /bff/home-feed?limit=20&cursor=`: my profile, my timeline, recipes for me, and the authors of both.

use actix_web::HttpRequest;
use futures_util::future::{join, try_join};
use schemas::{FeedPost, HomeFeed, Id, Items, MemberCard, Page, Post, RecipeCard};

use super::{
    joined::{Cards, authors, probable_authors, recipe_cards, with_author},
    params::PageParams,
    screen::{Screen, ScreenSettings, Screens, Upstream},
};
use crate::{
    cache::{DocumentKey, Filled, Tag},
    compose::{ComposeError, Run},
    edge::ApiError,
};

/// How many recipes are proposed.
const RECIPES: u32 = 10;

/// The share of the deadline that is left to the first step, so that the authors of what did come can still be
/// looked up when something does not.
const FIRST_STEP: f64 = 0.7;

/// The home feed.
#[derive(Debug)]
pub struct HomeFeedScreen;

impl Screen for HomeFeedScreen {
    const NAME: &'static str = "home-feed";
    const ROUTE: &'static str = "/bff/home-feed";
    type Params = PageParams;

    fn params(request: &HttpRequest) -> Result<PageParams, ApiError> {
        PageParams::read(request.query_string(), 20, 50)
    }

    fn key(params: &PageParams, key: DocumentKey) -> DocumentKey {
        key.with_number(params.limit).with(params.cursor.as_deref().unwrap_or_default().as_bytes())
    }

    fn settings(screens: &Screens) -> ScreenSettings {
        screens.home_feed
    }

    async fn compose(run: Run, up: Upstream, me: Id, page: PageParams) -> Result<Filled, ComposeError> {
        let (cx, clients) = (&up.cx, up.clients());
        let profile = run.part("profile").tag(Tag::member(&me)).required(clients.profile.member(cx, &me));
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
            let spoken_of = post_list.clone().filter_map(|post| post.recipe_id.as_ref());
            let probable = probable_authors(&up, spoken_of.clone());
            let writers = post_list.map(|post| &post.author_id).chain(recipe_list.map(|r| &r.author_id));
            let (mut members, cards) = join(
                authors(&run, &up, "authors", writers.chain(&probable)),
                recipe_cards(&run, &up, spoken_of),
            )
            .await;
            // A post may speak of the recipe of somebody who wrote nothing else here.
            let strangers = cards.values().map(|c| &c.author_id).filter(|id| !members.contains_key(*id));
            let strangers = authors(&run, &up, "recipe authors", strangers).await;
            members.extend(strangers);
            Ok((posts, recipes, members, cards))
        };
        let (profile, (posts, recipes, members, cards)) = try_join(profile, rest).await?;
        run.at_least_one(posts.is_some() || recipes.is_some())?;
        let feed_post = |post| feed_post(post, &members, &cards);
        let feed = HomeFeed {
            profile: &profile,
            posts: posts.as_ref().map(|page| page.items.iter().map(feed_post).collect()),
            recipes: recipes.as_ref().map(|l| l.items.iter().map(|c| with_author(c, &members)).collect()),
            next_cursor: posts.as_ref().and_then(|page| page.next_cursor.as_deref()),
            degraded: run.degraded(),
        };
        run.finish(&feed)
    }
}

fn feed_post<'d>(
    post: &'d Post,
    members: &'d Cards<MemberCard>,
    cards: &'d Cards<RecipeCard>,
) -> FeedPost<'d> {
    let recipe = post.recipe_id.as_ref().and_then(|id| cards.get(id));
    FeedPost {
        id: &post.id,
        text: &post.text,
        created_at: &post.created_at,
        like_count: post.like_count,
        liked_by_me: post.liked_by_me,
        author: members.get(&post.author_id),
        recipe: recipe.map(|card| with_author(card, members)),
    }
}

fn tags_of_posts(page: &Page<Post>) -> Vec<Tag> {
    page.items.iter().flat_map(|post| [Tag::post(&post.id), Tag::posts_of(&post.author_id)]).collect()
}

fn tags_of_recipes(list: &Items<RecipeCard>) -> Vec<Tag> {
    list.items.iter().map(|recipe| Tag::recipe(&recipe.id)).collect()
}
