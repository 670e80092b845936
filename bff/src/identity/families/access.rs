//! Access tokens (RFC 9068): short-lived JWTs that vouch for a family. Signed when a family is made or refreshed,
//! verified when they are first seen, and known by their hash from then on.

use std::sync::{Arc, Weak};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clients::KeyRing;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::{policy::EvictionPolicy, sync::Cache};
use schemas::Id;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TokenPolicy;
use crate::identity::{IdentityError, near::KeyHash, record::millis, session::SessionKey};

/// `typ` of the header (RFC 9068 section 2.1): no other token that the ring signs has it.
const TYPE: &str = "at+jwt";
/// `aud`: the gateway itself.
const AUDIENCE: &str = "bff";
/// Longer texts are none of ours: a user's id has at most 128 characters.
const MAX_LEN: usize = 4096;

/// Makes access tokens and knows those that it has seen.
pub(super) struct AccessTokens {
    ring: Arc<KeyRing>,
    issuer: String,
    validation: Validation,
    life_ms: u64,
    /// By SHA-256 of the token: a signature is verified once. Holds none whose signature was wrong.
    seen: Cache<[u8; 32], Arc<Seen>, KeyHash>,
}

/// A genuine token.
struct Seen {
    family: SessionKey,
    generation: u32,
    expires_ms: u64,
    /// Gone as soon as the ring has let go of it: a revoked key takes with it what it signed.
    key: Weak<DecodingKey>,
}

/// What is different in each token of a family.
pub(super) struct Mint<'a> {
    pub(super) family: &'a SessionKey,
    pub(super) user: &'a Id,
    pub(super) generation: u32,
    pub(super) jti: &'a str,
    pub(super) at_ms: u64,
    /// No token outlives the family.
    pub(super) absolute_end_ms: u64,
}

/// A token and how long it lives, in seconds.
pub(super) struct Minted {
    pub(super) token: SecretString,
    pub(super) expires_in_s: u64,
    /// The key that signed it.
    pub(super) kid: Arc<str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    /// The family's key in the store; nothing can be signed in with it.
    sid: String,
    iat: u64,
    exp: u64,
    jti: &'a str,
    /// Of the refresh token that was given out with it: its use shows that the answer to a refresh has arrived.
    #[serde(skip_serializing_if = "is_first")]
    generation: u32,
}

/// The first token of a family answers no refresh.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_first(generation: &u32) -> bool {
    *generation == 0
}

#[derive(Deserialize)]
struct Read {
    sid: String,
    exp: u64,
    #[serde(default)]
    generation: u32,
}

/// What a good access token vouches for.
pub(super) struct Vouched {
    pub(super) family: SessionKey,
    /// Where this process sees the token for the first time and a refresh gave it out: of which generation it is.
    pub(super) arrived: Option<u32>,
}

impl AccessTokens {
    pub(super) fn new(ring: Arc<KeyRing>, issuer: String, policy: &TokenPolicy, entries: u64) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The time is the caller's: judged here, without leeway.
        validation.validate_exp = false;
        let seen = Cache::builder()
            .max_capacity(entries)
            .time_to_live(policy.access)
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(KeyHash);
        Self { ring, issuer, validation, life_ms: millis(policy.access), seen }
    }

    /// Signs with the ring's current key.
    pub(super) fn mint(&self, mint: &Mint<'_>) -> Result<Minted, IdentityError> {
        // The key may be replaced between the two questions; each time around another one has gone.
        loop {
            if let Some(minted) = self.mint_as(&self.ring.signing_kid(), mint)? {
                return Ok(minted);
            }
        }
    }

    /// The same token again, byte for byte (EdDSA is deterministic, RFC 8032 section 5.1.6). Signed with the current
    /// key instead where `kid` is revoked.
    pub(super) fn mint_again(&self, kid: &str, mint: &Mint<'_>) -> Result<Minted, IdentityError> {
        match self.mint_as(&kid.into(), mint)? {
            Some(minted) => Ok(minted),
            None => self.mint(mint),
        }
    }

    fn mint_as(&self, kid: &Arc<str>, mint: &Mint<'_>) -> Result<Option<Minted>, IdentityError> {
        let iat = mint.at_ms / 1000;
        let exp = (mint.at_ms.saturating_add(self.life_ms) / 1000).min(mint.absolute_end_ms / 1000);
        let claims = Claims {
            iss: &self.issuer,
            aud: AUDIENCE,
            sub: mint.user.as_str(),
            sid: URL_SAFE_NO_PAD.encode(mint.family),
            iat,
            exp,
            jti: mint.jti,
            generation: mint.generation,
        };
        let token = self.ring.sign_as(kid, TYPE, &claims).map_err(IdentityError::Key)?;
        Ok(token.map(|token| Minted {
            token: token.into(),
            expires_in_s: exp.saturating_sub(iat),
            kid: Arc::clone(kid),
        }))
    }

    /// The family that `jwt` vouches for, where it was seen before and is good at `now_ms`. No lock, no allocation.
    pub(super) fn seen(&self, jwt: &str, now_ms: u64) -> Option<SessionKey> {
        if jwt.len() > MAX_LEN {
            return None;
        }
        let seen = self.seen.get(&<[u8; 32]>::from(Sha256::digest(jwt)))?;
        (now_ms < seen.expires_ms && seen.key.strong_count() > 0).then_some(seen.family)
    }

    /// What `jwt` vouches for, where it is good at `now_ms`.
    pub(super) fn verify(&self, jwt: &str, now_ms: u64) -> Option<Vouched> {
        if let Some(family) = self.seen(jwt, now_ms) {
            return Some(Vouched { family, arrived: None });
        }
        let seen = self.read(jwt).filter(|seen| now_ms < seen.expires_ms)?;
        let vouched =
            Vouched { family: seen.family, arrived: (seen.generation > 0).then_some(seen.generation) };
        self.seen.insert(Sha256::digest(jwt).into(), Arc::new(seen));
        Some(vouched)
    }

    fn read(&self, jwt: &str) -> Option<Seen> {
        if jwt.len() > MAX_LEN {
            return None;
        }
        let header = jsonwebtoken::decode_header(jwt).ok()?;
        // What the algorithm is follows from the key, never from the token: `decode` refuses any other than EdDSA.
        let key = self.ring.verifying_key(header.kid.as_deref()?)?;
        if header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let read = jsonwebtoken::decode::<Read>(jwt, &key, &self.validation).ok()?.claims;
        let family = URL_SAFE_NO_PAD.decode(read.sid).ok()?.try_into().ok()?;
        Some(Seen {
            family,
            generation: read.generation,
            expires_ms: read.exp.saturating_mul(1000),
            key: Arc::downgrade(&key),
        })
    }
}
