//! Why an attempt may not be made.

use std::time::Duration;

use crate::store::StoreError;

/// Which count refuses an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottledBy {
    Account,
    Address,
}

impl ThrottledBy {
    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
        }
    }
}

/// Why an attempt may not be made.
#[derive(Debug, thiserror::Error)]
pub enum ThrottleError {
    /// Too many have failed. Whether the password is right is not looked at.
    #[error("too many attempts")]
    TooMany { by: ThrottledBy, retry_after: Duration },
    /// Who cannot be counted is not let in.
    #[error("attempts cannot be counted")]
    Store(#[from] StoreError),
}
