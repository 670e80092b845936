//! The way to the provider.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, COOKIE, HeaderValue, LOCATION, SET_COOKIE, VARY},
    web,
};
use url::{Url, form_urlencoded};

use super::{
    refusals::{Fault, look_ahead_refused, return_to_refused},
    state::Oidc,
};
use crate::{
    edge::ApiError,
    identity::oidc::{Attempt, ReturnTo},
    telemetry::unix_ms,
};

/// `GET /auth/oidc/{provider}/login?returnTo=`: 303 to the provider, with a cookie that remembers what was asked.
/// Nothing is stored.
///
/// # Errors
/// 400 `return_to_not_allowed`, 404, 503 `oidc_provider_unavailable`, or `prefetch_refused` to a look ahead.
pub(super) async fn begin_oidc_login(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
) -> Result<HttpResponse, ApiError> {
    let provider = oidc.provider(&request)?;
    if looks_ahead(&request) {
        let mut refused = HttpResponse::from_error(look_ahead_refused());
        refused.headers_mut().insert(VARY, HeaderValue::from_static("Sec-Purpose, Purpose, X-Moz, Origin"));
        return Ok(refused);
    }
    let return_to = return_to(&request, &oidc)?;
    let metadata =
        provider.metadata().await.map_err(|error| Fault::from(error).told(&request, &provider.name))?;
    let now_ms = unix_ms();
    let attempt = Attempt::begin(&provider.name, return_to, now_ms)?;
    let redirect_uri = oidc.redirect_uri(provider)?;
    let mut there: Url = metadata.authorization_endpoint.clone();
    there
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", provider.client.client_id())
        .append_pair("redirect_uri", &redirect_uri)
        .append_pair("scope", &provider.scopes)
        .append_pair("state", attempt.state())
        .append_pair("nonce", attempt.nonce())
        .append_pair("code_challenge", &attempt.challenge())
        .append_pair("code_challenge_method", "S256");
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, there.as_str())).insert_header((CACHE_CONTROL, "no-store"));
    let cookies = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
    let sealed = oidc.attempts.seal(&attempt)?;
    for cleared in oidc.attempts.make_room(cookies, sealed.len(), now_ms) {
        response.append_header((SET_COOKIE, cleared));
    }
    let cookie = oidc.attempts.cookie(attempt.state());
    Ok(response.append_header((SET_COOKIE, cookie.set(&sealed, Attempt::LIFE))).finish())
}

/// Whether a browser asks for what somebody may want next: to prefetch or to prerender it (Fetch Metadata `Sec-Purpose`, and
/// what browsers said before it).
fn looks_ahead(request: &HttpRequest) -> bool {
    ["sec-purpose", "purpose", "x-purpose", "x-moz"].iter().any(|name| {
        let values = request.headers().get_all(*name).filter_map(|value| value.to_str().ok());
        let mut words = values.flat_map(|value| value.split([',', ';']));
        words.any(|word| {
            let word = word.trim();
            ["prefetch", "prerender", "preview"].iter().any(|ahead| word.eq_ignore_ascii_case(ahead))
        })
    })
}

/// `returnTo`; where it is absent, our own front page.
fn return_to(request: &HttpRequest, oidc: &Oidc) -> Result<ReturnTo, ApiError> {
    let mut given = form_urlencoded::parse(request.query_string().as_bytes())
        .filter_map(|(name, value)| (name == "returnTo").then_some(value));
    match (given.next(), given.next()) {
        (None, _) => Ok(ReturnTo::home()),
        (Some(text), None) => ReturnTo::parse(&text, &oidc.origins).ok_or_else(return_to_refused),
        // Which one is meant is unclear.
        (Some(_), Some(_)) => Err(return_to_refused()),
    }
}
