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

use super::{Tag, purges::Purges};

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
    /// Its own user changed something, or something in it is gone: never serve it again.
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
    /// Tags that were purged for everybody, by their hash, and those that were for one user, by [`personal`].
    purged: Purges,
    /// Of the latest purge for everybody.
    purged_for_all: AtomicU64,
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
            purged: Purges::default(),
            purged_for_all: AtomicU64::new(0),
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
        self.mark_soft(tags, number);
        self.published.fetch_add(1, Ordering::Release);
    }

    fn mark_soft<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>, number: u64) {
        for tag in tags {
            if let Some(watcher) = self.watcher.get() {
                watcher(tag);
            }
            self.soft.mark(self.tag(tag.as_str()).0, number);
        }
    }

    /// What `tags` name exists no more. Gone from now on are everybody's documents about it, and of what all who are not
    /// signed in share also those in which it merely appears. Those in which it appears to somebody who is signed in are
    /// stale: a feed is not made to wait for what others delete.
    pub fn purge(&self, tags: &[Tag]) {
        let number = self.next();
        // For the caches that know no other drop: of cards, of look-ups under way.
        self.mark_soft(tags, number);
        let nobody = self.user("");
        let hashes =
            |tag: &Tag| [self.tag(tag.as_subject().as_str()).0, personal(nobody, self.tag(tag.as_str()))];
        self.purged.mark(tags.iter().flat_map(hashes), number);
        self.purged_for_all.fetch_max(number, Ordering::AcqRel);
        self.published.fetch_add(1, Ordering::Release);
    }

    /// `user` was told for good that there is nothing to be had under `subjects` (`None`: all who are not signed in):
    /// their documents that are about one of them are gone from now on. Those of others may be another matter.
    pub fn purge_subjects(&self, user: Option<&Id>, subjects: &[Tag]) {
        let number = self.next();
        let user = self.user(user.map_or("", Id::as_str));
        let hash = |subject: &Tag| personal(user, self.tag(subject.as_subject().as_str()));
        self.purged.mark(subjects.iter().map(hash), number);
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
        if wrote_since && tags.iter().any(|tag| self.hard.last(personal(user, *tag)) > since)
            || self.purged.any_since(since) && tags.iter().any(|tag| self.is_purged(user, *tag, since))
        {
            Standing::HardDropped
        } else if tags.iter().any(|tag| self.latest_of_tag(*tag) > since) {
            Standing::SoftDropped
        } else {
            Standing::Intact
        }
    }

    fn is_purged(&self, user: HashedUser, tag: HashedTag, since: u64) -> bool {
        self.purged.has_since(tag.0, since) || self.purged.has_since(personal(user, tag), since)
    }

    /// The latest purge of anything for everybody.
    pub(super) fn latest_purge(&self) -> u64 {
        self.purged_for_all.load(Ordering::Acquire)
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

    #[test]
    fn a_purge_is_for_everybody_and_a_refusal_for_whom_it_was_told_and_what_is_about_it() {
        let drops = Drops::default();
        let (ada, nobody) = (drops.user("ada"), drops.user(""));
        let recipe = Tag::recipe(&id("1"));
        let page = [drops.tag("recipe:1"), drops.tag(recipe.as_subject().as_str())];
        let list = [drops.tag("recipe:1"), drops.tag("recipe:2")];
        let before = drops.now();
        drops.purge_subjects(None, std::slice::from_ref(&recipe));
        assert_eq!(drops.standing(nobody, &page, before), Standing::HardDropped);
        assert_eq!(drops.standing(nobody, &page, drops.now()), Standing::Intact);
        assert_eq!(drops.standing(nobody, &list, before), Standing::Intact, "it merely appears there");
        assert_eq!(drops.standing(ada, &page, before), Standing::Intact, "ada may see it");
        assert_eq!((drops.latest_of(nobody), drops.latest_purge()), (0, 0), "compositions are shared on");

        drops.purge_subjects(Some(&id("ada")), std::slice::from_ref(&recipe));
        assert_eq!(drops.standing(ada, &page, before), Standing::HardDropped);
        let before = drops.now();
        drops.purge(&[recipe]);
        for user in [ada, nobody] {
            assert_eq!(drops.standing(user, &page, before), Standing::HardDropped);
            assert_eq!(drops.standing(user, &[drops.tag("recipe:2")], before), Standing::Intact);
        }
        assert_eq!(drops.standing(nobody, &list, before), Standing::HardDropped);
        assert_eq!(drops.standing(ada, &list, before), Standing::SoftDropped);
        assert_eq!(drops.latest_of_tag(drops.tag("recipe:1")), drops.now(), "cards go as well");
        assert_eq!(drops.latest_purge(), drops.now());
    }
}
