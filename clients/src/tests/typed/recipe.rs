//! The recipe service: recipes, their cost, comments and ingredients. Called by `screens` and `auth`.

use std::collections::HashMap;

use http::Method;
use schemas::{
    Comment, CommentInput, Id, Ingredient, Items, NumberedPage, Page, Recipe, RecipeCard, RecipeForm,
    RecipeInput,
};

use super::profile::{MAX_IDS, checked, texts};
use super::{ForgetOnDrop, Query, fetch_matching, reject_reserved_id};
use crate::{CallContext, UpstreamError, batch::Batcher, transport::Upstream};

/// Calls of the recipe service. Every method gives up at the context's deadline or the upstream's
/// timeout and answers [`UpstreamError`] when there is no usable answer. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct RecipeClient {
    upstream: Upstream,
    cards: Batcher<Option<Id>, RecipeCard>,
}

/// What stands in the place of an id in the service's own paths: no recipe can be asked for by these names.
const WORDS: [&str; 2] = ["cards", "for-me"];

/// Which recipes to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecipeQuery {
    /// Words to look for in title, body, author and ingredients.
    pub(crate) q: Option<String>,
    /// From 1.
    pub(crate) page: u32,
    pub(crate) page_size: u32,
    pub(crate) sort: RecipeSort,
    pub(crate) author_id: Option<Id>,
}

impl Default for RecipeQuery {
    /// The first ten, newest first.
    fn default() -> Self {
        Self { q: None, page: 1, page_size: 10, sort: RecipeSort::New, author_id: None }
    }
}

/// The order of a list of recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum RecipeSort {
    /// Newest first.
    #[default]
    New,
    /// Most liked first.
    Popular,
}

impl RecipeSort {
    /// The parameter's value: `new` or `popular`.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Popular => "popular",
        }
    }
}

impl RecipeClient {
    pub(crate) fn new(upstream: Upstream) -> Self {
        let caller = upstream.clone();
        let cards = Batcher::new(&upstream, MAX_IDS, move |cx, acting, ids| {
            let upstream = caller.clone();
            Box::pin(fetch_cards(upstream, CallContext { acting, ..cx }, ids))
        });
        Self { upstream, cards }
    }

    /// Lists and searches.
    pub(crate) async fn list(
        &self,
        cx: &CallContext,
        query: &RecipeQuery,
    ) -> Result<NumberedPage<RecipeCard>, UpstreamError> {
        let params = Query::default()
            .optional("q", query.q.as_deref())
            .pair("page", &query.page.to_string())
            .pair("pageSize", &query.page_size.to_string())
            .pair("sort", query.sort.as_str())
            .optional("authorId", query.author_id.as_ref().map(Id::as_str));
        let call = params.of(self.upstream.typed_call("recipes", Method::GET, &["recipes"]));
        let author = query.author_id.clone();
        let theirs = move |page: &NumberedPage<RecipeCard>| {
            author.is_none_or(|author| page.items.iter().all(|card| card.author_id == author))
        };
        fetch_matching(&self.upstream, cx, call, theirs).await
    }

    /// The cards of `ids`, without those that are unknown; looked up together with those that other
    /// requests of the same acting user ask for at the same time (`likedByMe` is theirs alone).
    pub(crate) async fn recipe_cards(
        &self,
        cx: &CallContext,
        ids: Vec<Id>,
    ) -> Result<HashMap<Id, RecipeCard>, UpstreamError> {
        let mut found = HashMap::with_capacity(ids.len());
        self.cards.load(cx, cx.acting.clone(), texts(&ids), &mut found).await?;
        Ok(ids.into_iter().filter_map(|id| found.remove(id.as_str()).map(|card| (id, card))).collect())
    }

    /// Recipes picked for the acting user.
    pub(crate) async fn for_me(
        &self,
        cx: &CallContext,
        limit: u32,
    ) -> Result<Vec<RecipeCard>, UpstreamError> {
        let call = self.upstream.typed_call("recipes_for_me", Method::GET, &["recipes", "for-me"]);
        let call = (Query::page(limit, None)).of(call);
        Ok(self.upstream.fetch::<Items<RecipeCard>>(cx, call).await?.items)
    }

    /// A whole recipe; 404 where there is none.
    pub(crate) async fn recipe(&self, cx: &CallContext, id: &Id) -> Result<Recipe, UpstreamError> {
        reject_reserved_id(&self.upstream, id, &WORDS)?;
        let call = self.upstream.typed_call("recipe", Method::GET, &["recipes", id.as_str()]);
        let id = id.clone();
        fetch_matching(&self.upstream, cx, call, move |recipe: &Recipe| recipe.id == id).await
    }

    /// Makes a recipe as the acting user; 422 with fields.
    pub(crate) async fn create(
        &self,
        cx: &CallContext,
        input: &RecipeInput,
    ) -> Result<Recipe, UpstreamError> {
        let call = self.upstream.typed_call("create_recipe", Method::POST, &["recipes"]).json(input)?;
        let acting = cx.acting.clone();
        let mine = move |recipe: &Recipe| acting.is_none_or(|acting| recipe.author_id == acting);
        fetch_matching(&self.upstream, cx, call, mine).await
    }

    /// Replaces a recipe of the acting user; 403 where it is somebody else's.
    pub(crate) async fn replace(
        &self,
        cx: &CallContext,
        id: &Id,
        input: &RecipeInput,
    ) -> Result<Recipe, UpstreamError> {
        reject_reserved_id(&self.upstream, id, &WORDS)?;
        let call =
            self.upstream.typed_call("replace_recipe", Method::PUT, &["recipes", id.as_str()]).json(input)?;
        let _changed = ForgetOnDrop(&self.cards, id.as_str());
        let id = id.clone();
        fetch_matching(&self.upstream, cx, call, move |recipe: &Recipe| recipe.id == id).await
    }

    /// Deletes a recipe of the acting user; 403 where it is somebody else's.
    pub(crate) async fn delete(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.change(cx, "delete_recipe", Method::DELETE, id, &["recipes", id.as_str()]).await
    }

    /// A recipe as its author edits it; 403 for anybody else.
    pub(crate) async fn form(&self, cx: &CallContext, id: &Id) -> Result<RecipeForm, UpstreamError> {
        reject_reserved_id(&self.upstream, id, &WORDS)?;
        let call = self.upstream.typed_call("recipe_form", Method::GET, &["recipes", id.as_str(), "form"]);
        let id = id.clone();
        fetch_matching(&self.upstream, cx, call, move |form: &RecipeForm| form.id == id).await
    }

    /// Likes a recipe; 403 `own_recipe` for one's own.
    pub(crate) async fn like(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.change(cx, "like_recipe", Method::PUT, id, &["recipes", id.as_str(), "like"]).await
    }

    /// Takes a like back; again changes nothing.
    pub(crate) async fn unlike(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.change(cx, "unlike_recipe", Method::DELETE, id, &["recipes", id.as_str(), "like"]).await
    }

    /// Comments on a recipe.
    pub(crate) async fn comments(
        &self,
        cx: &CallContext,
        recipe: &Id,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Comment>, UpstreamError> {
        reject_reserved_id(&self.upstream, recipe, &WORDS)?;
        let call =
            self.upstream.typed_call("comments", Method::GET, &["recipes", recipe.as_str(), "comments"]);
        let call = (Query::page(limit, cursor)).of(call);
        let recipe = recipe.clone();
        let on_it = move |page: &Page<Comment>| page.items.iter().all(|comment| comment.recipe_id == recipe);
        fetch_matching(&self.upstream, cx, call, on_it).await
    }

    /// Comments on a recipe as the acting user.
    pub(crate) async fn create_comment(
        &self,
        cx: &CallContext,
        recipe: &Id,
        input: &CommentInput,
    ) -> Result<Comment, UpstreamError> {
        reject_reserved_id(&self.upstream, recipe, &WORDS)?;
        let path = ["recipes", recipe.as_str(), "comments"];
        let call = self.upstream.typed_call("create_comment", Method::POST, &path).json(input)?;
        let _changed = ForgetOnDrop(&self.cards, recipe.as_str());
        let recipe = recipe.clone();
        fetch_matching(&self.upstream, cx, call, move |comment: &Comment| comment.recipe_id == recipe).await
    }

    /// Gives a comment of the acting user a new text.
    pub(crate) async fn edit_comment(
        &self,
        cx: &CallContext,
        id: &Id,
        input: &CommentInput,
    ) -> Result<Comment, UpstreamError> {
        let call =
            self.upstream.typed_call("edit_comment", Method::PUT, &["comments", id.as_str()]).json(input)?;
        let id = id.clone();
        fetch_matching(&self.upstream, cx, call, move |comment: &Comment| comment.id == id).await
    }

    /// Deletes a comment of the acting user. Its recipe's card counts one less, and which recipe that is is not
    /// known here: no look-up that is under way is joined any more.
    pub(crate) async fn delete_comment(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        let deleted = self.perform(cx, "delete_comment", Method::DELETE, &["comments", id.as_str()]).await;
        self.cards.forget_all();
        deleted
    }

    /// Likes a comment; again changes nothing.
    pub(crate) async fn like_comment(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "like_comment", Method::PUT, &["comments", id.as_str(), "like"]).await
    }

    /// Takes a like back; again changes nothing.
    pub(crate) async fn unlike_comment(&self, cx: &CallContext, id: &Id) -> Result<(), UpstreamError> {
        self.perform(cx, "unlike_comment", Method::DELETE, &["comments", id.as_str(), "like"]).await
    }

    /// What can be bought, by name; all of it without `q`.
    pub(crate) async fn ingredients(
        &self,
        cx: &CallContext,
        q: Option<&str>,
    ) -> Result<Vec<Ingredient>, UpstreamError> {
        let call = self.upstream.typed_call("ingredients", Method::GET, &["ingredients"]);
        let call = (Query::default().optional("q", q)).of(call);
        Ok(self.upstream.fetch::<Items<Ingredient>>(cx, call).await?.items)
    }

    /// A write that a recipe's card shows.
    async fn change(
        &self,
        cx: &CallContext,
        operation: &'static str,
        method: Method,
        recipe: &Id,
        path: &[&str],
    ) -> Result<(), UpstreamError> {
        reject_reserved_id(&self.upstream, recipe, &WORDS)?;
        let _changed = ForgetOnDrop(&self.cards, recipe.as_str());
        self.perform(cx, operation, method, path).await
    }

    async fn perform(
        &self,
        cx: &CallContext,
        operation: &'static str,
        method: Method,
        path: &[&str],
    ) -> Result<(), UpstreamError> {
        self.upstream.perform(cx, self.upstream.typed_call(operation, method, path)).await
    }
}

/// At most 100 ids (`batch` sees to it); what was not asked for is never looked at.
async fn fetch_cards(
    upstream: Upstream,
    cx: CallContext,
    ids: Vec<Box<str>>,
) -> Result<HashMap<Box<str>, RecipeCard>, UpstreamError> {
    let call = upstream.typed_call("recipe_cards", Method::GET, &["recipes", "cards"]);
    let call = (Query::default().ids("ids", &checked(&ids))).of(call);
    let Items { items } = upstream.fetch::<Items<RecipeCard>>(&cx, call).await?;
    Ok(items.into_iter().map(|card| (card.id.as_str().into(), card)).collect())
}
