//! A sign-in under way: what the gateway must remember of it between the two visits of the browser. It is sealed into
//! a cookie, so that nothing is stored for attempts that nobody finishes.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use sha2::{Digest, Sha256};

use super::ReturnTo;
use crate::identity::IdentityError;

const LIFE_MS: u64 = 10 * 60 * 1000;

/// One sign-in under way.
pub struct Attempt {
    pub(super) provider: Box<str>,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: SecretString,
    pub(super) return_to: ReturnTo,
    pub(super) expires_ms: u64,
}

/// Prints no secret.
impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl Attempt {
    /// How long somebody may take at the provider.
    pub const LIFE: Duration = Duration::from_millis(LIFE_MS);

    /// Begins one with new random values.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`].
    pub fn begin(provider: &str, return_to: ReturnTo, now_ms: u64) -> Result<Self, IdentityError> {
        Ok(Self {
            provider: provider.into(),
            state: random::<16>()?,
            nonce: random::<16>()?,
            // RFC 7636 section 4.1: 43 characters out of 32 random bytes.
            verifier: random::<32>()?.into(),
            return_to,
            expires_ms: now_ms.saturating_add(LIFE_MS),
        })
    }

    /// `state`: 128 random bits that come back with the answer.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }

    /// `nonce`: 128 random bits that come back within the ID token.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// `code_verifier` (RFC 7636 section 4.1).
    #[must_use]
    pub fn verifier(&self) -> &SecretString {
        &self.verifier
    }

    /// `code_challenge` by the method `S256` (RFC 7636 section 4.2).
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret().as_bytes()))
    }

    /// Where the browser goes in the end.
    #[must_use]
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// When it began, Unix time in milliseconds.
    #[must_use]
    pub fn begun_ms(&self) -> u64 {
        self.expires_ms.saturating_sub(LIFE_MS)
    }

    /// Unix time in milliseconds after which it counts no more.
    #[must_use]
    pub fn expires_ms(&self) -> u64 {
        self.expires_ms
    }
}

pub(super) fn random<const N: usize>() -> Result<String, IdentityError> {
    let mut bits = Zeroizing::new([0_u8; N]);
    getrandom::fill(bits.as_mut()).map_err(IdentityError::Randomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bits.as_slice()))
}
