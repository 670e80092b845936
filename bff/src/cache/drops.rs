//! When each tag was last dropped.
//!
//! Instead of an index from tags to documents, which would have to be kept through evictions and locked on
//! every write, drops are numbered, and the number of a tag's last drop is kept in a table of fixed size. A
//! document notes the number that was current when its composition began; it is out of date when one of its
//! tags bears a higher one. A drop during a composition therefore wins by itself, and a look-up takes no lock.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use schemas::Id;

use super::Tag;

/// Two tags that share a place in the table make each other's documents stale: harmless, but a wasted refresh.
/// With 40 tags a document, 100 writes a second and 2 tags a write, 4 % of the documents meet that in 5 s. 8 MiB.
const SOFT_PLACES: usize = 1 << 20;

/// Places for what users changed themselves. A hard drop counts only when the user's own place agrees, so that
/// a collision here needs another one there. 2 MiB.
const HARD_PLACES: usize = 1 << 18;

/// A tag, hashed once when a document is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// The number of the last drop, by hash.
#[derive(Debug)]
struct Places(Box<[AtomicU64]>);

impl Places {
    /// `count` is a power of two.
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| AtomicU64::new(0)).collect())
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        // The high bits of a product are its best mixed ones; what the shift leaves is below the length.
        let index = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.0.len().trailing_zeros());
        &self.0[usize::try_from(index).unwrap_or(0)]
    }

    fn mark(&self, hash: u64, number: u64) {
        self.place(hash).fetch_max(number, Ordering::AcqRel);
    }

    fn last(&self, hash: u64) -> u64 {
        self.place(hash).load(Ordering::Acquire)
    }
}

/// Told of the tags that are dropped.
type Watcher = Box<dyn Fn(&Tag) + Send + Sync>;

/// The table of drops. One for each process; shared by all caches.
pub struct Drops {
    soft: Places,
    hard: Places,
    /// Number of the latest drop.
    issued: AtomicU64,
    /// Grows after each drop is in the table. A document that was found intact at this count needs no look
    /// at the table until it grows again.
    published: AtomicU64,
    hasher: RandomState,
    watcher: OnceLock<Watcher>,
}

impl std::fmt::Debug for Drops {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drops").field("issued", &self.issued).finish_non_exhaustive()
    }
}

impl Default for Drops {
    fn default() -> Self {
        Self {
            soft: Places::new(SOFT_PLACES),
            hard: Places::new(HARD_PLACES),
            issued: AtomicU64::new(0),
            published: AtomicU64::new(1),
            hasher: RandomState::new(),
            watcher: OnceLock::new(),
        }
    }
}

impl Drops {
    /// Has `watcher` told of every tag that is soft-dropped, before the drop takes effect: for what keeps copies
    /// of its own below the cache. Only the first watcher counts.
    pub fn watch(&self, watcher: impl Fn(&Tag) + Send + Sync + 'static) {
        // A second watcher is the composition root's mistake; the first one goes on.
        let _ = self.watcher.set(Box::new(watcher));
    }

    /// Something changed for everybody: documents with one of `tags` are stale from now on.
    pub fn soft<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) {
        let number = self.next();
        for tag in tags {
            if let Some(watcher) = self.watcher.get() {
                watcher(tag);
            }
            self.soft.mark(self.tag(tag.as_str()).0, number);
        }
        self.published.fetch_add(1, Ordering::Release);
    }

    /// `user` changed something: their documents with one of `tags` are gone from now on.
    pub fn hard<'t>(&self, user: &Id, tags: impl IntoIterator<Item = &'t Tag>) {
        let number = self.next();
        let user = self.user(user.as_str());
        for tag in tags {
            self.hard.mark(personal(user, self.tag(tag.as_str())), number);
        }
        // After the tags: a look-up that sees the user's place sees theirs.
        self.hard.mark(user.0, number);
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
        let wrote_since = self.latest_of(user) > since;
        if wrote_since && tags.iter().any(|tag| self.hard.last(personal(user, *tag)) > since) {
            Standing::HardDropped
        } else if tags.iter().any(|tag| self.latest_of_tag(*tag) > since) {
            Standing::SoftDropped
        } else {
            Standing::Intact
        }
    }

    /// The latest soft drop of one tag.
    pub(super) fn latest_of_tag(&self, tag: HashedTag) -> u64 {
        self.soft.last(tag.0)
    }

    /// The latest hard drop of any tag for `user`.
    pub(super) fn latest_of(&self, user: HashedUser) -> u64 {
        self.hard.last(user.0)
    }

    fn next(&self) -> u64 {
        self.issued.fetch_add(1, Ordering::AcqRel) + 1
    }
}

/// A tag's hash for one user.
fn personal(user: HashedUser, tag: HashedTag) -> u64 {
    user.0 ^ tag.0.rotate_left(32)
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
