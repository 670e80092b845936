//! What all clones of the registry share.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::runtime::Handle;

use super::cache_sync::SessionCacheSync;
use crate::{identity::SessionPolicy, store::Store, telemetry::Metrics};

/// How often something begins again when the record changes under it.
pub(super) const TRIES: usize = 4;

/// All sign-ins. Cloning is cheap; all clones are the same.
#[derive(Clone)]
pub struct Sessions {
    pub(in crate::identity) inner: Arc<Inner>,
}

/// What [`Sessions`] and [`AppTokens`](super::AppTokens) work on.
pub(in crate::identity) struct Inner {
    pub(in crate::identity) store: Arc<dyn Store>,
    pub(in crate::identity) policy: SessionPolicy,
    pub(in crate::identity) cache_sync: Arc<SessionCacheSync>,
    pub(in crate::identity) metrics: Arc<Metrics>,
    pub(in crate::identity) runtime: Handle,
    /// Whether the last touch failed, so that an outage is logged when it begins and ends, not for each session.
    pub(super) touches_fail: AtomicBool,
    /// The same for telling endings to other replicas.
    pub(super) telling_fails: AtomicBool,
}
