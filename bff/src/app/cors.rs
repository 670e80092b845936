//! What browsers may do from other origins (WHATWG Fetch, "CORS protocol").

use actix_cors::Cors;
use actix_web::http::Method;

use crate::identity::AllowedOrigins;

/// Headers that browsers may send across origins.
const CORS_REQUEST_HEADERS: [&str; 10] = [
    "accept",
    "content-type",
    "authorization",
    "cache-control",
    "if-none-match",
    "idempotency-key",
    "last-event-id",
    "traceparent",
    "x-csrf-token",
    "x-request-id",
];
/// Headers that scripts may read across origins.
const CORS_ANSWER_HEADERS: [&str; 11] = [
    "age",
    "cache-status",
    "etag",
    "idempotency-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "server-timing",
    "x-csrf-token",
    "x-request-id",
];

/// For the configured origins, with their cookies.
pub(super) fn cors(origins: &AllowedOrigins) -> Cors {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let cors = Cors::default()
        .allowed_methods(methods)
        .allowed_headers(CORS_REQUEST_HEADERS)
        .expose_headers(CORS_ANSWER_HEADERS)
        .supports_credentials()
        .max_age(600)
        // The answers name `Origin` in their own `Vary`.
        .disable_vary_header();
    origins.iter().fold(cors, Cors::allowed_origin)
}
