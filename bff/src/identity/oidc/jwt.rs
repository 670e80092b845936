//! The signature of a provider's token (RFC 7515, RFC 7519), with the algorithm pinned by the key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, crypto,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::{Deserialize, de::IgnoredAny};

use super::claims::Claims;

/// Bytes. A token with more groups and roles than this in it is a provider's mistake, or an attack.
const LONGEST: usize = 64 * 1024;
/// So many keys are tried on one token. A provider publishes a handful, of which one or two fit.
const MOST_KEYS: usize = 8;

/// What may sign: never `none`, and nothing symmetric, whose key everybody could read at the provider.
const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("RS256", Algorithm::RS256),
    ("PS256", Algorithm::PS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
];

/// Why a provider's token is refused. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    #[error("it is not a JWT")]
    Malformed,
    /// Nothing may be wrong with it but its length.
    #[error("it is longer than 64 KiB")]
    TooLarge,
    #[error("it is a token of another type")]
    Type,
    #[error("its header has extensions that must be understood")]
    Critical,
    #[error("its algorithm is not one that may sign")]
    Algorithm,
    /// The provider may have a new key: see [`TokenFault::may_be_an_old_key`].
    #[error("no key of the provider fits")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("its claims are not what they must be")]
    Claims,
    #[error("`iss` is somebody else")]
    Issuer,
    #[error("`aud` or `azp` is somebody else")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it is from the future")]
    Future,
    #[error("`sub` is missing or too long")]
    Subject,
    #[error("`nonce` is not that of this sign-in")]
    Nonce,
    #[error("it is not about a sign-out")]
    Event,
    #[error("it was used before")]
    Replayed,
    #[error("user information is about somebody else")]
    OtherSubject,
    #[error("the session at the provider has ended meanwhile")]
    SignedOut,
}

impl TokenFault {
    /// Whether the token may hold under keys that the provider has published since: under a new name, under the old
    /// name, or under none at all (OpenID Connect Core 1.0 section 10.1.1 asks for a new name; not all change it).
    #[must_use]
    pub const fn may_be_an_old_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::Signature)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
}

/// The claims of `token`, if one of `keys` signed it with one of the `announced` algorithms. `types`: what `typ` may be,
/// in lower case, if it is there.
pub(super) fn verified(
    token: &str,
    keys: &[Jwk],
    announced: &[String],
    types: &[&str],
) -> Result<Claims, TokenFault> {
    let malformed = TokenFault::Malformed;
    if token.len() > LONGEST {
        return Err(TokenFault::TooLarge);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let parts = message.split_once('.').filter(|(_, claims)| !claims.contains('.'));
    let (header, claims) = parts.ok_or(malformed)?;
    let header: Header = serde_json::from_slice(&part(header)?).map_err(|_| malformed)?;
    let typ = header.typ.map(|typ| typ.to_ascii_lowercase());
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    if !typ.is_none_or(|typ| types.contains(&typ)) {
        return Err(TokenFault::Type);
    }
    if header.crit.is_some() {
        return Err(TokenFault::Critical);
    }
    let known = ALGORITHMS.iter().find(|(name, _)| *name == header.alg && announced.contains(&header.alg));
    let (_, algorithm) = *known.ok_or(TokenFault::Algorithm)?;
    let keys = keys_for(keys, header.kid.as_deref(), algorithm)?;
    let signed = |key| crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false);
    if !keys.iter().any(signed) {
        return Err(TokenFault::Signature);
    }
    serde_json::from_slice(&part(claims)?).map_err(|_| TokenFault::Claims)
}

fn part(text: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Malformed)
}

/// The keys named `kid`; for a token that names none, all that fit. There is one as a rule (OpenID Connect Core 1.0
/// section 10.1); a provider that rotates without names publishes the old key beside the new one for a while. All of
/// them are the provider's, so that a signature by any of them is the provider's.
fn keys_for(keys: &[Jwk], kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>, TokenFault> {
    let fitting = keys.iter().filter(|key| fits(key, algorithm)).filter(|key| match kid {
        Some(kid) => key.common.key_id.as_deref() == Some(kid),
        None => true,
    });
    let fitting: Vec<_> = fitting.filter_map(|key| DecodingKey::from_jwk(key).ok()).take(MOST_KEYS).collect();
    if fitting.is_empty() { Err(TokenFault::UnknownKey) } else { Ok(fitting) }
}

/// Whether `key` is made for signatures by `algorithm`: by its type, and by what it says of its own use.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256 | Algorithm::PS256) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let common = &key.common;
    kind && common.key_algorithm.is_none_or(|named| named == algorithm.into())
        && common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify))
}
