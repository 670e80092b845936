//! Opaque identifiers.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

// Cloning is cheap (shared text). Any other text is refused when it is read.
/// An opaque id: 1 to 128 characters out of `[A-Za-z0-9._~-]`, so that it can stand in a path unescaped.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, utoipa::ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10")]
pub struct Id(Arc<str>);

/// The text is not an [`Id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 1 to 128 characters out of A-Z a-z 0-9 . _ ~ -")
    }
}

impl std::error::Error for InvalidId {}

impl Id {
    /// Longest id in bytes.
    pub const MAX_LEN: usize = 128;

    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`InvalidId`] when the text is empty, too long, or holds any other character. `.` and `..` are
    /// refused as well: a URL parser would take them for steps of a path.
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(InvalidId) }
    }

    /// Whether [`Id::new`] takes `text`.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-');
        let sound = !text.is_empty() && text.len() <= Self::MAX_LEN && text.bytes().all(allowed);
        sound && text != "." && text != ".."
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Id;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Id::new(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn an_id_is_short_plain_text() {
        for good in ["a", "0192f5a0-7c3e-7b1a", "A.b_c~d", &"x".repeat(128)] {
            assert_eq!(Id::new(good).expect("a sound id").as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "a b", "ä", "a%2Fb", "a?b", &"x".repeat(129)] {
            assert!(Id::new(bad).is_err(), "{bad}");
            assert!(serde_json::from_value::<Id>(bad.into()).is_err(), "{bad}");
        }
    }
}
