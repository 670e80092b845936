//! Words of what only a store that replicas share can do: one log of live messages, one rate limit for
//! all. [`SharedStore`](super::SharedStore) does it.

use std::fmt;
use std::str::FromStr;

/// The place of an entry in the log: unix time in milliseconds, and which of that millisecond.
/// Later entries are greater, on whichever replica they were appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogId {
    pub ms: u64,
    pub seq: u64,
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text is not `ms-seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the log")]
pub struct NotALogId;

impl FromStr for LogId {
    type Err = NotALogId;

    /// Takes only what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NotALogId> {
        let (ms, seq) = text.split_once('-').ok_or(NotALogId)?;
        let number = |digits: &str| digits.parse::<u64>().ok().filter(|n| n.to_string() == digits);
        Ok(Self { ms: number(ms).ok_or(NotALogId)?, seq: number(seq).ok_or(NotALogId)? })
    }
}

/// What a shared rate limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    pub allowed: bool,
    /// How many more would be allowed at once.
    pub remaining: u32,
    /// Milliseconds until the bucket is full again.
    pub reset_ms: u64,
    /// Milliseconds until one more is allowed; 0 if this one was.
    pub retry_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_log_are_ordered_and_read_back() {
        let id = LogId { ms: 1_700_000_000_000, seq: 7 };
        assert_eq!(id.to_string(), "1700000000000-7");
        assert_eq!("1700000000000-7".parse(), Ok(id));
        assert!(id < LogId { ms: id.ms, seq: 8 } && id < LogId { ms: id.ms + 1, seq: 0 });
        for wrong in ["", "1", "-", "1-", "-1", "1-2-3", "+1-2", "01-2", "a-b", "1-18446744073709551616"] {
            assert_eq!(wrong.parse::<LogId>(), Err(NotALogId), "{wrong}");
        }
    }
}
