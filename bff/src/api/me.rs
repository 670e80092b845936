//! `/api/me`.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use clients::Clients;
use schemas::{Me, MemberPatch};

use super::{
    reading::Reader,
    refusals::refusal,
    writing::{Changes, Writer, changed},
};
use crate::{
    cache::Tag,
    edge::{ApiError, Edge, JsonBody, SignedIn},
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
pub async fn change_me(
    writer: Writer,
    patch: JsonBody<MemberPatch>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([Tag::member(writer.me())]);
    let sessions = edge.sessions.clone();
    let write = |clients: Arc<Clients>, cx| async move {
        let me = clients.profile.patch_me(&cx, &patch).await?;
        // The change itself is made: a session that shows the old name for a while is no reason to deny it.
        if let Err(error) = sessions.refresh_profile(&me).await {
            tracing::warn!(%error, "sessions show a member's old profile");
        }
        Ok(me)
    };
    let me: Me = writer.change(move |_| changes, write).await?;
    Ok(changed(&me))
}
