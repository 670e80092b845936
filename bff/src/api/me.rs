//! `/api/me`.

use actix_web::HttpResponse;
use schemas::{Me, MemberPatch};

use super::{
    reading::Reader,
    refusals::refusal,
    writing::{Changes, Writer, changed},
};
use crate::{
    cache::Tag,
    edge::{ApiError, JsonBody, SignedIn},
};

/// `GET /api/me`: my private profile.
///
/// # Errors
/// 401, 406.
pub async fn read_me(_: SignedIn, reader: Reader) -> Result<HttpResponse, ApiError> {
    let me = reader.clients().profile.me(&reader.cx).await.map_err(refusal)?;
    reader.answer(&me)
}

/// `PATCH /api/me`: 200 with my profile as it is now. What is absent stays as it is.
///
/// # Errors
/// 401, 403 `csrf_failed`, 422.
pub async fn change_me(writer: Writer, patch: JsonBody<MemberPatch>) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([Tag::member(writer.me())]);
    let me: Me = writer
        .change(move |_| changes, |clients, cx| async move { clients.profile.patch_me(&cx, &patch).await })
        .await?;
    Ok(changed(&me))
}
