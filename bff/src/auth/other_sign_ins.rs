//! What a changed secret does to sign-ins: whoever knows the old one may be signed in with it. All sign-ins of the account but
//! the caller's own end, of browsers and apps, on every replica, before the change is answered; the caller's session gets a
//! new id.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
};
use schemas::Id;
use secrecy::ExposeSecret;
use tokio::time::sleep;

use super::{answer::lasts, cookies::SentCookies, planned_ending::PlannedEnding};
use crate::{
    edge::Edge,
    identity::{IdentityError, NewSession, Session, SessionKey},
    telemetry::unix_ms,
};

const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// How long is waited after the first, second, … try to end sign-ins that the store does not let go.
const PAUSES_S: [u64; 8] = [1, 2, 4, 8, 16, 32, 60, 120];

/// Ends all sign-ins of `user` but the one of `except`. Where the store does not take that, it is tried again behind the
/// caller, whose change stands: they are told that it is not finished.
///
/// # Errors
/// As [`Sessions::end_all`](crate::identity::Sessions::end_all).
pub(super) async fn end_others(
    edge: &Edge,
    user: &Id,
    except: Option<&SessionKey>,
) -> Result<(), IdentityError> {
    match end(edge, user, except).await {
        Ok(()) => Ok(()),
        Err(error) => {
            tokio::spawn(keep_ending(edge.clone(), user.clone(), except.copied()));
            Err(error)
        }
    }
}

async fn end(edge: &Edge, user: &Id, except: Option<&SessionKey>) -> Result<(), IdentityError> {
    // Before it: a sign-in that is under way is made before all are ended, or finds this.
    edge.sessions.note_secret_change(user, unix_ms()).await?;
    let ended = edge.sessions.end_all(user, except).await?;
    edge.metrics.sessions_ended.inc_by(ended.len() as u64);
    Ok(())
}

/// Ends what is `planned`, and removes it from the queue. Where the store does not take that, it stays there.
///
/// # Errors
/// As [`end_others`]: it is carried out later.
pub(super) async fn end_planned(
    edge: &Edge,
    user: &Id,
    except: Option<&SessionKey>,
    planned: &PlannedEnding,
) -> Result<(), IdentityError> {
    end(edge, user, except).await?;
    planned.remove().await;
    Ok(())
}

async fn keep_ending(edge: Edge, user: Id, except: Option<SessionKey>) {
    for pause_s in PAUSES_S {
        sleep(Duration::from_secs(pause_s)).await;
        if end(&edge, &user, except.as_ref()).await.is_ok() {
            return;
        }
    }
    tracing::error!(
        "the sign-ins of an account are not ended after its password or second factor was changed"
    );
}

/// Ends the others, and then puts a session with a new id in the place of `session`. Nothing where it has ended meanwhile,
/// or is an app's, which bears no id.
///
/// # Errors
/// As [`end_others`]. That the caller's own session keeps its id is logged, and no error: the change was made, and what it
/// told the caller is told once.
pub(super) async fn end_others_and_renew(
    edge: &Edge,
    session: &Arc<Session>,
    planned: &PlannedEnding,
) -> Result<Option<NewSession>, IdentityError> {
    // In this order: no answer bears the new id while an old sign-in is good.
    end_planned(edge, &session.user, Some(&session.key), planned).await?;
    let renewed = async {
        match edge.sessions.find(&session.key, unix_ms()).await? {
            Some(session) => edge.sessions.renew(&session, unix_ms()).await,
            None => Ok(None),
        }
    };
    Ok(renewed.await.unwrap_or_else(|error: IdentityError| {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "a session keeps its id after a password or a second factor was changed");
        None
    }))
}

/// Gives a browser its new session: the cookie, and the CSRF token in `X-CSRF-Token`.
pub(super) fn set_cookie(
    request: &HttpRequest,
    response: &mut HttpResponse,
    edge: &Edge,
    new: Option<&NewSession>,
) {
    let Some(new) = new else { return };
    let cookie = edge.cookie.set(new.id.expose_secret(), lasts(new.session.absolute_end_ms));
    SentCookies::session(request, edge).replace(&cookie, response.headers_mut());
    // base64url is a header value.
    if let Ok(token) = HeaderValue::from_str(&edge.csrf.token(&new.session.key)) {
        response.headers_mut().insert(X_CSRF_TOKEN, token);
    }
}
