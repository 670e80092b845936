//! `GET /.well-known/jwks.json`: the public keys of the tokens that the gateway signs (RFC 7517).

use std::sync::Arc;

use actix_web::{HttpResponse, http::header, web};
use clients::KeyRing;

/// The keys to publish.
#[derive(Clone)]
pub struct Jwks(pub Arc<KeyRing>);

impl std::fmt::Debug for Jwks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jwks")
    }
}

/// Answers the key set. A verifier may keep it for a moment, and asks again when it meets a key it does not know. It is not
/// charged to anybody: services verify no token without it, whatever else is asked from their address.
pub(super) async fn jwks(keys: web::Data<Jwks>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=60"));
    response.insert_header(header::ContentType::json()).body(keys.0.jwks_json())
}
