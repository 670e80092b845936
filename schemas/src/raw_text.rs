//! Text that passes through untouched.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

/// A JSON string kept in its escaped form. The gateway hands long text on
/// without unescaping and escaping it again: the bytes that came in are the bytes that go out.
#[derive(Clone, Serialize, utoipa::ToSchema)]
#[schema(value_type = String)]
#[serde(transparent)]
pub struct RawText(Box<RawValue>);

impl RawText {
    /// Escapes `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        // A string always serialises: no map keys, no failing Serialize, no I/O.
        Self(serde_json::value::to_raw_value(text).unwrap_or_default())
    }

    /// The text without its escapes.
    #[must_use]
    pub fn to_text(&self) -> String {
        // It was checked to be a JSON string when it was made.
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// The JSON string with its quotes.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RawText {
    fn eq(&self, other: &Self) -> bool {
        self.to_text() == other.to_text()
    }
}

impl fmt::Debug for RawText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl<'de> Deserialize<'de> for RawText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') { Ok(Self(raw)) } else { Err(de::Error::custom("expected a string")) }
    }
}

#[cfg(test)]
mod tests {
    use super::RawText;

    #[test]
    fn escaped_text_passes_through_byte_for_byte() {
        let json = r#""밥 \ud55c 그릇 \"A\" \/""#;
        let text: RawText = serde_json::from_str(json).expect("a JSON string");
        assert_eq!(serde_json::to_string(&text).expect("serialises"), json);
        assert_eq!(text.to_text(), "밥 한 그릇 \"A\" /");
        assert_eq!(RawText::new("a\n\"b\"").to_text(), "a\n\"b\"");
    }

    #[test]
    fn only_a_string_is_text() {
        for other in ["1", "null", "{}", "[]", "true", ""] {
            assert!(serde_json::from_str::<RawText>(other).is_err(), "{other}");
        }
    }
}
