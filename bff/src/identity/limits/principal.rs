//! Who is charged.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::Tier;

/// Who is charged for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Principal {
    pub(super) tier: Tier,
    pub(super) key: u64,
}

impl Principal {
    /// Nobody in particular, from this address. A /64 of IPv6 is one principal: it is the least that a site is given
    /// (RFC 6177).
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        // IPv4 addresses fall into the range of 0000::/32, which is nobody's.
        let key = match address.to_canonical() {
            IpAddr::V4(v4) => u32::from(v4).into(),
            IpAddr::V6(v6) => u64::try_from(u128::from(v6) >> 64).unwrap_or_default(),
        };
        Self { tier: Tier::Anonymous, key }
    }

    /// A signed-in user, by the hash that logs call them by.
    #[must_use]
    pub const fn user(log_name: u64) -> Self {
        Self { tier: Tier::User, key: log_name }
    }

    /// A server-side caller, by its name in the configuration.
    #[must_use]
    pub fn caller(name: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(name).into();
        Self { tier: Tier::Caller, key: digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)) }
    }

    /// The limit that it is under.
    #[must_use]
    pub const fn tier(self) -> Tier {
        self.tier
    }
}
