//! Reads: called, shaped, and answered with a validator.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, ETAG, HeaderValue},
    },
};
use clients::{RawAnswer, RawCall, Upstream, UpstreamError};

use super::{asked::Asked, call::call_of};
use crate::{
    cache::digest,
    edge::{ApiError, ended_meanwhile, not_modified},
};

/// Serves a read.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn read(asked: Asked) -> Result<HttpResponse, ApiError> {
    let Asked { request, routes, route, .. } = &asked;
    let call = call_of(route, &asked.values(), request.query_string())?;
    let upstream = routes.upstream(route.call.upstream)?;
    let answer = match asked.call(upstream, call).await {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(caller) = asked.asker.caller.as_ref().filter(|_| route.profile)
                && let Some(ended) = ended_meanwhile(request, caller).await
            {
                return Err(ended);
            }
            return Err(routes.refused(route, error));
        }
    };
    let shaped = routes.shape(route, &asked.cx, &asked.values(), &answer).await?;
    if shaped.body.is_empty() {
        let mut response = HttpResponse::NoContent();
        return Ok(response.insert_header((CACHE_CONTROL, "no-store")).finish());
    }
    let etag = etag(route.if_match, &answer, &shaped.body);
    let is_known = not_modified(request, strong(etag.as_bytes()));
    let status = StatusCode::from_u16(route.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { status });
    response.insert_header((ETAG, etag));
    let mut response = if is_known {
        response.finish()
    } else {
        response.content_type("application/json").body(shaped.body)
    };
    route.set_cache_control(response.headers_mut(), asked.cx.acting.is_none(), shaped.complete);
    Ok(response)
}

impl Asked {
    /// Makes the call. Of the caller's own account it is asked again before it counts as gone.
    async fn call(&self, upstream: &Upstream, call: RawCall) -> Result<RawAnswer, UpstreamError> {
        match self.asker.caller.as_ref().filter(|_| self.route.profile) {
            Some(caller) => {
                let ask = || upstream.call(&self.cx, call.clone());
                self.routes.sessions.own_account(&caller.user, ask).await
            }
            None => upstream.call(&self.cx, call).await,
        }
    }
}

/// An upstream's ETag may be a weak one; it is compared without its mark (RFC 9110 section 8.8.3.2).
fn strong(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

/// The upstream's, for writes that bear `If-Match`; of what the gateway made, its own (RFC 9110 section 8.8.3).
fn etag(upstreams: bool, answer: &RawAnswer, body: &[u8]) -> HeaderValue {
    let theirs = answer.headers.get(http::header::ETAG).filter(|_| upstreams);
    let theirs = theirs.and_then(|etag| HeaderValue::from_bytes(etag.as_bytes()).ok());
    theirs.unwrap_or_else(|| {
        let text = format!("\"{}\"", digest(body));
        // Quotes and base64 are visible ASCII.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    })
}
