//! What a request shows of who it is from: an access token, or cookies of which one may name a live session. Looked at
//! once for each request, by the rate limit or else by the handler that asks.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{AUTHORIZATION, COOKIE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use smallvec::SmallVec;

use super::{ApiError, Edge, RequestContext};
use crate::{
    identity::{Session, Sessions, cookie_values},
    telemetry::unix_ms,
};

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

/// What is known of it without asking anybody.
pub(super) enum Showing {
    Known(Shown),
    Unread(Unread),
}

/// Credentials that the near cache does not know: what they are worth is for the store to say.
pub(super) struct Unread {
    edge: Edge,
    now_ms: u64,
    credentials: Credentials,
}

enum Credentials {
    Token(SecretString),
    /// In the order in which they are tried, the last one first.
    Cookies(SmallVec<[SecretString; 4]>),
}

impl Unread {
    /// Tries the next credential, which costs at most one read of the store. Nothing: it names no live session, and there
    /// is another one to be tried.
    ///
    /// # Errors
    /// 503: whether there is a session is unknown.
    pub(super) async fn try_next(&mut self) -> Result<Option<Shown>, ApiError> {
        match &mut self.credentials {
            Credentials::Token(token) => {
                let session = self.edge.tokens.load_access(token.expose_secret(), self.now_ms).await?;
                Ok(Some(session.map_or(Shown::BadToken, Shown::Token)))
            }
            Credentials::Cookies(cookies) => {
                let Some(raw_id) = cookies.pop() else { return Ok(Some(Shown::Nobody)) };
                let session = self.edge.sessions.load(raw_id.expose_secret(), self.now_ms).await?;
                match session {
                    Some(session) => Ok(Some(Shown::Cookie(session))),
                    None => Ok(cookies.is_empty().then_some(Shown::Nobody)),
                }
            }
        }
    }

    /// Tries one after the other until one is good.
    ///
    /// # Errors
    /// As [`Self::try_next`].
    pub(super) async fn read(mut self) -> Result<Shown, ApiError> {
        loop {
            if let Some(shown) = self.try_next().await? {
                return Ok(shown);
            }
        }
    }
}

/// Looks at what the request shows, unless that was done before. Of several session cookies one that names a live session
/// counts: those in memory first, then those in the store, each in the order of the header.
///
/// # Errors
/// 500: the application has no edge.
pub(super) fn shown(request: &HttpRequest) -> Result<Showing, ApiError> {
    let known = request.extensions().get::<RequestContext>().and_then(|context| context.shown.clone());
    if let Some(known) = known {
        return Ok(Showing::Known(known));
    }
    let edge = Edge::of(request)?;
    let now_ms = unix_ms();
    let unread = |credentials| Ok(Showing::Unread(Unread { edge: edge.clone(), now_ms, credentials }));
    // A token is said to be good for the request, a cookie merely comes along: where both are there the token counts,
    // and a bad one is not made good by a cookie.
    if let Some(bearer) = bearer(request) {
        let Some(token) = bearer else { return Ok(Showing::Known(Shown::BadToken)) };
        return match edge.tokens.peek_access(token, now_ms) {
            Some(session) => Ok(Showing::Known(Shown::Token(session))),
            None => unread(Credentials::Token(token.into())),
        };
    }
    let lines = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
    let cookies = cookie_values(lines, &edge.cookie.name, Sessions::may_be_id);
    if let Some(session) = cookies.candidates().find_map(|raw_id| edge.sessions.peek(raw_id, now_ms)) {
        return Ok(Showing::Known(Shown::Cookie(session)));
    }
    let mut cookies: SmallVec<[SecretString; 4]> = cookies.candidates().map(SecretString::from).collect();
    if cookies.is_empty() {
        return Ok(Showing::Known(Shown::Nobody));
    }
    cookies.reverse();
    unread(Credentials::Cookies(cookies))
}

/// [`shown`], for those who look later. Where sessions cannot be looked up, a handler that needs one says so.
pub(super) async fn note_shown(request: &HttpRequest) {
    let shown = match shown(request) {
        Ok(Showing::Known(shown)) => Ok(shown),
        Ok(Showing::Unread(unread)) => unread.read().await,
        Err(error) => Err(error),
    };
    if let Ok(shown) = shown {
        RequestContext::note(request, |context| context.shown = Some(shown));
    }
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
