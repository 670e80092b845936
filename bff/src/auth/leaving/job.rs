//! The job that carries a deletion to every service. Each attempt begins at the first step: what was done is done again and
//! comes to the same, so that nothing has to be remembered between attempts, and what was written meanwhile goes as well.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clients::{CallContext, ClientKind};
use schemas::Id;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    calls::{MemberCallError, MemberCalls},
    departed::DELETE_MEMBER,
    step::DeletionStep,
};
use crate::{
    auth::Api,
    identity::Sessions,
    invalidation::{InvalidationBus, Tag},
    jobs::{JobFailure, JobHandler},
};

/// What one call may take, where the upstream's own timeout is longer.
const CALL: Duration = Duration::from_secs(30);

/// What a job holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deletion {
    pub(super) member: Id,
    /// Of the request that asked for it: upstreams log it.
    pub(super) request_id: Box<str>,
}

/// What the handler is made of.
pub struct MemberDeletionParts {
    /// Knows which calls are declared, also after declarations were read again.
    pub api: Api,
    pub sessions: Sessions,
    pub bus: Arc<InvalidationBus>,
    /// What else goes with a member, after the declared calls.
    pub steps: Vec<Arc<dyn DeletionStep>>,
}

/// Deletes members.
pub struct MemberDeletion(MemberDeletionParts);

impl MemberDeletion {
    /// The handler.
    #[must_use]
    pub fn new(parts: MemberDeletionParts) -> Self {
        Self(parts)
    }

    async fn end_sign_ins(&self, member: &Id) -> Result<(), JobFailure> {
        let ended = self.0.sessions.end_all(member, None).await;
        ended.map(|_| ()).map_err(|_| retry("the sign-ins cannot be ended"))
    }
}

fn retry(why: impl Into<String>) -> JobFailure {
    JobFailure::Retry { why: why.into(), after: None }
}

#[async_trait]
impl JobHandler for MemberDeletion {
    fn kind(&self) -> &'static str {
        DELETE_MEMBER
    }

    async fn run(&self, payload: &RawValue) -> Result<(), JobFailure> {
        let Deletion { member, request_id } = serde_json::from_str(payload.get())
            .map_err(|_| JobFailure::Never { why: "the job cannot be read".to_owned() })?;
        let calls = self.0.api.member_calls();
        if calls.plan().delete.is_empty() {
            return Err(retry("no service is declared to delete from"));
        }
        // The request may have been cut off between the record and this.
        self.end_sign_ins(&member).await?;
        let remembered = self.0.api.departed.remember(&member).await;
        remembered.map_err(|_| retry("the store is away"))?;
        for call in &calls.plan().delete {
            let cx = CallContext {
                acting: Some(member.clone()),
                client: ClientKind::Internal,
                request_id: request_id.as_ref().into(),
                traceparent: None,
                deadline: std::time::Instant::now() + CALL,
            };
            calls.delete(&cx, call).await.map_err(|error| failure(&calls, call, &error))?;
        }
        for step in &self.0.steps {
            let deleted = step.delete(&member).await;
            deleted.map_err(|error| retry(format!("{}: {error}", step.name())))?;
        }
        // A sign-in that was under way when the deletion was recorded has ended itself, or ends here.
        self.end_sign_ins(&member).await?;
        self.0.bus.erased(&calls.drops(&member)).await;
        self.0.bus.purge_user(&member, &[Tag::everything()]).await;
        Ok(())
    }
}

fn failure(
    calls: &MemberCalls,
    call: &crate::compose::plan::MemberCall,
    error: &MemberCallError,
) -> JobFailure {
    let upstream = calls.upstream(call);
    match error {
        MemberCallError::Upstream(error) => JobFailure::Retry {
            why: match error.status() {
                Some(status) => format!("{upstream}: {} ({})", error.outcome(), status.as_u16()),
                None => format!("{upstream}: {}", error.outcome()),
            },
            after: error.retry_after(),
        },
        other => retry(format!("{upstream}: {other}")),
    }
}
