//! `/api/me`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use clients::{CallContext, Clients};
// The upstream side's status type: another major version of the crate that actix-web uses.
use http::StatusCode;
use schemas::{Me, MemberPatch};

use super::{
    reading::Reader,
    refusals::refusal,
    tags,
    writing::{Changes, Writer, changed},
};
use crate::edge::{ApiError, Edge, JsonBody, SignedIn, ended_meanwhile};

/// `GET /api/me`: my private profile.
///
/// # Errors
/// 401, 406.
pub async fn read_me(
    request: HttpRequest,
    caller: SignedIn,
    reader: Reader,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.caller();
    let accounts = reader.api().accounts()?;
    let ask = || accounts.me(&reader.cx);
    match edge.sessions.own_account(&caller.user, ask).await {
        Ok(me) => reader.answer(&me.json()),
        Err(error) => Err(ended_meanwhile(&request, caller).await.unwrap_or_else(|| refusal(error))),
    }
}

/// `PATCH /api/me`: 200 with my profile as it is now. What is absent stays as it is.
///
/// # Errors
/// 401, 403 `csrf_failed`, 422.
pub async fn change_me(
    request: HttpRequest,
    writer: Writer,
    patch: JsonBody<MemberPatch>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let changes = Changes::of([tags::member(writer.me())]);
    let (sessions, caller) = (edge.sessions.clone(), writer.caller().clone());
    let accounts = writer.api().accounts()?.clone();
    let user = caller.user.clone();
    let write = |clients: Arc<Clients>, cx: CallContext| async move {
        let me = match clients.profile.patch_me(&cx, &patch).await {
            Err(error) if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::GONE)) => {
                // Whether it is the account that was not found, the account is asked.
                let _ = sessions.own_account(&user, || accounts.me(&cx)).await;
                return Err(error);
            }
            patched => patched?,
        };
        // The change itself is made: a session that shows the old name for a while is no reason to deny it.
        let profile = serde_json::to_vec(&me).ok().and_then(|json| accounts.profile(&json, Some(&user)).ok());
        match profile {
            Some(profile) => {
                if let Err(error) = sessions.refresh_profile(&profile).await {
                    tracing::warn!(%error, "sessions show a member's old profile");
                }
            }
            None => tracing::warn!("sessions show a member's old profile: the new one does not fit"),
        }
        Ok(me)
    };
    let patched: Result<Me, ApiError> = writer.change(move |_| changes, write).await;
    match patched {
        Ok(me) => Ok(changed(&me)),
        Err(error) => Err(ended_meanwhile(&request, &caller).await.unwrap_or(error)),
    }
}
