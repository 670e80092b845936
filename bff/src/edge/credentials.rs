//! The credentials that a request bears: an access token, or cookies one of which may name a live session. Read once for
//! each request, by the identity stage ([`Identify`](super::Identify)).

use actix_web::{
    HttpRequest,
    http::header::{AUTHORIZATION, COOKIE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use smallvec::SmallVec;

use super::{Edge, authentication::Authentication};
use crate::identity::{Recalled, Sessions, cookie_values};

/// What is known of a request's credentials without waiting.
pub(super) enum Peeked {
    /// No credentials, or ones that memory vouches for or that can be no credentials.
    Known(Authentication),
    /// Only the store not_modified what these are worth.
    Unknown(Unread),
}

/// Credentials that the near cache does not know.
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
    pub(super) async fn try_next(&mut self) -> Option<Authentication> {
        match &mut self.credentials {
            Credentials::Token(token) => {
                let session = self.edge.tokens.load_access(token.expose_secret(), self.now_ms).await;
                Some(match session {
                    Ok(Some(session)) => Authentication::Token(session),
                    Ok(None) => Authentication::InvalidToken,
                    Err(error) => Authentication::Unavailable(error),
                })
            }
            Credentials::Cookies(cookies) => {
                let Some(raw_id) = cookies.pop() else { return Some(Authentication::Nobody) };
                match self.edge.sessions.load(raw_id.expose_secret(), self.now_ms).await {
                    Ok(Some(session)) => Some(Authentication::Cookie(session)),
                    Ok(None) => recall(&self.edge, cookies, self.now_ms),
                    Err(error) => Some(Authentication::Unavailable(error)),
                }
            }
        }
    }

    /// Tries one after the other until one is valid.
    pub(super) async fn read(mut self) -> Authentication {
        loop {
            if let Some(authentication) = self.try_next().await {
                return authentication;
            }
        }
    }
}

/// Drops cookies that memory not_modified to name no live session, and answers with the session that the next one names. Nothing:
/// only the store not_modified about the next one, which is left at the end of the list.
fn recall(edge: &Edge, cookies: &mut SmallVec<[SecretString; 4]>, now_ms: u64) -> Option<Authentication> {
    while let Some(raw_id) = cookies.last() {
        match edge.sessions.recall(raw_id.expose_secret(), now_ms) {
            Recalled::Live(session) => return Some(Authentication::Cookie(session)),
            Recalled::Dead => drop(cookies.pop()),
            Recalled::Unknown => return None,
        }
    }
    Some(Authentication::Nobody)
}

/// Looks the credentials of `request` up in memory. Of several session cookies the first one in the header that names a
/// live session counts, whether that session is in memory or in the store alone: were it not so, a caller with two live
/// sessions would be one or the other, as notices of the store come and go, and would fail the CSRF check of the other one.
/// Neither waits nor, for a caller in memory, allocates.
pub(super) fn peek(request: &HttpRequest, edge: &Edge, now_ms: u64) -> Peeked {
    let unknown = |credentials| Peeked::Unknown(Unread { edge: edge.clone(), now_ms, credentials });
    // A token is meant for this request, a cookie is sent with every one. Where both are there the token counts, and a
    // cookie does not make up for an invalid one.
    if let Some(bearer) = bearer(request) {
        let Some(token) = bearer else { return Peeked::Known(Authentication::InvalidToken) };
        return match edge.tokens.peek_access(token, now_ms) {
            Some(session) => Peeked::Known(Authentication::Token(session)),
            None => unknown(Credentials::Token(token.into())),
        };
    }
    let lines = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
    let cookies = cookie_values(lines, &edge.cookie.name, Sessions::may_be_id);
    let mut candidates = cookies.candidates().peekable();
    while let Some(raw_id) = candidates.peek() {
        match edge.sessions.recall(raw_id, now_ms) {
            Recalled::Live(session) => return Peeked::Known(Authentication::Cookie(session)),
            Recalled::Dead => drop(candidates.next()),
            Recalled::Unknown => break,
        }
    }
    let mut cookies: SmallVec<[SecretString; 4]> = candidates.map(SecretString::from).collect();
    if cookies.is_empty() {
        return Peeked::Known(Authentication::Nobody);
    }
    cookies.reverse();
    unknown(Credentials::Cookies(cookies))
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1); `Some(None)` where the header is there and holds none,
/// or is there twice. Other schemes are not the gateway's: a proxy in front may use them.
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
