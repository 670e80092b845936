//! The limits: one for each kind of principal.

use std::num::NonZeroU32;

/// Kinds of principals, each with a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    Anonymous,
    User,
    Caller,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Anonymous, Self::User, Self::Caller];

    /// The name of its policy in headers, and of its label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Caller => "caller",
        }
    }
}

/// How often: `burst` at once, refilled at `per_second`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

/// The limit of each tier.
#[derive(Debug, Clone, Copy)]
pub struct LimitPolicy {
    pub anonymous: Limit,
    pub user: Limit,
    pub caller: Limit,
}

impl LimitPolicy {
    /// The limit of `tier`.
    #[must_use]
    pub const fn of(&self, tier: Tier) -> Limit {
        match tier {
            Tier::Anonymous => self.anonymous,
            Tier::User => self.user,
            Tier::Caller => self.caller,
        }
    }
}
