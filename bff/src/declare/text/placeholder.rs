//! Placeholders, and text with placeholders in it: `{id}`, `{user.id}`, `{order.warehouseId}`, `{response.id}`.

use std::{fmt, str::FromStr};

use super::{SyntaxError, is_name};
use crate::declare::{contract::ShapePath, mistake::quoted};

/// A placeholder, without its braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct Placeholder {
    /// A parameter, a part, `user`, `session`, `response`, `ids`, …
    pub(in crate::declare) head: String,
    /// What of it; empty: itself.
    pub(in crate::declare) path: ShapePath,
    /// `{rest..}`: the rest of a path.
    pub(in crate::declare) rest: bool,
}

impl FromStr for Placeholder {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let wrong = || SyntaxError::Placeholder(quoted(&format!("{{{text}}}")));
        let (name, rest) = text.strip_suffix("..").map_or((text, false), |name| (name, true));
        // The answer of a part may be a list: `{wishes[].id}` is the first one's.
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (head, path) = name.split_at(end);
        let path = path.strip_prefix('.').unwrap_or(path);
        if !is_name(head) || (rest && !path.is_empty()) || (end < name.len() && path.is_empty()) {
            return Err(wrong());
        }
        let path = if path.is_empty() { ShapePath::default() } else { path.parse().map_err(|_| wrong())? };
        Ok(Self { head: head.to_owned(), path, rest })
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.to_string();
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let rest = if self.rest { ".." } else { "" };
        write!(f, "{{{}{dot}{path}{rest}}}", self.head)
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) enum TextPiece {
    Text(String),
    Value(Placeholder),
}

/// Text with placeholders in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::declare) struct TemplateText(pub(in crate::declare) Vec<TextPiece>);

impl FromStr for TemplateText {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            let inside = from.strip_prefix('{').ok_or(SyntaxError::CloseBrace)?;
            let (name, after) = inside.split_once('}').ok_or(SyntaxError::OpenBrace)?;
            if !before.is_empty() {
                pieces.push(TextPiece::Text(before.to_owned()));
            }
            pieces.push(TextPiece::Value(name.parse()?));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(TextPiece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

impl TemplateText {
    /// The placeholder that the text is, where it is nothing else.
    pub(in crate::declare) fn only(&self) -> Option<&Placeholder> {
        if let [TextPiece::Value(one)] = &self.0[..] { Some(one) } else { None }
    }

    /// Its placeholders.
    pub(in crate::declare) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|piece| if let TextPiece::Value(one) = piece { Some(one) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Placeholder, TemplateText};

    #[test]
    fn placeholders_are_read_and_written_alike() {
        for text in ["{id}", "{user.id}", "{order.lines[].id}", "{wishes[].id}", "{rest..}", "{a-b_c}"] {
            let template: TemplateText = text.parse().expect(text);
            assert_eq!(template.only().map(ToString::to_string).as_deref(), Some(text));
        }
        for wrong in [
            "{}", "{ id }", "{1}", "{a.}", "{.a}", "{a..b}", "{a.b..}", "{a[0]}", "{", "}", "{a", "a}",
            "{{a}}",
        ] {
            assert!(wrong.parse::<TemplateText>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_around_placeholders_is_kept() {
        let template: TemplateText = "a{id}b{user.id}".parse().expect("a template");
        assert_eq!((template.0.len(), template.placeholders().count(), template.only()), (4, 2, None));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}|[{}a.\\[\\]]{0,20}") {
            let _ = text.parse::<TemplateText>();
            let _ = text.parse::<Placeholder>();
        }
    }
}
