//! Tags (`KIND:{value}`, bare `KIND`), tags of what stands at a path (`KIND:PATH`), and what is recalled (`TABLE:{key}`).

use std::str::FromStr;

use super::{Placeholder, SyntaxError, TemplateText, is_kind, is_name};
use crate::declare::{contract::ShapePath, mistake::quoted};

/// A tag as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct TagText {
    pub(in crate::declare) kind: String,
    /// `None`: a bare kind.
    pub(in crate::declare) id: Option<Placeholder>,
}

impl FromStr for TagText {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let wrong = || SyntaxError::Tag(quoted(text));
        let (kind, id) = text.split_once(':').map_or((text, None), |(kind, id)| (kind, Some(id)));
        if !is_kind(kind) {
            return Err(wrong());
        }
        let id = id.map(|id| id.parse::<TemplateText>()?.only().cloned().ok_or_else(wrong)).transpose()?;
        Ok(Self { kind: kind.to_owned(), id })
    }
}

/// A tag for each id at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct PathTag {
    pub(in crate::declare) kind: String,
    pub(in crate::declare) path: ShapePath,
}

impl FromStr for PathTag {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let wrong = || SyntaxError::PathTag(quoted(text));
        let (kind, path) = text.split_once(':').ok_or_else(wrong)?;
        if !is_kind(kind) {
            return Err(wrong());
        }
        Ok(Self { kind: kind.to_owned(), path: path.parse()? })
    }
}

/// What is recalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct RecallText {
    pub(in crate::declare) table: String,
    pub(in crate::declare) key: Placeholder,
}

impl FromStr for RecallText {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let wrong = || SyntaxError::Recall(quoted(text));
        let (table, key) = text.split_once(':').ok_or_else(wrong)?;
        let key = key.parse::<TemplateText>()?.only().cloned().ok_or_else(wrong)?;
        if !is_name(table) {
            return Err(wrong());
        }
        Ok(Self { table: table.to_owned(), key })
    }
}

#[cfg(test)]
mod tests {
    use super::{PathTag, RecallText, TagText};

    #[test]
    fn tags_have_a_kind_and_perhaps_an_id() {
        let tag: TagText = "order:{response.id}".parse().expect("a tag");
        assert_eq!(
            (tag.kind.as_str(), tag.id.map(|id| id.to_string()).as_deref()),
            ("order", Some("{response.id}"))
        );
        assert_eq!("orders".parse(), Ok(TagText { kind: "orders".to_owned(), id: None }));
        for wrong in ["", "A", "a b", "a:", "a:b", "a:{b}c", "a:{b", ":{a}", "a:{b}:{c}", &"a".repeat(32)] {
            assert!(wrong.parse::<TagText>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_of_paths_and_recalls_are_read() {
        let tag: PathTag = "item:lines[].itemId".parse().expect("a tag");
        assert_eq!((tag.kind.as_str(), tag.path.to_string().as_str()), ("item", "lines[].itemId"));
        assert!("item".parse::<PathTag>().is_err() && "item:".parse::<PathTag>().is_err());
        let recall: RecallText = "order_of:{id}".parse().expect("a recall");
        assert_eq!((recall.table.as_str(), recall.key.head.as_str()), ("order_of", "id"));
        assert!("order_of".parse::<RecallText>().is_err() && "a:b".parse::<RecallText>().is_err());
    }
}
