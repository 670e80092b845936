//! This replica, as it presents itself to the others.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{Applied, message::Message};

/// Who this replica is, and whether the others are to wait for it.
pub(super) struct Presence {
    /// Tells this process's messages from those of others.
    pub(super) origin: Box<str>,
    /// It receives nothing at the moment.
    disconnected: AtomicBool,
    /// It is ending.
    left: AtomicBool,
}

impl Presence {
    /// # Errors
    /// [`getrandom::Error`]: the process has no name among the replicas.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut bits = [0_u8; 16];
        getrandom::fill(&mut bits)?;
        let origin = bits.iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(Self { origin: origin.into(), disconnected: AtomicBool::new(false), left: AtomicBool::new(false) })
    }

    pub(super) fn is_connected(&self) -> bool {
        !self.disconnected.load(Ordering::Acquire)
    }

    /// Says whether it was connected until now.
    pub(super) fn set_connected(&self, connected: bool) -> bool {
        !self.disconnected.swap(!connected, Ordering::AcqRel)
    }

    /// From now on nobody is to wait for it.
    pub(super) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// A message that says no more than that this replica is there, and what it has applied.
    pub(super) fn message(&self, acks: Applied) -> Message {
        let absent = self.has_left() || !self.is_connected();
        Message { origin: self.origin.to_string(), acks, absent, ..Message::default() }
    }
}
