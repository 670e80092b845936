//! What a store tells by itself: that a record changed, that somebody published, that it cannot hear.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Space;

/// Something that happened to the store, told to every [`Listener`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    /// A record of a [tracked](Space::is_tracked) space was written or removed, by this process or another
    /// one. Stores of one process tell it before the write returns; a shared one a moment later, and
    /// perhaps before the answer to a read that it served before the write.
    Changed { space: Space, key: &'a [u8] },
    /// What somebody [published](super::Store::publish).
    Message(&'a [u8]),
    /// From now on changes and messages go unheard: who mirrors records must ask the store each time.
    Disconnected,
    /// Heard again. What was mirrored before is out of date: forget it, then mirror again.
    Connected,
    /// The [lease](super::Lease) was over for a time, and is about to be renewed: everything was heard, but others may
    /// have stopped waiting for this process meanwhile. It has to let them know that it is there before it believes
    /// what it mirrors.
    Lapsed,
}

/// Called with each [`Notice`]; must not wait.
pub type Listener = Box<dyn Fn(&Notice<'_>) + Send + Sync>;

/// Those who listen.
#[derive(Default)]
pub(super) struct Listeners(ArcSwap<Vec<Arc<Listener>>>);

impl Listeners {
    pub(super) fn add(&self, listener: Listener) {
        let listener = Arc::new(listener);
        self.0.rcu(|all| all.iter().chain([&listener]).cloned().collect::<Vec<_>>());
    }

    pub(super) fn tell(&self, notice: &Notice<'_>) {
        for listener in self.0.load_full().iter() {
            listener(notice);
        }
    }

    /// Tells of a write, where its space is tracked.
    pub(super) fn changed(&self, space: Space, key: &[u8]) {
        if space.is_tracked() {
            self.tell(&Notice::Changed { space, key });
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listeners").field(&self.0.load().len()).finish()
    }
}
