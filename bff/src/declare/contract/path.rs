//! Paths into answers, as declarations write them: `a.b`, `items[].id`, and `[]` for an answer that is a list itself.

use std::{fmt, str::FromStr};

/// A step of a [`ShapePath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    Field(String),
    /// Each item of a list: `[]`.
    Items,
}

/// A path into an answer. Read with [`str::parse`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ShapePath(pub Vec<Segment>);

/// Why a path leads nowhere. `at` is the path up to the step that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathMistake {
    #[error("`{0}` is no path: fields are parted by dots, and `[]` stands behind the name of a list")]
    Syntax(String),
    #[error("`{at}` is not in the contract; there {}", names_of(names))]
    NoField { at: String, names: Vec<String> },
    #[error("`{at}`: by the contract, this is no list")]
    NoList { at: String },
    #[error("`{at}`: by the contract, this is a list, whose items are written `[]`")]
    List { at: String },
    #[error("`{at}`: by the contract, this is no object")]
    NoObject { at: String },
}

/// The longest path, in steps.
const MAX_SEGMENTS: usize = 64;
/// How many names a mistake repeats.
const FEW: usize = 12;

fn names_of(names: &[String]) -> String {
    if names.is_empty() {
        return "are no fields".to_owned();
    }
    let some: Vec<String> = names.iter().take(FEW).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(FEW);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("are {}{rest}", some.join(", "))
}

impl FromStr for ShapePath {
    type Err = PathMistake;

    fn from_str(text: &str) -> Result<Self, PathMistake> {
        let wrong = || PathMistake::Syntax(text.chars().take(200).collect());
        let mut segments = Vec::new();
        for (place, part) in text.split('.').enumerate() {
            let name = part.trim_end_matches("[]");
            // An answer may be a list itself; elsewhere a list has a name.
            let nameless = place == 0 && part.len() >= 2;
            if name.contains(['[', ']']) || (name.is_empty() && !nameless) {
                return Err(wrong());
            }
            if !name.is_empty() {
                segments.push(Segment::Field(name.to_owned()));
            }
            segments.extend((0..(part.len() - name.len()) / 2).map(|_| Segment::Items));
            if segments.len() > MAX_SEGMENTS {
                return Err(wrong());
            }
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for ShapePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// A path as it is written.
pub(super) fn shown(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Field(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Segment::Items => text.push_str("[]"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Segment, ShapePath};

    #[test]
    fn a_path_is_fields_and_lists() {
        let field = |name: &str| Segment::Field(name.to_owned());
        for (text, segments) in [
            ("a", vec![field("a")]),
            ("a.b", vec![field("a"), field("b")]),
            ("items[].author.id", vec![field("items"), Segment::Items, field("author"), field("id")]),
            ("[]", vec![Segment::Items]),
            ("[].id", vec![Segment::Items, field("id")]),
            ("[][].id", vec![Segment::Items, Segment::Items, field("id")]),
            ("grid[][]", vec![field("grid"), Segment::Items, Segment::Items]),
        ] {
            assert_eq!(text.parse(), Ok(ShapePath(segments)), "{text}");
        }
        for wrong in ["", ".", "a.", ".a", "a..b", "a[", "a]", "a[0]", "a[]b", "a.[]", "[", "][]"] {
            assert!(wrong.parse::<ShapePath>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_path_is_written_as_it_was_read(text in "[a-c.\\[\\]]{0,12}") {
            if let Ok(path) = text.parse::<ShapePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }
    }
}
