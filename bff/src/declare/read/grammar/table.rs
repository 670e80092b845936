//! What a grammar is made of: tables, keys, and kinds of values.

use crate::declare::mistake::alternatives;

/// A table.
#[derive(Debug)]
pub(in crate::declare) struct Grammar {
    pub(in crate::declare) about: &'static str,
    pub(in crate::declare) keys: &'static [Key],
}

/// A key of a table.
#[derive(Debug)]
pub(in crate::declare) struct Key {
    pub(in crate::declare) name: &'static str,
    pub(in crate::declare) kind: Kind,
    pub(in crate::declare) required: bool,
    pub(in crate::declare) about: &'static str,
}

/// What a key may hold.
#[derive(Debug, Clone, Copy)]
pub(in crate::declare) enum Kind {
    Text,
    OneOf(&'static [&'static str]),
    Boolean,
    /// From, to.
    Integer(i64, i64),
    /// From, to.
    Number(f64, f64),
    /// A string, an integer or a boolean.
    Scalar,
    Texts,
    /// Lists of names, of which each list is an alternative.
    TextLists,
    /// Any names, with text.
    TextMap,
    /// Any names, with lists of text.
    TextsMap,
    /// Any names, with whole numbers of at least 1.
    CountMap,
    Table(&'static Grammar),
    /// Text, or a table.
    TextOr(&'static [&'static str], &'static Grammar),
    /// Any names, with such a table each.
    Tables(&'static Grammar),
    /// `[[name]]`.
    List(&'static Grammar),
}

/// A key that may be left out.
pub(super) const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, required: false, about }
}

/// A key that must be there.
pub(super) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { name, kind, required: true, about }
}

/// The longest time that a declaration may name, in milliseconds: a day.
pub(super) const DAY_MS: i64 = 86_400_000;

impl Grammar {
    /// The key of that name.
    pub(in crate::declare) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// In words, for a value of another kind.
    pub(in crate::declare) fn words(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::OneOf(names) => alternatives(names.iter().copied()),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer(from, to) => format!("a whole number from {from} to {to}"),
            Self::Number(from, to) => format!("a number from {from} to {to}"),
            Self::Scalar => "text, a whole number, true or false".to_owned(),
            Self::Texts => "a list of text".to_owned(),
            Self::TextLists => "a list of lists of text".to_owned(),
            Self::TextMap => "a table of text".to_owned(),
            Self::TextsMap => "a table of lists of text".to_owned(),
            Self::CountMap => "a table of whole numbers from 1 on".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::TextOr(names, _) => {
                format!("{}, or a table", alternatives(names.iter().copied()))
            }
            Self::Tables(_) => "a table of tables".to_owned(),
            Self::List(_) => "a list of tables, `[[…]]`".to_owned(),
        }
    }
}
