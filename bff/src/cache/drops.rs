//! When each tag was last dropped.
//!
//! Instead of an index from tags to documents, which would have to be kept through evictions and locked on
//! every write, drops are numbered, and the number of a tag's last drop is kept in a table of fixed size. A
//! document notes the number that was current when its composition began; it is out of date when one of its
//! tags bears a higher one. A drop during a composition therefore wins by itself, and a look-up takes no lock.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use schemas::Id;

use super::Tag;

/// Two tags that share a place in the table drop each other's documents: harmless, but a wasted refresh. With
/// 2^20 places, 40 tags a document and 100 drops a second, 2 % of the documents meet that in 5 s. 8 MiB.
const PLACES: usize = 1 << 20;

/// A tag, hashed once when a document is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HashedTag(u64);

/// A user, hashed once when a document is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HashedUser(u64);

/// What a look-up must think of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing that it depends on was dropped since.
    Intact,
    /// Something changed: serve it as stale at best.
    SoftDropped,
    /// Its own user changed something: never serve it again.
    HardDropped,
}

/// The table of drops. One for each process; shared by all caches.
#[derive(Debug)]
pub struct Drops {
    places: Box<[AtomicU64]>,
    /// Number of the latest drop.
    issued: AtomicU64,
    /// Grows after each drop is in the table. A document that was found intact at this count needs no look
    /// at the table until it grows again.
    published: AtomicU64,
    hasher: RandomState,
}

impl Default for Drops {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            issued: AtomicU64::new(0),
            published: AtomicU64::new(1),
            hasher: RandomState::new(),
        }
    }
}

impl Drops {
    /// Something changed for everybody: documents with one of `tags` are stale from now on.
    pub fn soft<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) {
        let number = self.next();
        for tag in tags {
            self.mark(self.tag(tag.as_str()).0, number);
        }
        self.published.fetch_add(1, Ordering::Release);
    }

    /// `user` changed something: their documents with one of `tags` are gone from now on.
    pub fn hard<'t>(&self, user: &Id, tags: impl IntoIterator<Item = &'t Tag>) {
        let number = self.next();
        let user = self.user(user.as_str());
        self.mark(user.0, number);
        for tag in tags {
            self.mark(personal(user, self.tag(tag.as_str())), number);
        }
        self.published.fetch_add(1, Ordering::Release);
    }

    pub(super) fn tag(&self, tag: &str) -> HashedTag {
        HashedTag(self.hasher.hash_one(("tag", tag)))
    }

    pub(super) fn user(&self, user: &str) -> HashedUser {
        HashedUser(self.hasher.hash_one(("user", user)))
    }

    /// The number of the latest drop: to be noted *before* what may be dropped is read.
    pub(super) fn now(&self) -> u64 {
        self.issued.load(Ordering::Acquire)
    }

    /// See [`Drops::published`].
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// What became of something made of `tags` for `user`, and begun at `since`.
    pub(super) fn standing(&self, user: HashedUser, tags: &[HashedTag], since: u64) -> Standing {
        if tags.iter().any(|tag| self.last(personal(user, *tag)) > since) {
            Standing::HardDropped
        } else if tags.iter().any(|tag| self.last(tag.0) > since) {
            Standing::SoftDropped
        } else {
            Standing::Intact
        }
    }

    /// The latest drop, of either kind, of any of `tags`.
    pub(super) fn latest(&self, user: HashedUser, tags: &[HashedTag]) -> u64 {
        tags.iter().map(|tag| self.last(tag.0).max(self.last(personal(user, *tag)))).max().unwrap_or(0)
    }

    /// The latest soft drop of one tag.
    pub(super) fn latest_of_tag(&self, tag: HashedTag) -> u64 {
        self.last(tag.0)
    }

    /// The latest hard drop of any tag for `user`.
    pub(super) fn latest_of(&self, user: HashedUser) -> u64 {
        self.last(user.0)
    }

    fn next(&self) -> u64 {
        self.issued.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn mark(&self, hash: u64, number: u64) {
        self.places[place(hash)].fetch_max(number, Ordering::AcqRel);
    }

    fn last(&self, hash: u64) -> u64 {
        self.places[place(hash)].load(Ordering::Acquire)
    }
}

/// A tag's place for one user. Multiplying by an odd constant spreads the exclusive-or over all bits.
fn personal(user: HashedUser, tag: HashedTag) -> u64 {
    (user.0 ^ tag.0.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn place(hash: u64) -> usize {
    // The high bits of a product are its best mixed ones. The shift leaves 20 bits: no truncation.
    usize::try_from(hash >> (64 - PLACES.trailing_zeros())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Drops, Standing, Tag};
    use schemas::Id;

    fn id(text: &str) -> Id {
        Id::new(text).expect("an id")
    }

    #[test]
    fn a_drop_reaches_what_was_begun_before_it_and_nothing_else() {
        let drops = Drops::default();
        let (ada, bora) = (drops.user("ada"), drops.user("bora"));
        let tags = [drops.tag("recipe:1"), drops.tag("member:ada")];
        let before = drops.now();
        drops.soft([&Tag::recipe(&id("1"))]);
        let after = drops.now();
        assert_eq!(drops.standing(ada, &tags, before), Standing::SoftDropped);
        assert_eq!(drops.standing(ada, &tags, after), Standing::Intact);

        drops.hard(&id("ada"), [&Tag::member(&id("ada"))]);
        assert_eq!(drops.standing(ada, &tags, after), Standing::HardDropped);
        assert_eq!(drops.standing(bora, &tags, after), Standing::Intact, "somebody else's document stays");
        assert_eq!(drops.latest_of(ada), drops.now());
        assert_eq!(drops.latest_of(bora), 0);
    }
}
