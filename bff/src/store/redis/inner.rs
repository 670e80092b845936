//! The parts of a Redis store that its clones share.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::dial::Connection;
use super::listening::Subscribers;
use super::records::Records;
use super::url::Address;

pub(super) struct Inner {
    pub(super) records: Records,
    pub(super) subscribers: Arc<Subscribers>,
    /// How long a command may take.
    pub(super) timeout: Duration,
    /// A connection for commands that wait, while nobody uses it.
    pub(super) spare: Mutex<Option<(Address, Connection)>>,
    /// They end with the store.
    pub(super) _tasks: JoinSet<()>,
}
