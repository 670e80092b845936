//! Verifies a service token: signature, audience, issuer, time.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use schemas::{Id, ServiceClaims};

use super::keys::{KeyCache, NoKey};
use crate::{http::Caller, options::TokenSecret};

use super::error::TokenError;

/// How far the gateway's clock may be ahead or behind, in seconds.
const LEEWAY: u64 = 5;
const LONGEST_TOKEN: usize = 4096;

/// What a token must be signed with. One way, never both: whoever lets the token choose lets a forger choose
/// (RFC 8725 section 3.1).
pub(crate) enum Trust {
    /// EdDSA with one of the keys that the gateway publishes.
    Published(Arc<KeyCache>),
    /// HS256 with a secret.
    Shared(TokenSecret),
}

/// Verifies tokens for one service.
pub(crate) struct Verifier {
    trust: Trust,
    algorithm: Algorithm,
    validation: Validation,
    audience: String,
}

impl Verifier {
    pub(crate) fn new(trust: Trust, audience: String, issuer: &str) -> Self {
        let algorithm = match &trust {
            Trust::Published(_) => Algorithm::EdDSA,
            Trust::Shared(_) => Algorithm::HS256,
        };
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[&audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        Self { trust, algorithm, validation, audience }
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
        if header.alg != self.algorithm {
            return Err(TokenError::Algorithm);
        }
        if header.crit.is_some() {
            // RFC 7515 section 4.1.11.
            return Err(TokenError::Critical);
        }
        let claims = match &self.trust {
            // There is one secret, whatever the token calls it.
            Trust::Shared(secret) => decode::<ServiceClaims>(token, secret.key(), &self.validation)?.claims,
            Trust::Published(keys) => {
                let key_id = header.kid.ok_or(TokenError::NoKeyId)?;
                let key = keys.find(&key_id).await.map_err(|none| match none {
                    NoKey::Unknown => TokenError::UnknownKey,
                    NoKey::Unavailable => TokenError::KeysUnavailable,
                })?;
                decode::<ServiceClaims>(token, &key, &self.validation)?.claims
            }
        };
        if claims.iat > jsonwebtoken::get_current_timestamp() + LEEWAY {
            return Err(TokenError::Future);
        }
        let acting = claims.sub.map(|sub| Id::new(&sub)).transpose().map_err(|_| TokenError::Subject)?;
        Ok(Caller::new(acting, &claims.scope))
    }
}
