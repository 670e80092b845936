//! E-mail addresses: another one is asked for with the password, and counts once the link that was mailed to it is opened.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use schemas::{EmailChange, EmailConfirmation};

use super::{
    answer::never_kept,
    call_context::call_context,
    languages::accepted,
    mutation::Mutation,
    password::{of_password, settle},
    refusals::refusal,
    state::Api,
};
use crate::{
    edge::{ApiError, Edge, JsonBody, OriginChecked, client_address},
    identity::{OptionalCall, ProfileDocument, Subject},
    invalidation::Tag,
};

/// `POST /auth/email`: 202. A link is mailed to the address, whoever has it; the present one is told.
///
/// # Errors
/// 401, 401 `bad_credentials`, 403 `csrf_failed`, 404 where the upstream does not serve it, 422, 429 `too_many_attempts`, 503.
pub(super) async fn change_email(
    request: HttpRequest,
    writer: Mutation,
    JsonBody(input): JsonBody<EmailChange>,
) -> Result<HttpResponse, ApiError> {
    let accounts = writer.api().accounts_with(OptionalCall::ChangeEmail)?;
    let languages = accepted(&request);
    let attempt = writer.api().throttle.begin(Subject::Member(writer.me()), client_address(&request)).await?;
    let ask = |cx: clients::CallContext| async move {
        let asked = accounts.change_email(&cx, &input, languages.as_deref()).await;
        settle(attempt, &asked).await;
        asked
    };
    writer.change_by(ask, of_password).await?;
    Ok(never_kept(&mut HttpResponse::Accepted()).finish())
}

/// `POST /auth/email/confirm`: 204. Also where nobody is signed in: mail is often read on another device. All sign-ins of the
/// member show the address.
///
/// # Errors
/// 403 `csrf_failed`, 404 where the upstream does not serve it, 409 `email_taken`, 422, 422 `token_invalid`, 429
/// `too_many_attempts`, 503.
pub(super) async fn confirm_email(
    request: HttpRequest,
    _: OriginChecked,
    JsonBody(input): JsonBody<EmailConfirmation>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let accounts = api.accounts_with(OptionalCall::ConfirmEmail)?;
    let (beside, edge) = (Api::clone(&api), Edge::clone(&edge));
    let (cx, languages, address) =
        (call_context(&request, None), accepted(&request), client_address(&request));
    let confirming = async move {
        let attempt = beside.throttle.begin(Subject::Link(&input.token), address).await?;
        let confirmed = accounts.confirm_email(&cx, &input, languages.as_deref()).await;
        settle(attempt, &confirmed).await;
        let user = confirmed.map_err(refusal)?;
        show(&edge, &user).await;
        beside.bus.written(user.id(), &[Tag::everything()], &[]).await;
        Ok::<_, ApiError>(())
    };
    api.run_detached(confirming).await.flatten()?;
    Ok(never_kept(&mut HttpResponse::NoContent()).finish())
}

/// Has the member's sessions show their new profile. One that does not shows it after its next sign-in: the address is
/// confirmed all the same, and its token is used up.
async fn show(edge: &Edge, user: &Arc<ProfileDocument>) {
    if let Err(error) = edge.sessions.refresh_profile(user).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "sessions do not show an address that was confirmed");
    }
}
