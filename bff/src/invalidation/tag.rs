//! Names of what a document depends on.

use std::{borrow::Borrow, fmt};

use schemas::Id;

/// Longest kind in bytes.
const MAX_KIND: usize = 31;
/// What every document of a user depends on.
const EVERYTHING: &str = "everything";

/// What a document, or a part of one, was made of: `KIND:ID` for one thing, or a bare `KIND` for what has no id, such as
/// a list. Which kinds there are is for a product to say. `POST /events` uses the same names.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(Box<str>);

impl Tag {
    /// The thing of kind `kind` (1 to 31 characters out of `[a-z_]`) that `id` names.
    #[must_use]
    pub fn of(kind: &str, id: &Id) -> Self {
        Self([kind, ":", id.as_str()].concat().into())
    }

    /// What a kind stands for without an id. Only ever purged for one user: purging it for all would send every document
    /// that bears it back to the upstreams at once.
    #[must_use]
    pub fn bare(kind: &str) -> Self {
        Self(kind.into())
    }

    /// Every document of a user, such as at the end of a session. Every document bears it, unasked.
    #[must_use]
    pub fn everything() -> Self {
        Self::bare(EVERYTHING)
    }

    /// What only those documents bear that cannot be without the thing that this tag names, and not those in which it
    /// merely appears. No event can name it: [`Tag::parse`] takes no such text.
    #[must_use]
    pub fn as_subject(&self) -> Self {
        Self(["!", self.as_str()].concat().into())
    }

    /// A tag as upstreams write it: `KIND:ID`. `None` where the text has another form: a tag that names no single thing
    /// is purged for one user at a time, never for all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        (is_kind(kind) && Id::new(id).is_ok()).then(|| Self(text.into()))
    }

    /// A tag of one user's documents, as another replica writes it: one that [`Tag::parse`] takes, or a bare kind.
    #[must_use]
    pub fn parse_for_user(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| is_kind(text).then(|| Self(text.into())))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_kind(text: &str) -> bool {
    (1..=MAX_KIND).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

impl Borrow<str> for Tag {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, Tag};

    #[test]
    fn a_tag_is_read_as_it_is_written() {
        let id = Id::new("a-1").expect("an id");
        for kind in ["member", "order_line", "x"] {
            let tag = Tag::of(kind, &id);
            assert_eq!(Tag::parse(tag.as_subject().as_str()), None, "{tag:?}");
            assert_eq!(Tag::parse_for_user(tag.as_subject().as_str()), None, "{tag:?}");
            assert_eq!(Tag::parse_for_user(tag.as_str()).as_ref(), Some(&tag));
            assert_eq!(Tag::parse(tag.as_str()), Some(tag));
        }
        for other in ["", ":", "a:", ":a", "everything", "orders", "A:b", "a:b:c", "a b:c", "a:b c"] {
            assert_eq!(Tag::parse(other), None, "{other}");
        }
        assert_eq!(Tag::parse(&format!("{}:a", "k".repeat(32))), None);
    }

    #[test]
    fn a_bare_kind_is_read_for_one_user_alone() {
        for bare in ["everything", "orders", "wish_lists"] {
            assert_eq!(Tag::parse(bare), None, "{bare}");
            assert_eq!(Tag::parse_for_user(bare), Some(Tag::bare(bare)));
        }
        for other in ["", "!orders", "Orders", "a b", "a:", &"k".repeat(32)] {
            assert_eq!(Tag::parse_for_user(other), None, "{other}");
        }
    }
}
