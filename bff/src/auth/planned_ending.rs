//! The record of a change that ends other sign-ins, made before the upstream is asked for it. Whatever becomes of this
//! process, no sign-in made with the old secret outlives the change:
//!
//! ```text
//! recorded             a job is in the queue, due when the upstream has surely answered or been given up
//! refused for certain  the job is taken back
//! carried out          the other sign-ins end at once, then the job is removed
//! unknown, or killed   the job runs when it is due, on any replica
//! ```
//!
//! Where the outcome is unknown and nothing was changed, members sign in again on their other devices: that is the safe side.

use std::time::Duration;

use async_trait::async_trait;
use clients::UpstreamError;
use schemas::Id;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{call_context::BUDGET, leaving::FULL, refusals::may_be_done};
use crate::{
    edge::ApiError,
    identity::{SessionKey, Sessions},
    jobs::{JobFailure, JobHandler, Jobs},
    store::QueueError,
    telemetry::unix_ms,
};

/// The kind of these jobs; the id is that of one request.
const END_SIGN_INS: &str = "end_sign_ins";

/// How long a call may go on after its deadline until this process has dealt with its answer.
const MARGIN: Duration = Duration::from_secs(5);

/// What a job holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ending {
    member: Id,
    /// When the change was asked for: unix time in milliseconds. What is made later, such as the session that takes the
    /// place of the caller's, stays.
    made_before_ms: u64,
    /// The caller's session, which stays: a hash, which signs nobody in.
    except: Option<SessionKey>,
}

/// An ending that is in the queue.
pub(super) struct PlannedEnding {
    jobs: Jobs,
    id: String,
}

impl PlannedEnding {
    /// Records that the sign-ins of `member` but `except` are to end. Durable when this returns.
    ///
    /// # Errors
    /// 503: nothing may be changed now, because the change might not be followed.
    pub(super) async fn record(
        jobs: &Jobs,
        member: &Id,
        except: Option<&SessionKey>,
    ) -> Result<Self, ApiError> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|_| ApiError::Internal("no random bits for the name of a job"))?;
        let id = format!("{:032x}", u128::from_be_bytes(name));
        let ending = Ending { member: member.clone(), made_before_ms: unix_ms(), except: except.copied() };
        let recorded = jobs.enqueue_after(END_SIGN_INS, &id, &ending, BUDGET + MARGIN).await;
        recorded.map_err(|error| match error {
            QueueError::Full { .. } => FULL,
            QueueError::Store(error) => ApiError::Store(error),
        })?;
        Ok(Self { jobs: jobs.clone(), id })
    }

    /// Takes it back where the upstream has certainly not carried the change out. Otherwise it stays.
    pub(super) async fn settle(&self, failure: Option<&UpstreamError>) {
        if failure.is_some_and(|error| !may_be_done(error)) {
            self.remove().await;
        }
    }

    /// Removes it: the sign-ins have ended, or need not.
    pub(super) async fn remove(&self) {
        if let Err(error) = self.jobs.take_back(END_SIGN_INS, &self.id).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "the ending of sign-ins stays in the queue and is carried out when it is due"
            );
        }
    }
}

/// Ends the sign-ins of members whose change was asked for by a process that did not come to it.
pub struct EndSignIns(Sessions);

impl EndSignIns {
    /// The handler.
    #[must_use]
    pub fn new(sessions: Sessions) -> Self {
        Self(sessions)
    }
}

#[async_trait]
impl JobHandler for EndSignIns {
    fn kind(&self) -> &'static str {
        END_SIGN_INS
    }

    async fn run(&self, payload: &RawValue) -> Result<(), JobFailure> {
        let Ending { member, made_before_ms, except } = serde_json::from_str(payload.get())
            .map_err(|_| JobFailure::Never { why: "the job cannot be read".to_owned() })?;
        let away = |_| JobFailure::Retry { why: "the sign-ins cannot be ended".to_owned(), after: None };
        // For a sign-in that is under way.
        self.0.note_secret_change(&member, made_before_ms).await.map_err(away)?;
        self.0.end_made_before(&member, made_before_ms, except.as_ref()).await.map_err(away)?;
        Ok(())
    }
}
