//! Answers that went well.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, HeaderMap},
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// 200 with `value`. A read also bears a strong `ETag`, and answers 304 to whoever has these very bytes
/// (RFC 9110 sections 8.8.3 and 13.1.2).
pub(crate) fn ok(request: &HttpRequest, value: &impl Serialize) -> HttpResponse {
    let body = bytes(value);
    let mut response = HttpResponse::Ok();
    // What is in here may depend on who asks: `likedByMe`.
    response
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"));
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        let tag = etag(&body);
        if has(request.headers(), &tag) {
            response.status(actix_web::http::StatusCode::NOT_MODIFIED);
            return response.insert_header((header::ETAG, tag)).finish();
        }
        response.insert_header((header::ETAG, tag));
    }
    response.insert_header((header::CONTENT_TYPE, "application/json")).body(body)
}

/// 201 with what was made and where it is.
pub(crate) fn created(location: String, value: &impl Serialize) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(bytes(value))
}

/// 204.
pub(crate) fn no_content() -> HttpResponse {
    HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    // The wire types have no maps with keys that are not text and no failing Serialize.
    serde_json::to_vec(value).unwrap_or_default()
}

fn etag(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..16]))
}

/// Weak comparison, as `If-None-Match` asks for.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::{http::StatusCode, test::TestRequest};

    use super::{etag, ok};

    #[test]
    fn whoever_has_these_bytes_is_told_so() {
        let tag = etag(b"[1]");
        for (sent, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (format!("W/{tag}"), StatusCode::NOT_MODIFIED),
            (format!("\"x\", {tag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"x\"".to_owned(), StatusCode::OK),
        ] {
            let request = TestRequest::get().insert_header(("If-None-Match", sent)).to_http_request();
            assert_eq!(ok(&request, &[1]).status(), status);
        }
        let write = TestRequest::put().insert_header(("If-None-Match", tag)).to_http_request();
        assert_eq!(ok(&write, &[1]).status(), StatusCode::OK);
    }
}
