//! `/api/posts`.

use actix_web::HttpResponse;
use schemas::{Id, Post, PostInput};

use super::{
    calling::PathId,
    tags,
    writing::{Changes, Writer},
};
use crate::{
    edge::{ApiError, JsonBody},
    idempotency::Created,
};

/// `POST /api/posts`: 201 with the post.
///
/// # Errors
/// 401, 403 `csrf_failed`, 409, 422.
pub async fn create_post(writer: Writer, input: JsonBody<PostInput>) -> Result<HttpResponse, ApiError> {
    let (changes, api) = (posts_of(writer.me()), writer.api().clone());
    writer
        .create(
            input.0,
            changes,
            |clients, cx, input| async move { clients.timeline.create_post(&cx, &input).await },
            move |post: &Post| {
                let stale = [tags::posts_of(&post.author_id)];
                api.announce(&tags::member(&post.author_id), "post.created", stale, post);
                Created::at("/api/posts", &post.id, post)
            },
        )
        .await
}

/// `DELETE /api/posts/{id}`: 204.
///
/// # Errors
/// 401, 403 `csrf_failed` or `not_author`, 404.
pub async fn delete_post(writer: Writer, PathId(post): PathId) -> Result<HttpResponse, ApiError> {
    let changes = posts_of(writer.me()).and_gone(tags::post(&post));
    writer.perform(changes, |clients, cx| async move { clients.timeline.delete_post(&cx, &post).await }).await
}

/// `PUT /api/posts/{id}/like`: 204, also when I like it already.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn like_post(writer: Writer, PathId(post): PathId) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([tags::post(&post)]);
    writer.perform(changes, |clients, cx| async move { clients.timeline.like_post(&cx, &post).await }).await
}

/// `DELETE /api/posts/{id}/like`: 204, also when I do not like it.
///
/// # Errors
/// 401, 403 `csrf_failed`, 404.
pub async fn unlike_post(writer: Writer, PathId(post): PathId) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([tags::post(&post)]);
    writer.perform(changes, |clients, cx| async move { clients.timeline.unlike_post(&cx, &post).await }).await
}

/// All lists with my posts in them, my own page and its counts.
fn posts_of(me: &Id) -> Changes {
    Changes::of([tags::posts_of(me)]).and_mine([tags::timeline(me), tags::member(me)])
}
