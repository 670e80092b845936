//! Names of what a document depends on.

use std::{borrow::Borrow, fmt};

use schemas::Id;

/// What a document, or a part of one, was made of: `recipe:ID`, `member:ID`, `timeline:ID`, … The same
/// names are used by `POST /events`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(Box<str>);

impl Tag {
    /// A member's public profile.
    #[must_use]
    pub fn member(id: &Id) -> Self {
        Self::of("member", id)
    }

    /// The posts that a member sees: theirs and those of whom they follow.
    #[must_use]
    pub fn timeline(id: &Id) -> Self {
        Self::of("timeline", id)
    }

    /// The posts that a member wrote, wherever they appear.
    #[must_use]
    pub fn posts_of(id: &Id) -> Self {
        Self::of("posts", id)
    }

    /// Every document of a user: for the end of a session. Only ever dropped for one user.
    #[must_use]
    pub fn everything() -> Self {
        Self("everything".into())
    }

    /// One post.
    #[must_use]
    pub fn post(id: &Id) -> Self {
        Self::of("post", id)
    }

    /// One comment, wherever it appears.
    #[must_use]
    pub fn comment(id: &Id) -> Self {
        Self::of("comment", id)
    }

    /// One recipe with its likes and comments.
    #[must_use]
    pub fn recipe(id: &Id) -> Self {
        Self::of("recipe", id)
    }

    /// Every list of recipes: which recipes there are, not what is in them. Only ever dropped for one
    /// user; dropping it for all would send every feed back to the upstreams at once.
    #[must_use]
    pub fn recipe_lists() -> Self {
        Self("recipes".into())
    }

    /// What only those documents bear that cannot be without the thing that this tag names, and not those in which it
    /// merely appears. No event can name it: [`Tag::parse`] takes no such text.
    #[must_use]
    pub(crate) fn as_subject(&self) -> Self {
        Self(["!", self.as_str()].concat().into())
    }

    /// A kind that names no single thing. Only ever dropped for one user.
    #[must_use]
    pub fn bare(kind: &str) -> Self {
        Self(kind.into())
    }

    /// One thing: `KIND:ID`.
    #[must_use]
    pub fn of(kind: &str, id: &Id) -> Self {
        let mut text = String::with_capacity(kind.len() + 1 + id.as_str().len());
        text.push_str(kind);
        text.push(':');
        text.push_str(id.as_str());
        Self(text.into())
    }

    /// A tag as upstreams write it: `kind:ID`, the kind 1 to 31 characters out of `[a-z_]`. Nothing where the
    /// text has another form: what names no single thing is dropped for one user at a time, never for all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let plain = kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let sound = (1..32).contains(&kind.len()) && plain && Id::new(id).is_ok();
        sound.then(|| Self(text.into()))
    }

    /// A tag of a user's own documents, as another replica writes it: one that [`Tag::parse`] takes, or one of those
    /// that are only ever dropped for one user.
    pub(super) fn of_a_user(text: &str) -> Option<Self> {
        let of_one =
            || [Self::everything(), Self::recipe_lists()].into_iter().find(|tag| tag.as_str() == text);
        Self::parse(text).or_else(of_one)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
        for tag in
            [Tag::member(&id), Tag::timeline(&id), Tag::posts_of(&id), Tag::post(&id), Tag::recipe(&id)]
        {
            assert_eq!(Tag::parse(tag.as_subject().as_str()), None, "{tag:?}");
            assert_eq!(Tag::parse(tag.as_str()), Some(tag));
        }
        for other in ["", ":", "a:", ":a", "everything", "recipes", "A:b", "a:b:c", "a b:c", "a:b c"] {
            assert_eq!(Tag::parse(other), None, "{other}");
        }
        assert_eq!(Tag::parse(&format!("{}:a", "k".repeat(32))), None);
    }
}
