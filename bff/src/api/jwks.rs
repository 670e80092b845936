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

/// Answers the key set. A verifier may keep it for a moment, and asks again when it meets a key it does not know.
pub async fn jwks(keys: web::Data<Jwks>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=60")).json(keys.0.jwks())
}
