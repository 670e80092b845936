//! `/api/posts`.

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::{Post, PostInput};

use super::writing::{Api, Changes, created, id};
use crate::{
    cache::Tag,
    edge::{ApiError, JsonBody, SignedIn},
};

/// `POST /api/posts`: 201 with the post.
///
/// # Errors
/// 401, 403 `csrf_failed`, 422.
pub async fn create_post(
    request: HttpRequest,
    caller: SignedIn,
    input: JsonBody<PostInput>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let me = caller.caller().user.clone();
    let post = api
        .write(
            &request,
            &caller,
            |clients, cx| async move { clients.timeline.create_post(&cx, &input.0).await },
            move |_: Option<&Post>| Changes {
                mine: vec![Tag::timeline(&me), Tag::member(&me)],
                everybodys: vec![Tag::timeline(&me)],
            },
        )
        .await?;
    Ok(created(format!("/api/posts/{}", post.id), &post))
}

/// `DELETE /api/posts/{id}`: 204.
///
/// # Errors
/// 401, 403 `csrf_failed` or `not_author`, 404.
pub async fn delete_post(
    request: HttpRequest,
    caller: SignedIn,
    path: web::Path<String>,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let post = id(&path)?;
    let me = caller.caller().user.clone();
    let changed = post.clone();
    api.write(
        &request,
        &caller,
        |clients, cx| async move { clients.timeline.delete_post(&cx, &post).await },
        move |_| Changes {
            mine: vec![Tag::timeline(&me), Tag::member(&me), Tag::post(&changed)],
            everybodys: vec![Tag::timeline(&me), Tag::post(&changed)],
        },
    )
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
