//! Verifies a service token: signature, audience, issuer, time.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use schemas::{Id, ServiceClaims};

use super::keys::{KeyCache, NoKey};
use crate::http::Caller;

/// How far the gateway's clock may be ahead or behind, in seconds.
const LEEWAY: u64 = 5;
const LONGEST_TOKEN: usize = 4096;

/// Why a call is not believed. Callers learn only that it is not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("no token")]
    Missing,
    #[error("not a bearer token")]
    Malformed,
    #[error("the token is not valid")]
    Jwt(#[from] jsonwebtoken::errors::Error),
    #[error("the token is signed in another way than its key allows")]
    Algorithm,
    #[error("the token names no key")]
    NoKeyId,
    #[error("the token asks for extensions that nobody here knows")]
    Critical,
    #[error("the token's key is not published")]
    UnknownKey,
    #[error("the token's acting user is no id")]
    Subject,
    #[error("the token is from the future")]
    Future,
    #[error("the keys have never been fetched")]
    KeysUnavailable,
}

/// Verifies tokens for one service.
pub(crate) struct Verifier {
    keys: Arc<KeyCache>,
    validation: Validation,
    audience: String,
}

impl Verifier {
    pub(crate) fn new(keys: KeyCache, audience: String, issuer: &str) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[&audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        Self { keys: Arc::new(keys), validation, audience }
    }

    /// What tokens must be meant for.
    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    /// Checks the value of `Authorization` (RFC 6750 section 2.1).
    pub(crate) async fn verify(&self, authorization: Option<&HeaderValue>) -> Result<Caller, TokenError> {
        let text = authorization.ok_or(TokenError::Missing)?.to_str().map_err(|_| TokenError::Malformed)?;
        let (scheme, token) = text.split_once(' ').ok_or(TokenError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        // The header is not believed yet: it only says which key to try.
        let header = decode_header(token)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Algorithm);
        }
        if header.crit.is_some() {
            // RFC 7515 section 4.1.11.
            return Err(TokenError::Critical);
        }
        let key_id = header.kid.ok_or(TokenError::NoKeyId)?;
        let key = self.keys.find(&key_id).await.map_err(|none| match none {
            NoKey::Unknown => TokenError::UnknownKey,
            NoKey::Unavailable => TokenError::KeysUnavailable,
        })?;
        let claims = decode::<ServiceClaims>(token, &key, &self.validation)?.claims;
        if claims.iat > jsonwebtoken::get_current_timestamp() + LEEWAY {
            return Err(TokenError::Future);
        }
        let acting = claims.sub.map(|sub| Id::new(&sub)).transpose().map_err(|_| TokenError::Subject)?;
        Ok(Caller { acting })
    }
}
