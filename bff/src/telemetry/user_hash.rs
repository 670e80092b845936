//! User ids as they appear in logs: the same user can be followed through one deployment's logs, and
//! nobody without the key can tell who it is or match them with another deployment's.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// HMAC-SHA256 (RFC 2104) under a per-deployment key, cut to 64 bits.
#[derive(Clone)]
pub struct UserHasher {
    keyed: Hmac<Sha256>,
}

impl UserHasher {
    /// With a key that all replicas share and nothing else uses.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC accepts keys of every length (RFC 2104, section 3)")]
        let keyed = Hmac::new_from_slice(key).expect("hmac accepts keys of every length");
        Self { keyed }
    }

    /// The hash of a user id. Takes under a microsecond; a session keeps it rather than asking again.
    #[must_use]
    pub fn hash(&self, user: &str) -> u64 {
        let mut mac = self.keyed.clone();
        mac.update(user.as_bytes());
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

impl std::fmt::Debug for UserHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserHasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_hashes_alike_under_one_key_and_differently_under_another() {
        let (one, other) = (UserHasher::new(&[1; 32]), UserHasher::new(&[2; 32]));
        assert_eq!(one.hash("ada"), UserHasher::new(&[1; 32]).hash("ada"));
        assert_ne!(one.hash("ada"), one.hash("bob"));
        assert_ne!(one.hash("ada"), other.hash("ada"));
    }
}
