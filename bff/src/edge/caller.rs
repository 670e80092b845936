//! Who is asking, for handlers that must know.

use std::{
    future::{Ready, ready},
    pin::Pin,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderName, ORIGIN, REFERER},
};
use futures_util::future::Either;

use super::{
    ApiError, Edge, RequestContext,
    callers::is_service,
    reached::is_own_origin,
    shown::{Showing, Shown, bears_token, shown},
};
use crate::{
    identity::{Caller, CsrfHeaders, SessionKind, origin_of},
    telemetry::unix_ms,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// A signed-in caller: an app with an access token, or a browser with a session cookie. Asking for one answers 401 to
/// everybody else, and 403 to a request with a cookie that may have been forged by another site: a handler for an
/// unsafe method cannot forget the check.
#[derive(Debug, Clone)]
pub struct SignedIn(Caller);

impl SignedIn {
    /// Who it is.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

/// The same, but the look does not extend the session.
#[derive(Debug, Clone)]
pub struct SignedInUntouched(pub SignedIn);

/// A caller who may be signed in. A missing, unknown or ended session is nobody; 403 as for [`SignedIn`], and 401 for an
/// access token that is no longer good: whoever sends one believes to be somebody.
#[derive(Debug, Clone)]
pub struct MaybeSignedIn(pub Option<SignedIn>);

type Pending<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// Ready at once where the near cache knows the session, as it nearly always does.
type Extracted<T> = Either<Ready<Result<T, ApiError>>, Pending<T>>;

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        identify(request, true)
    }
}

impl FromRequest for SignedInUntouched {
    type Error = ApiError;
    type Future = Pending<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = identify(request, false);
        Box::pin(async move { identified.await.map(Self) })
    }
}

impl FromRequest for MaybeSignedIn {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let or_nobody = |identified| match identified {
            Ok(caller) => Ok(Self(Some(caller))),
            Err(ApiError::Unauthenticated) => Ok(Self(None)),
            Err(error) => Err(error),
        };
        match identify(request, true) {
            Either::Left(known) => Either::Left(ready(or_nobody(known.into_inner()))),
            Either::Right(pending) => Either::Right(Box::pin(async move { or_nobody(pending.await) })),
        }
    }
}

fn identify(request: &HttpRequest, touch: bool) -> Extracted<SignedIn> {
    match shown(request) {
        Ok(Showing::Known(shown)) => Either::Left(ready(admit(request, shown, touch))),
        Ok(Showing::Unread(unread)) => {
            let request = request.clone();
            Either::Right(Box::pin(async move { admit(&request, unread.read().await?, touch) }))
        }
        Err(error) => Either::Left(ready(Err(error))),
    }
}

fn admit(request: &HttpRequest, shown: Shown, touch: bool) -> Result<SignedIn, ApiError> {
    let edge = Edge::of(request)?;
    let touch = touch.then(unix_ms);
    match shown {
        Shown::Nobody => Err(ApiError::Unauthenticated),
        Shown::BadToken => Err(ApiError::InvalidToken),
        // Browsers send no token by themselves, so that there is nothing to forge.
        Shown::Token(session) => Ok(note(request, edge, Caller::of_app(session), touch)),
        Shown::Cookie(session) => {
            // No page can make a request that bears the token of a server-side caller: the cookie it passes on is its
            // word.
            let service = is_service(request);
            if !request.method().is_safe() && !service {
                edge.csrf.decide(false, csrf_headers(request, edge), Some(&session.key))?;
            }
            let caller = if service { Caller::of_server(session) } else { Caller::of_browser(session) };
            Ok(note(request, edge, caller, touch))
        }
    }
}

fn note(request: &HttpRequest, edge: &Edge, caller: Caller, touch: Option<u64>) -> SignedIn {
    if let Some(now_ms) = touch {
        edge.sessions.touch(&caller.session, now_ms);
    }
    RequestContext::note(request, |context| {
        context.user = Some(caller.session.log_name(&edge.users));
        context.client = caller.client.as_str();
    });
    SignedIn(caller)
}

/// Why `caller`, whom an answer cannot be made for, is no longer signed in, if that is so: what ended their sign-in may
/// be the very reason.
pub async fn ended_meanwhile(request: &HttpRequest, caller: &Caller) -> Option<ApiError> {
    let sessions = &Edge::of(request).ok()?.sessions;
    let session = sessions.find(&caller.session.key, unix_ms()).await.ok()?;
    session.is_none().then_some(match caller.session.kind {
        SessionKind::App => ApiError::InvalidToken,
        SessionKind::Browser => ApiError::Unauthenticated,
    })
}

/// The check for requests that have no session yet, but make one: sign-in and sign-up.
///
/// # Errors
/// 403 `csrf_failed`.
pub fn origin_check(request: &HttpRequest) -> Result<(), ApiError> {
    let edge = Edge::of(request)?;
    let safe = request.method().is_safe() || is_service(request);
    Ok(edge.csrf.decide(safe, csrf_headers(request, edge), None)?)
}

/// [`origin_check`], before the body is read: to be asked for before it.
#[derive(Debug, Clone, Copy)]
pub struct OriginChecked;

impl FromRequest for OriginChecked {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(origin_check(request).map(|()| Self))
    }
}

/// The check for requests that are safe by their method and open a connection all the same: no preflight precedes
/// a WebSocket handshake, and its answers can be read from every origin (RFC 6455 section 10.2). The same rule as
/// for unsafe methods, but for the token, which no page can send with a handshake.
///
/// # Errors
/// 403 `csrf_failed`.
pub fn handshake_check(request: &HttpRequest) -> Result<(), ApiError> {
    let edge = Edge::of(request)?;
    // No page can make a browser send either along with a handshake.
    if is_service(request) || bears_token(request) {
        return Ok(());
    }
    Ok(edge.csrf.decide(false, csrf_headers(request, edge), None)?)
}

fn csrf_headers<'r>(request: &'r HttpRequest, edge: &Edge) -> CsrfHeaders<'r> {
    let (origin, referer) = (only(request, &ORIGIN), only(request, &REFERER));
    let sec_fetch_site = only(request, &SEC_FETCH_SITE);
    // Cookies are bound to our host, so that a name which merely resolves to us (DNS rebinding) brings none; who signs in
    // there signs in there alone.
    let own = sec_fetch_site.is_none()
        && match (origin, referer) {
            (Some(origin), _) => is_own_origin(request, edge, origin),
            (None, Some(page)) => origin_of(page).is_some_and(|origin| is_own_origin(request, edge, &origin)),
            (None, None) => false,
        };
    CsrfHeaders { sec_fetch_site, origin, referer, own, token: only(request, &X_CSRF_TOKEN) }
}

/// A header that must be there once. There twice, or unreadable, it counts as present and matches nothing.
fn only<'r>(request: &'r HttpRequest, name: &HeaderName) -> Option<&'r str> {
    let mut lines = request.headers().get_all(name);
    let first = lines.next()?;
    let alone = lines.next().is_none();
    Some(first.to_str().ok().filter(|_| alone).unwrap_or(""))
}
