//! The bounds of live connections.

use std::time::Duration;

use super::look::interval;

/// How connections are kept.
#[derive(Debug, Clone, Copy)]
pub struct LiveSettings {
    /// Between two pings.
    pub heartbeat: Duration,
    /// How long a session is believed while the store is away.
    pub grace: Duration,
    /// A WebSocket that said nothing for so long is dead.
    pub dead_after: Duration,
    /// Connections of one user at a time.
    pub connections_per_user: usize,
    /// Messages that may wait for one connection.
    pub queue: usize,
    /// The log reaches back so many messages, so many bytes and so long, whichever is least.
    pub log_messages: usize,
    pub log_bytes: usize,
    pub log_age: Duration,
}

impl LiveSettings {
    /// Between two looks at the session of a connection on which nothing is said.
    pub(super) fn look_every(&self) -> Duration {
        interval(self.heartbeat, self.grace)
    }
}
