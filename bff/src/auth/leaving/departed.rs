//! Members who leave or have left: nobody signs in as one of them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use schemas::Id;

use crate::{
    jobs::Jobs,
    store::{Entry, Space, Store, StoreError, after},
    telemetry::unix_ms,
};

/// The kind of the jobs that delete members; their id is the member's.
pub const DELETE_MEMBER: &str = "delete_member";

/// Longer than any sign-in is under way. After that the service that keeps accounts knows the member no more.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// Who leaves or has left. Cheap to clone.
#[derive(Clone)]
pub struct Departed {
    pub jobs: Jobs,
    pub store: Arc<dyn Store>,
}

impl Departed {
    fn key(member: &Id) -> Vec<u8> {
        ["deleted_member:", member.as_str()].concat().into_bytes()
    }

    /// Remembers a member beyond the end of the job: a sign-in whose password was proved before the member was deleted
    /// may come to its end after that.
    pub(super) async fn remember(&self, member: &Id) -> Result<(), StoreError> {
        let entry = Entry { value: Bytes::new(), owner: None, expires_at_ms: after(unix_ms(), REMEMBERED) };
        self.store.put(Space::Revocations, &Self::key(member), entry).await.map(|_| ())
    }

    /// Whether a member leaves or has left. The job first: what it has become since is remembered.
    pub(in crate::auth) async fn has(&self, member: &Id) -> Result<bool, StoreError> {
        if self.jobs.has(DELETE_MEMBER, member.as_str()).await? {
            return Ok(true);
        }
        Ok(self.store.get(Space::Revocations, &Self::key(member)).await?.is_some())
    }
}
