//! Tags of what the recipe book's screens show.

use schemas::Id;

use crate::invalidation::Tag;

/// A member's public profile.
pub(super) fn member(id: &Id) -> Tag {
    Tag::of("member", id)
}

/// The posts that a member sees: theirs and those of whom they follow.
pub(super) fn timeline(id: &Id) -> Tag {
    Tag::of("timeline", id)
}

/// The posts that a member wrote, wherever they appear.
pub(super) fn posts_of(id: &Id) -> Tag {
    Tag::of("posts", id)
}

/// One post.
pub(super) fn post(id: &Id) -> Tag {
    Tag::of("post", id)
}

/// One comment, wherever it appears.
pub(super) fn comment(id: &Id) -> Tag {
    Tag::of("comment", id)
}

/// One recipe with its likes and comments.
pub(super) fn recipe(id: &Id) -> Tag {
    Tag::of("recipe", id)
}

/// Every list of recipes: which recipes there are, not what is in them.
pub(super) fn recipe_lists() -> Tag {
    Tag::bare("recipes")
}
