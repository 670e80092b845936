//! When each tag was last purged.
//!
//! An index from tags to documents would have to be kept through evictions and locked on every write. Instead each
//! invalidation begins a new [`Generation`], and a table of fixed size keeps the generation of each tag's last purge. A
//! document notes the generation that was current when its composition began; it is out of date when one of its tags bears
//! a later one. An invalidation during a composition therefore wins by itself, and a look-up takes no lock.

use std::{
    hash::BuildHasher,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::quality::RandomState;
use schemas::Id;

use super::{Tag, places::Places, purges::Purges};

/// Two tags that share a place in the table make each other's documents stale: harmless, but a wasted refresh.
/// With 40 tags a document, 100 writes a second and 2 tags a write, 4 % of the documents meet that in 5 s. 8 MiB.
const SOFT_PLACES: usize = 1 << 20;

/// Places for what users changed themselves. A hard purge counts only when the user's own place agrees, so that
/// a collision here needs another one there. 2 MiB.
const HARD_PLACES: usize = 1 << 18;

/// A tag, hashed once when a document is made. In 32 bits, since a document keeps many of them: two tags share a hash more
/// rarely than a place of the table, and then something is composed once more than it need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashedTag(u32);

impl HashedTag {
    /// The hash itself, for tables of many.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The tag whose hash is `bits`.
    #[must_use]
    pub const fn of_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// As the tables take it: spread over 64 bits (Fibonacci hashing).
    const fn spread(self) -> u64 {
        (self.0 as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// A user, hashed once when a document is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashedUser(u64);

/// A point in the order of all invalidations of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The generation of this number.
    #[must_use]
    pub const fn of_number(number: u64) -> Self {
        Self(number)
    }
}

/// What a look-up must think of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Nothing that it depends on was purged since.
    Valid,
    /// Something changed: serve it as stale at best.
    SoftPurged,
    /// Its own user changed something, or something in it is gone: never serve it again.
    HardPurged,
}

/// Called with each tag that is purged softly.
type Watcher = Box<dyn Fn(&Tag) + Send + Sync>;

/// The table of invalidations. One for each process; shared by all caches.
pub struct Invalidations {
    soft: Places,
    hard: Places,
    /// Tags of what was deleted, by their hash, and of what one user is refused, by [`personal`].
    purged: Purges,
    /// The generation of the latest deletion.
    deleted: AtomicU64,
    /// Everything of a generation before this one was purged softly.
    floor: AtomicU64,
    /// The latest generation.
    issued: AtomicU64,
    /// Grows after each invalidation is in the table. A document that was found valid at this count needs no look
    /// at the table until it grows again.
    revision: AtomicU64,
    hasher: RandomState,
    /// [`Tag::everything`].
    everything: HashedTag,
    watcher: OnceLock<Watcher>,
}

impl std::fmt::Debug for Invalidations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invalidations").field("issued", &self.issued).finish_non_exhaustive()
    }
}

impl Default for Invalidations {
    fn default() -> Self {
        let hasher = RandomState::default();
        Self {
            everything: hash_tag(&hasher, Tag::everything().as_str()),
            soft: Places::new(SOFT_PLACES),
            hard: Places::new(HARD_PLACES),
            purged: Purges::default(),
            deleted: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            issued: AtomicU64::new(0),
            revision: AtomicU64::new(1),
            hasher,
            watcher: OnceLock::new(),
        }
    }
}

impl Invalidations {
    /// Calls `watcher` with every tag that is purged softly, before that takes effect: for copies that are kept below
    /// the cache. Only the first watcher counts.
    pub fn on_soft_purge(&self, watcher: impl Fn(&Tag) + Send + Sync + 'static) {
        // A second watcher is the composition root's mistake; the first one goes on.
        let _ = self.watcher.set(Box::new(watcher));
    }

    /// Something changed for everybody: documents with one of `tags` are stale from now on.
    pub fn soft_purge<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>) {
        let number = self.next();
        self.mark_soft(tags, number);
        self.revision.fetch_add(1, Ordering::Release);
    }

    fn mark_soft<'t>(&self, tags: impl IntoIterator<Item = &'t Tag>, number: u64) {
        for tag in tags {
            if let Some(watcher) = self.watcher.get() {
                watcher(tag);
            }
            self.soft.mark(self.hash_tag(tag.as_str()).spread(), number);
        }
    }

    /// Invalidations may have been missed: everything that was begun before now is stale.
    pub fn soft_purge_all(&self) {
        let number = self.next();
        self.floor.fetch_max(number, Ordering::AcqRel);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// What `tags` name exists no more. Everybody's documents about it are gone from now on, and so are shared documents
    /// of callers who are not signed in in which it merely appears. A signed-in user's documents in which it appears are
    /// stale: a feed must not wait for what others delete.
    pub fn purge_deleted(&self, tags: &[Tag]) {
        let number = self.next();
        // For the caches that know no other purge: of shared entities, of look-ups under way.
        self.mark_soft(tags, number);
        let nobody = self.hash_user("");
        let hashes = |tag: &Tag| {
            [self.hash_tag(tag.as_subject().as_str()).spread(), personal(nobody, self.hash_tag(tag.as_str()))]
        };
        self.purged.mark(tags.iter().flat_map(hashes), number);
        self.deleted.fetch_max(number, Ordering::AcqRel);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// What `tags` name must appear nowhere any more, such as a member who has left: everybody's documents that bear one of
    /// them are gone from now on. The next reader of each waits for its composition: not for what happens often.
    pub fn purge_erased(&self, tags: &[Tag]) {
        let number = self.next();
        self.mark_soft(tags, number);
        let hashes =
            |tag: &Tag| [tag.as_subject().as_str(), tag.as_str()].map(|tag| self.hash_tag(tag).spread());
        self.purged.mark(tags.iter().flat_map(hashes), number);
        self.deleted.fetch_max(number, Ordering::AcqRel);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// `user` (`None`: all who are not signed in) has a definite answer instead of what `subjects` name: their documents
    /// about one of them are gone from now on. Other users may still see it.
    pub fn purge_subjects(&self, user: Option<&Id>, subjects: &[Tag]) {
        let number = self.next();
        let user = self.hash_user(user.map_or("", Id::as_str));
        let hash = |subject: &Tag| personal(user, self.hash_tag(subject.as_subject().as_str()));
        self.purged.mark(subjects.iter().map(hash), number);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// `user` changed something: their documents with one of `tags` are gone from now on.
    pub fn hard_purge<'t>(&self, user: &Id, tags: impl IntoIterator<Item = &'t Tag>) {
        let number = self.next();
        let user = self.hash_user(user.as_str());
        for tag in tags {
            self.hard.mark(personal(user, self.hash_tag(tag.as_str())), number);
        }
        // After the tags: a look-up that sees the user's place sees theirs.
        self.hard.mark(user.0, number);
        self.revision.fetch_add(1, Ordering::Release);
    }

    /// Hashes a tag's name.
    #[must_use]
    pub fn hash_tag(&self, tag: &str) -> HashedTag {
        hash_tag(&self.hasher, tag)
    }

    /// Hashes a user's id; the empty text stands for all who are not signed in.
    #[must_use]
    pub fn hash_user(&self, user: &str) -> HashedUser {
        HashedUser(self.hasher.hash_one(("user", user)))
    }

    /// The current generation. Note it *before* reading what may be invalidated.
    #[must_use]
    pub fn generation(&self) -> Generation {
        Generation(self.issued.load(Ordering::Acquire))
    }

    /// Grows with each invalidation, once it is in the table: what was valid at this count is valid until it grows.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// The validity of something made of `tags` for `user`, and begun at the generation `since`. All that is made for a
    /// user depends on [`Tag::everything`] as well, unasked.
    #[must_use]
    pub fn validity(
        &self,
        user: HashedUser,
        tags: impl Iterator<Item = HashedTag> + Clone,
        since: Generation,
    ) -> Validity {
        let Generation(since) = since;
        let wrote_since = self.hard.last(user.0) > since;
        let is_written = |tag: HashedTag| self.hard.last(personal(user, tag)) > since;
        if wrote_since && (is_written(self.everything) || tags.clone().any(is_written))
            || self.purged.any_since(since) && tags.clone().any(|tag| self.is_purged(user, tag, since))
        {
            Validity::HardPurged
        } else if self.floor.load(Ordering::Acquire) > since || { tags }
            .any(|tag| self.soft.last(tag.spread()) > since)
        {
            Validity::SoftPurged
        } else {
            Validity::Valid
        }
    }

    fn is_purged(&self, user: HashedUser, tag: HashedTag, since: u64) -> bool {
        self.purged.has_since(tag.spread(), since) || self.purged.has_since(personal(user, tag), since)
    }

    /// The latest deletion of anything.
    #[must_use]
    pub fn latest_deletion(&self) -> Generation {
        Generation(self.deleted.load(Ordering::Acquire))
    }

    /// The latest soft purge of one tag.
    #[must_use]
    pub fn latest_of_tag(&self, tag: HashedTag) -> Generation {
        Generation(self.soft.last(tag.spread()).max(self.floor.load(Ordering::Acquire)))
    }

    /// The latest hard purge of any tag for `user`.
    #[must_use]
    pub fn latest_of_user(&self, user: HashedUser) -> Generation {
        Generation(self.hard.last(user.0))
    }

    fn next(&self) -> u64 {
        self.issued.fetch_add(1, Ordering::AcqRel) + 1
    }
}

fn hash_tag(hasher: &RandomState, tag: &str) -> HashedTag {
    // The upper half is as good as the lower one.
    HashedTag((hasher.hash_one(("tag", tag)) >> 32) as u32)
}

/// A tag's hash for one user.
fn personal(user: HashedUser, tag: HashedTag) -> u64 {
    user.0 ^ tag.spread().rotate_left(32)
}

#[cfg(test)]
mod tests {
    use super::{Invalidations, Tag, Validity};
    use schemas::Id;

    fn id(text: &str) -> Id {
        Id::new(text).expect("an id")
    }

    fn order(text: &str) -> Tag {
        Tag::of("order", &id(text))
    }

    #[test]
    fn a_purge_reaches_what_was_begun_before_it_and_nothing_else() {
        let table = Invalidations::default();
        let (ada, bora) = (table.hash_user("ada"), table.hash_user("bora"));
        let tags = [table.hash_tag("order:1"), table.hash_tag("member:ada")];
        let before = table.generation();
        table.soft_purge([&order("1")]);
        let after = table.generation();
        assert_eq!(table.validity(ada, tags.iter().copied(), before), Validity::SoftPurged);
        assert_eq!(table.validity(ada, tags.iter().copied(), after), Validity::Valid);

        table.hard_purge(&id("ada"), [&Tag::of("member", &id("ada"))]);
        assert_eq!(table.validity(ada, tags.iter().copied(), after), Validity::HardPurged);
        assert_eq!(
            table.validity(bora, tags.iter().copied(), after),
            Validity::Valid,
            "somebody else's document stays"
        );
        assert_eq!(table.latest_of_user(ada), table.generation());
        assert_eq!(table.latest_of_user(bora), super::Generation::default());
    }

    #[test]
    fn where_invalidations_may_have_been_missed_everything_that_was_begun_before_is_stale() {
        let table = Invalidations::default();
        let (ada, tag) = (table.hash_user("ada"), table.hash_tag("order:1"));
        let (before, revision) = (table.generation(), table.revision());
        table.soft_purge_all();
        assert!(table.revision() > revision, "whatever was found valid is looked at again");
        assert_eq!(table.validity(ada, [tag].iter().copied(), before), Validity::SoftPurged);
        assert_eq!(table.validity(ada, std::iter::empty(), before), Validity::SoftPurged);
        assert!(table.latest_of_tag(tag) > before, "shared entities go as well");
        assert_eq!(table.validity(ada, [tag].iter().copied(), table.generation()), Validity::Valid);
        table.hard_purge(&id("ada"), [&order("1")]);
        assert_eq!(
            table.validity(ada, [tag].iter().copied(), before),
            Validity::HardPurged,
            "a hard purge wins"
        );
    }

    #[test]
    fn a_deletion_is_for_everybody_and_a_refusal_for_whom_it_was_told_and_what_is_about_it() {
        let table = Invalidations::default();
        let (ada, nobody) = (table.hash_user("ada"), table.hash_user(""));
        let order = order("1");
        let page = [table.hash_tag("order:1"), table.hash_tag(order.as_subject().as_str())];
        let list = [table.hash_tag("order:1"), table.hash_tag("order:2")];
        let before = table.generation();
        table.purge_subjects(None, std::slice::from_ref(&order));
        assert_eq!(table.validity(nobody, page.iter().copied(), before), Validity::HardPurged);
        assert_eq!(table.validity(nobody, page.iter().copied(), table.generation()), Validity::Valid);
        assert_eq!(
            table.validity(nobody, list.iter().copied(), before),
            Validity::Valid,
            "it merely appears there"
        );
        assert_eq!(table.validity(ada, page.iter().copied(), before), Validity::Valid, "ada may see it");
        let never = super::Generation::default();
        let latest = (table.latest_of_user(nobody), table.latest_deletion());
        assert_eq!(latest, (never, never), "compositions are shared on");

        table.purge_subjects(Some(&id("ada")), std::slice::from_ref(&order));
        assert_eq!(table.validity(ada, page.iter().copied(), before), Validity::HardPurged);
        let before = table.generation();
        table.purge_deleted(&[order]);
        for user in [ada, nobody] {
            assert_eq!(table.validity(user, page.iter().copied(), before), Validity::HardPurged);
            assert_eq!(
                table.validity(user, [table.hash_tag("order:2")].iter().copied(), before),
                Validity::Valid
            );
        }
        assert_eq!(table.validity(nobody, list.iter().copied(), before), Validity::HardPurged);
        assert_eq!(table.validity(ada, list.iter().copied(), before), Validity::SoftPurged);
        assert_eq!(table.latest_of_tag(table.hash_tag("order:1")), table.generation(), "entities go as well");
        assert_eq!(table.latest_deletion(), table.generation());
    }
}
