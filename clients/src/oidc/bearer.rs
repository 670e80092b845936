//! The `Authorization` of a call to a provider.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::OidcError;

/// RFC 6750 section 2.1.
pub(super) fn put_bearer(headers: &mut HeaderMap, token: &SecretString) -> Result<(), OidcError> {
    put_authorization(headers, &Zeroizing::new(format!("Bearer {}", token.expose_secret())))
}

pub(super) fn put_authorization(headers: &mut HeaderMap, text: &str) -> Result<(), OidcError> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| OidcError::Unusable("a token that fits no header"))?;
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(())
}
