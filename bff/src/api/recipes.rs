//! `/api/recipes`.

use actix_web::HttpResponse;
use clients::{RecipeQuery, RecipeSort};
use schemas::{Id, NumberedPage, Recipe, RecipeCardWithAuthor, RecipeInput, RecipeWithAuthor};

use super::{
    calling::PathId,
    reading::Reader,
    refusals::{refusal, refusal_of_list},
    tags,
    writing::{Changes, Writer, changed},
};
use crate::{
    edge::{ApiError, JsonBody, SignedIn},
    idempotency::Created,
};

/// `GET /api/recipes?q=&page=1&pageSize=10&sort=new|popular`: a page of cards with their authors. Open to
/// callers who are not signed in.
///
/// # Errors
/// 406, 422.
pub async fn list_recipes(reader: Reader) -> Result<HttpResponse, ApiError> {
    let mut query = reader.query();
    let wanted = RecipeQuery {
        q: query.search(),
        page: query.number("page", 1, 1..=u32::MAX),
        page_size: query.number("pageSize", 10, 1..=100),
        sort: query.choice("sort", [RecipeSort::New, RecipeSort::Popular].map(|sort| (sort.as_str(), sort))),
        author_id: None,
    };
    query.done()?;
    let NumberedPage { items, page, page_size, total } =
        reader.clients().recipe.list(&reader.cx, &wanted).await.map_err(refusal_of_list)?;
    let authors = reader.authors(items.iter().map(|card| &card.author_id)).await;
    let with_author = |card| RecipeCardWithAuthor { card, author: authors.of(&card.author_id) };
    let items = items.iter().map(with_author).collect();
    reader.answer_by(&authors, &NumberedPage { items, page, page_size, total })
}

/// `GET /api/recipes/{id}`: a whole recipe with its author. Open to callers who are not signed in.
///
/// # Errors
/// 404, 406.
pub async fn read_recipe(reader: Reader, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let recipe = reader.clients().recipe.recipe(&reader.cx, &id).await.map_err(refusal)?;
    let authors = reader.authors([&recipe.author_id].into_iter()).await;
    reader.answer_by(&authors, &RecipeWithAuthor { recipe: &recipe, author: authors.of(&recipe.author_id) })
}

/// `GET /api/recipes/{id}/form`: a recipe of mine as I edit it.
///
/// # Errors
/// 401, 403 `not_author`, 404, 406.
pub async fn recipe_form(_: SignedIn, reader: Reader, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let form = reader.clients().recipe.form(&reader.cx, &id).await.map_err(refusal)?;
    reader.answer(&form)
}

/// `POST /api/recipes`: 201 with the recipe and what it costs.
///
/// # Errors
/// 401, 403 `csrf_failed`, 409, 422.
pub async fn create_recipe(writer: Writer, input: JsonBody<RecipeInput>) -> Result<HttpResponse, ApiError> {
    let author = writer.card();
    let changes = Changes::default().and_mine([tags::recipe_lists(), tags::member(writer.me())]);
    writer
        .create(
            input.0,
            changes,
            |clients, cx, input| async move { clients.recipe.create(&cx, &input).await },
            move |recipe: &Recipe| {
                let document = RecipeWithAuthor { recipe, author: Some(&author) };
                Created::at("/api/recipes", &recipe.id, &document)
            },
        )
        .await
}

/// `PUT /api/recipes/{id}`: 200 with the recipe as it is now.
///
/// # Errors
/// 401, 403 `csrf_failed` or `not_author`, 404, 422.
pub async fn replace_recipe(
    writer: Writer,
    PathId(id): PathId,
    input: JsonBody<RecipeInput>,
) -> Result<HttpResponse, ApiError> {
    let (author, changes) = (writer.card(), recipe_of_mine(&id, writer.me()));
    let recipe: Recipe = writer
        .change(move |_| changes, |clients, cx| async move { clients.recipe.replace(&cx, &id, &input).await })
        .await?;
    Ok(changed(&RecipeWithAuthor { recipe: &recipe, author: Some(&author) }))
}

/// `DELETE /api/recipes/{id}`: 204. Its likes and comments go with it.
///
/// # Errors
/// 401, 403 `csrf_failed` or `not_author`, 404.
pub async fn delete_recipe(writer: Writer, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let changes = recipe_of_mine(&id, writer.me()).and_gone(tags::recipe(&id));
    writer.perform(changes, |clients, cx| async move { clients.recipe.delete(&cx, &id).await }).await
}

/// `PUT /api/recipes/{id}/like`: 204, also when I like it already.
///
/// # Errors
/// 401, 403 `csrf_failed` or `own_recipe`, 404.
pub async fn like_recipe(writer: Writer, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([tags::recipe(&id)]);
    writer.perform(changes, |clients, cx| async move { clients.recipe.like(&cx, &id).await }).await
}

/// `DELETE /api/recipes/{id}/like`: 204, also when I do not like it.
///
/// # Errors
/// 401, 403 `csrf_failed` or `own_recipe`, 404.
pub async fn unlike_recipe(writer: Writer, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([tags::recipe(&id)]);
    writer.perform(changes, |clients, cx| async move { clients.recipe.unlike(&cx, &id).await }).await
}

/// The recipe wherever it appears, and the lists that it may enter or leave.
fn recipe_of_mine(id: &Id, me: &Id) -> Changes {
    Changes::of([tags::recipe(id)]).and_mine([tags::recipe_lists(), tags::member(me)])
}
