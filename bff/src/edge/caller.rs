//! Who calls, for handlers that must know, and the CSRF check of what they do.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{HeaderName, ORIGIN, REFERER},
};

use super::{
    ApiError, Edge, RequestContext, authentication::Authentication, callers::is_service,
    credentials::bears_token, reached::is_own_origin,
};
use crate::{
    identity::{Caller, CsrfHeaders, IdentityError, SessionKind, origin_of},
    telemetry::unix_ms,
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

const NOT_IDENTIFIED: ApiError =
    ApiError::Internal("a handler asks who calls, and the identity stage has passed the request by");

/// A signed-in caller: an app with an access token, or a browser with a session cookie. Asking for one answers 401 to
/// everybody else, and 403 to a request with a cookie that may have been forged by another site: a handler for an
/// unsafe method cannot forget the check. Who it is was found out by the identity stage ([`Identify`](super::Identify)).
#[derive(Debug, Clone)]
pub struct SignedIn(Caller);

impl SignedIn {
    /// The proof for `request`, without waiting. Extends the session.
    ///
    /// # Errors
    /// 401 `unauthenticated` or `invalid_token`, 403 `csrf_failed`; 503 where the store did not say whether there is a
    /// session.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        admit(request, true)
    }

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

impl MaybeSignedIn {
    /// As [`SignedIn::of`].
    ///
    /// # Errors
    /// 401 `invalid_token`, 403 `csrf_failed`, 503.
    pub fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        match SignedIn::of(request) {
            Ok(caller) => Ok(Self(Some(caller))),
            Err(ApiError::Unauthenticated) => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl FromRequest for SignedInUntouched {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(admit(request, false).map(Self))
    }
}

impl FromRequest for MaybeSignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// Turns what the identity stage found out into a proof, or into the refusal. `touch`: the session is in use.
fn admit(request: &HttpRequest, touch: bool) -> Result<SignedIn, ApiError> {
    let (authentication, service) = match request.extensions().get::<RequestContext>() {
        Some(context) => (context.authentication.clone(), context.service.is_some()),
        None => (None, false),
    };
    let edge = Edge::of(request)?;
    let caller = match authentication.ok_or(NOT_IDENTIFIED)? {
        Authentication::Nobody => return Err(ApiError::Unauthenticated),
        Authentication::InvalidToken => return Err(ApiError::InvalidToken),
        Authentication::Unavailable(error) => return Err(ApiError::Identity(IdentityError::Store(error))),
        // Browsers send no token by themselves, so that there is nothing to forge.
        Authentication::Token(session) => Caller::of_app(session),
        // No page can make a request that bears the token of a server-side caller: the cookie it passes on is its word.
        Authentication::Cookie(session) if service => Caller::of_server(session),
        Authentication::Cookie(session) => {
            if !request.method().is_safe() {
                edge.csrf.decide(false, csrf_headers(request, edge), Some(&session.key))?;
            }
            Caller::of_browser(session)
        }
    };
    if touch {
        edge.sessions.touch(&caller.session, unix_ms());
    }
    RequestContext::note(request, |context| {
        context.user = Some(caller.session.log_name(&edge.users));
        context.client = caller.client.as_str();
    });
    Ok(SignedIn(caller))
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
