//! Who is asking, for handlers that must know.

use std::{
    future::{Ready, ready},
    pin::Pin,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, COOKIE, HOST, HeaderName, HeaderValue, ORIGIN, REFERER},
};
use futures_util::future::Either;
use secrecy::{ExposeSecret, SecretString};

use super::{ApiError, Edge, RequestContext, callers::is_service};
use crate::{
    identity::{Caller, CsrfHeaders, Session, SessionKind, find_cookie},
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
        Either::Left(shown) => {
            Either::Left(ready(shown.into_inner().and_then(|shown| admit(request, shown, touch))))
        }
        Either::Right(pending) => {
            let request = request.clone();
            Either::Right(Box::pin(async move { admit(&request, pending.await?, touch) }))
        }
    }
}

/// Who a request says it is from, as far as that is true.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// It says nothing, or has a cookie of no session that is known.
    Nobody,
    BadToken,
    Token(Arc<Session>),
    Cookie(Arc<Session>),
}

impl Shown {
    pub(super) fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Token(session) | Self::Cookie(session) => Some(session),
            Self::Nobody | Self::BadToken => None,
        }
    }
}

/// Looks at what the request shows, unless that was done before.
pub(super) fn shown(request: &HttpRequest) -> Extracted<Shown> {
    let now = |shown| Either::Left(ready(shown));
    let known = request.extensions().get::<RequestContext>().and_then(|context| context.shown.clone());
    if let Some(known) = known {
        return now(Ok(known));
    }
    let edge = match Edge::of(request) {
        Ok(edge) => edge,
        Err(error) => return now(Err(error)),
    };
    let now_ms = unix_ms();
    // A token is said to be good for the request, a cookie merely comes along: where both are there the token counts,
    // and a bad one is not made good by a cookie.
    if let Some(bearer) = bearer(request) {
        let Some(token) = bearer else { return now(Ok(Shown::BadToken)) };
        if let Some(session) = edge.tokens.peek_access(token, now_ms) {
            return now(Ok(Shown::Token(session)));
        }
        let (edge, token) = (edge.clone(), SecretString::from(token));
        return Either::Right(Box::pin(async move {
            let session = edge.tokens.load_access(token.expose_secret(), now_ms).await?;
            Ok(session.map_or(Shown::BadToken, Shown::Token))
        }));
    }
    let cookies = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
    let Some(raw_id) = find_cookie(cookies, &edge.cookie.name) else {
        return now(Ok(Shown::Nobody));
    };
    if let Some(session) = edge.sessions.peek(raw_id, now_ms) {
        return now(Ok(Shown::Cookie(session)));
    }
    let (edge, raw_id) = (edge.clone(), raw_id.to_owned());
    Either::Right(Box::pin(async move {
        let session = edge.sessions.load(&raw_id, now_ms).await?;
        Ok(session.map_or(Shown::Nobody, Shown::Cookie))
    }))
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1); `Some(None)` where the header is there and holds none,
/// or is there twice. Other schemes are not ours: what stands in front may use them.
fn bearer(request: &HttpRequest) -> Option<Option<&str>> {
    let mut lines = request.headers().get_all(AUTHORIZATION).map(HeaderValue::as_bytes).filter_map(|line| {
        let (scheme, rest) = line.split_at_checked(b"Bearer".len())?;
        (scheme.eq_ignore_ascii_case(b"Bearer") && rest.first().is_none_or(|b| *b == b' ')).then_some(rest)
    });
    let (first, again) = (lines.next()?, lines.next());
    let token = str::from_utf8(first.trim_ascii()).ok();
    Some(token.filter(|token| !token.is_empty() && again.is_none()))
}

/// Whether the request says that it bears an access token.
#[must_use]
pub fn bears_token(request: &HttpRequest) -> bool {
    bearer(request).is_some()
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
                edge.csrf.decide(false, csrf_headers(request), Some(&session.key))?;
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
    let safe = request.method().is_safe() || is_service(request);
    Ok(Edge::of(request)?.csrf.decide(safe, csrf_headers(request), None)?)
}

/// The check for requests that are safe by their method and open a connection all the same: no preflight precedes
/// a WebSocket handshake, and its answers can be read from every origin (RFC 6455 section 10.2). The same rule as
/// for unsafe methods; besides, a page may always connect to where it came from.
///
/// # Errors
/// 403 `csrf_failed`.
pub fn handshake_check(request: &HttpRequest) -> Result<(), ApiError> {
    let edge = Edge::of(request)?;
    // No page can make a browser send either along with a handshake.
    if is_service(request) || bears_token(request) {
        return Ok(());
    }
    let headers = csrf_headers(request);
    // A browser that does not say `Sec-Fetch-Site` still says `Origin` with a handshake. The cookie is bound to our
    // host, so that a name which merely resolves to us brings none. In production only https is ours: anybody on
    // the way could have written the page that came without it.
    let origin = headers.origin.and_then(|origin| origin.split_once("://"));
    let own = origin.filter(|(scheme, _)| *scheme == "https" || !edge.hsts).map(|(_, host)| host);
    if headers.sec_fetch_site.is_none() && own.is_some() && own == only(request, &HOST) {
        return Ok(());
    }
    Ok(edge.csrf.decide(false, headers, None)?)
}

fn csrf_headers(request: &HttpRequest) -> CsrfHeaders<'_> {
    CsrfHeaders {
        sec_fetch_site: only(request, &SEC_FETCH_SITE),
        origin: only(request, &ORIGIN),
        referer: only(request, &REFERER),
        token: only(request, &X_CSRF_TOKEN),
    }
}

/// A header that must be there once. There twice, or unreadable, it counts as present and matches nothing.
fn only<'r>(request: &'r HttpRequest, name: &HeaderName) -> Option<&'r str> {
    let mut lines = request.headers().get_all(name);
    let first = lines.next()?;
    let alone = lines.next().is_none();
    Some(first.to_str().ok().filter(|_| alone).unwrap_or(""))
}
