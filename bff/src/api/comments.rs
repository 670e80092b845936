//! Comments on recipes and their likes.

use actix_web::HttpResponse;
use schemas::{Comment, CommentInput, CommentWithAuthor, Id, Page};

use super::{
    Api,
    calling::PathId,
    reading::Reader,
    refusals::refusal,
    tags,
    writing::{Changes, Writer, changed},
};
use crate::{
    edge::{ApiError, JsonBody},
    idempotency::Created,
    invalidation::Tag,
};

/// `GET /api/recipes/{id}/comments?limit=20&cursor=`: oldest first, with their authors. Open to callers who are
/// not signed in.
///
/// # Errors
/// 404, 406, 422.
pub async fn list_comments(reader: Reader, PathId(recipe): PathId) -> Result<HttpResponse, ApiError> {
    let mut query = reader.query();
    let (limit, cursor) = (query.number("limit", 20, 1..=100), query.cursor());
    query.done()?;
    let asked = reader.clients().recipe.comments(&reader.cx, &recipe, limit, cursor.as_deref());
    let Page { items, next_cursor } = asked.await.map_err(refusal)?;
    items.iter().for_each(|comment| reader.api().note_place_of(comment));
    let authors = reader.authors(items.iter().map(|comment| &comment.author_id)).await;
    let with_author = |comment| CommentWithAuthor { comment, author: authors.of(&comment.author_id) };
    let items = items.iter().map(with_author).collect();
    reader.answer_by(&authors, &Page { items, next_cursor })
}

/// `POST /api/recipes/{id}/comments`: 201 with the comment.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404, 409, 422.
pub async fn create_comment(
    writer: Writer,
    PathId(recipe): PathId,
    input: JsonBody<CommentInput>,
) -> Result<HttpResponse, ApiError> {
    let (author, api) = (writer.card(), writer.api().clone());
    let changes = Changes::of([tags::recipe(&recipe)]);
    writer
        .create(
            input.0,
            changes,
            |clients, cx, input| async move { clients.recipe.create_comment(&cx, &recipe, &input).await },
            move |comment: &Comment| {
                api.note_place_of(comment);
                let document = CommentWithAuthor { comment, author: Some(&author) };
                let recipe = tags::recipe(&comment.recipe_id);
                api.announce(&recipe, "comment.created", [recipe.clone()], &document);
                Created::at("/api/comments", &comment.id, &document)
            },
        )
        .await
}

/// `PUT /api/comments/{id}`: 200 with the comment as it is now.
///
/// # Errors
/// 401, 403 `csrf_failed` or `not_author`, 404, 422.
pub async fn edit_comment(
    writer: Writer,
    PathId(id): PathId,
    input: JsonBody<CommentInput>,
) -> Result<HttpResponse, ApiError> {
    let (author, api, edited) = (writer.card(), writer.api().clone(), id.clone());
    let changes = move |comment: Option<&Comment>| {
        if let Some(comment) = comment {
            api.note_place_of(comment);
        }
        api.changes_around(&edited)
    };
    let comment = writer
        .change(changes, |clients, cx| async move { clients.recipe.edit_comment(&cx, &id, &input).await })
        .await?;
    Ok(changed(&CommentWithAuthor { comment: &comment, author: Some(&author) }))
}

/// `DELETE /api/comments/{id}`: 204.
///
/// # Errors
/// 401, 403 `csrf_failed` or `not_author`, 404.
pub async fn delete_comment(writer: Writer, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let changes = writer.api().changes_around(&id).and_gone(tags::comment(&id));
    writer.perform(changes, |clients, cx| async move { clients.recipe.delete_comment(&cx, &id).await }).await
}

/// `PUT /api/comments/{id}/like`: 204, also when I like it already.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn like_comment(writer: Writer, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let changes = writer.api().changes_around(&id);
    writer.perform(changes, |clients, cx| async move { clients.recipe.like_comment(&cx, &id).await }).await
}

/// `DELETE /api/comments/{id}/like`: 204, also when I do not like it.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn unlike_comment(writer: Writer, PathId(id): PathId) -> Result<HttpResponse, ApiError> {
    let changes = writer.api().changes_around(&id);
    writer.perform(changes, |clients, cx| async move { clients.recipe.unlike_comment(&cx, &id).await }).await
}

impl Api {
    /// Remembers which recipe a comment is on: its later changes do not say it.
    fn note_place_of(&self, comment: &Comment) {
        self.typed().comment_recipes.insert(comment.id.clone(), comment.recipe_id.clone());
    }

    /// What depends on a comment: its recipe. Where that is forgotten, the writer must not see an old one all the
    /// same: everything of theirs goes. Others see the change when their fresh time is over.
    fn changes_around(&self, comment: &Id) -> Changes {
        match self.typed().comment_recipes.get(comment) {
            Some(recipe) => Changes::of([tags::recipe(&recipe)]),
            None => Changes::default().and_mine([Tag::everything()]),
        }
    }
}
