//! Topics of the bus: what is told of each, and its subscribers.

use parking_lot::RwLock;
use schemas::Id;

/// Sessions of one user that have ended, of browsers and of apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSessions {
    pub user: Id,
    /// The keys under which the store kept them: SHA-256 of their ids.
    pub keys: Vec<[u8; 32]>,
}

type Subscriber<T> = Box<dyn Fn(&T) + Send + Sync>;

/// One kind of message, and those who want to know of it.
pub struct Topic<T>(RwLock<Vec<Subscriber<T>>>);

impl<T> Default for Topic<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Topic<T> {
    /// Calls `subscriber` with each message from now on, after those that subscribed earlier. It must neither wait nor
    /// subscribe; it may be called twice with the same message.
    pub fn subscribe(&self, subscriber: impl Fn(&T) + Send + Sync + 'static) {
        self.0.write().push(Box::new(subscriber));
    }

    pub(super) fn notify(&self, message: &T) {
        self.0.read().iter().for_each(|subscriber| subscriber(message));
    }
}
