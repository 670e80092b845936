//! The end of a sign-in: of its session, its refresh family, and their cookies.

use actix_web::{HttpRequest, HttpResponse, http::header::HeaderName};

use super::{answer::never_kept, cookies::SentCookies, state::Api};
use crate::{
    edge::{ApiError, Edge},
    identity::{Caller, IdentityError, SessionKey},
    telemetry::unix_ms,
};

/// W3C Clear Site Data section 3.1. It reaches further than us: what it says is the operator's to decide.
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// 204 for a caller whom `own` signs out: it goes on when the caller hangs up. A browser keeps nothing of us
/// afterwards, so that what its cookies are good for beside that ends as well, and first: what cannot be ended can be
/// tried again for as long as one is signed in.
pub(super) async fn sign_out(
    request: &HttpRequest,
    api: &Api,
    edge: &Edge,
    caller: &Caller,
    own: impl Future<Output = Result<u64, IdentityError>> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let (session, token) = (SentCookies::session(request, edge), SentCookies::refresh(request, edge));
    let (raw_ids, tokens) = (session.values.clone(), token.values.clone());
    let (beside, own_key) = (edge.clone(), caller.session.key);
    let ending = async move {
        for raw_id in raw_ids {
            end_session_of(&beside, &raw_id, Some(&own_key)).await?;
        }
        for token in tokens {
            revoke_refresh_token(&beside, &token).await?;
        }
        own.await
    };
    edge.metrics.sessions_ended.inc_by(api.run_detached(ending).await??);
    let mut response = HttpResponse::NoContent();
    if let Some(types) = &edge.clear_site_data {
        response.insert_header((CLEAR_SITE_DATA, types.clone()));
    }
    let mut response = never_kept(&mut response).finish();
    session.clear(response.headers_mut());
    if token.present {
        token.clear(response.headers_mut());
    }
    Ok(response)
}

/// Ends the session behind a cookie, if there is one, unless it is `except`.
pub(super) async fn end_session_of(
    edge: &Edge,
    raw_id: &str,
    except: Option<&SessionKey>,
) -> Result<(), IdentityError> {
    if let Some(session) = edge.sessions.lookup(raw_id, unix_ms()).await?
        && except != Some(&session.key)
        && edge.sessions.end(&session.key).await?
    {
        edge.metrics.sessions_ended.inc();
    }
    Ok(())
}

/// Ends the sign-in that a refresh token belongs to; says whether there was one.
pub(super) async fn revoke_refresh_token(edge: &Edge, token: &str) -> Result<bool, IdentityError> {
    let ended = edge.tokens.revoke(token, unix_ms()).await?.is_some();
    if ended {
        edge.metrics.sessions_ended.inc();
    }
    Ok(ended)
}
