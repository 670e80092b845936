//! The cookies of ours that a browser sends. Of one name there may be several, of which all but one are left over from
//! another scope, or are a sibling host's: a sign-in, a renewal and a sign-out clear those as well.

use actix_web::{
    HttpRequest,
    http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

use crate::{
    edge::{Edge, hosts},
    identity::{AppTokens, CookieSettings, Sessions, cookie_values},
};

/// What a browser sends under one name.
#[derive(Debug, Clone)]
pub(in crate::auth) struct SentCookies {
    settings: CookieSettings,
    /// Values that may be ours, in their order.
    pub(super) values: Vec<String>,
    /// Whether there is any, also one that cannot be ours.
    pub(super) present: bool,
    /// `Set-Cookie` lines for other scopes; none where the name came once.
    elsewhere: Vec<String>,
}

impl SentCookies {
    /// Under the name of the session cookie.
    pub(in crate::auth) fn session(request: &HttpRequest, edge: &Edge) -> Self {
        Self::of(request, &edge.cookie, Sessions::may_be_id)
    }

    /// Under the name of the cookie in which the browser keeps a refresh token for an app in it.
    pub(super) fn refresh(request: &HttpRequest, edge: &Edge) -> Self {
        Self::of(request, &edge.refresh_cookie, AppTokens::may_be_refresh_token)
    }

    /// What a caller sends whose cookies are not to be looked at.
    pub(super) fn none(settings: &CookieSettings) -> Self {
        Self { settings: settings.clone(), values: Vec::new(), present: false, elsewhere: Vec::new() }
    }

    fn of(request: &HttpRequest, settings: &CookieSettings, plausible: fn(&str) -> bool) -> Self {
        let lines = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
        let found = cookie_values(lines, &settings.name, plausible);
        let mut elsewhere = Vec::new();
        if found.is_duplicated() {
            for line in hosts(request).iter().flat_map(|host| settings.clear_elsewhere(host)) {
                if !elsewhere.contains(&line) {
                    elsewhere.push(line);
                }
            }
        }
        Self {
            settings: settings.clone(),
            values: found.candidates().map(str::to_owned).collect(),
            present: found.is_present(),
            elsewhere,
        }
    }

    /// Sets the cookie to what `line` says (see [`CookieSettings::set`]), as the only one of its name.
    pub(in crate::auth) fn replace(&self, line: &str, headers: &mut HeaderMap) {
        // The one that stays comes last: a browser that knows no host-only flag takes a cookie of the host's own domain
        // for the same one.
        self.clear_elsewhere(headers);
        add_cookie(headers, line);
    }

    /// Clears it, in every scope where there may be one.
    pub(super) fn clear(&self, headers: &mut HeaderMap) {
        self.clear_elsewhere(headers);
        add_cookie(headers, &self.settings.clear());
    }

    fn clear_elsewhere(&self, headers: &mut HeaderMap) {
        self.elsewhere.iter().for_each(|line| add_cookie(headers, line));
    }
}

/// Adds a `Set-Cookie` line.
pub(in crate::auth) fn add_cookie(headers: &mut HeaderMap, line: &str) {
    // Cookie octets and our own attributes: always a header value. Were one not, nobody would be signed in by it.
    if let Ok(value) = HeaderValue::from_str(line) {
        headers.append(SET_COOKIE, value);
    }
}
