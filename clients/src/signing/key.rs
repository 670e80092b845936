//! One Ed25519 key, read from its file.

use std::{fs, path::Path, sync::Arc};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{KeyError, error::file_error};

/// A key pair and how the world knows it.
pub(super) struct Key {
    /// Its thumbprint (RFC 7638).
    pub(super) kid: Arc<str>,
    /// The public half as a JWK (RFC 8037 section 2).
    pub(super) jwk: Value,
    /// The public half, to verify with.
    pub(super) public: Arc<DecodingKey>,
    /// Header of the tokens that it signs, but for their `typ`.
    header: Header,
    /// Keeps itself out of `Debug` and wipes itself.
    private: EncodingKey,
}

impl Key {
    /// # Errors
    /// [`KeyError`] when the file cannot be read or is no key.
    pub(super) fn read(path: &Path) -> Result<Self, KeyError> {
        let pem = Zeroizing::new(fs::read(path).map_err(file_error(path))?);
        let refused = || KeyError::NotEd25519 { path: path.to_owned() };
        let private = EncodingKey::from_ed_pem(&pem).map_err(|_| refused())?;
        let pair = Ed25519KeyPair::from_pkcs8(private.as_bytes()).map_err(|_| refused())?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let public = Arc::new(DecodingKey::from_ed_components(&x).map_err(|_| refused())?);
        let kid = thumbprint(&x);
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA" });
        let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(Self { kid: kid.into(), jwk, public, header, private })
    }

    /// A JWT (RFC 7519) of that `typ`: `None` for the usual one.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when `claims` cannot be written as JSON.
    pub(super) fn sign<C: Serialize>(&self, typ: Option<&str>, claims: &C) -> Result<String, KeyError> {
        let typed = typ.map(|typ| Header { typ: Some(typ.to_owned()), ..self.header.clone() });
        let header = typed.as_ref().unwrap_or(&self.header);
        jsonwebtoken::encode(header, claims, &self.private).map_err(KeyError::Sign)
    }
}

/// RFC 7638 section 3 with the members of RFC 8037 section 2; `x` is base64url, so nothing needs an escape.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}
