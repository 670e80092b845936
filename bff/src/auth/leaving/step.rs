//! What else goes with a member, besides what the declared calls delete.

use async_trait::async_trait;
use schemas::Id;

/// A step of a deletion that the gateway itself carries out, such as for files. It runs after the declared calls, maybe
/// several times, also after it was done and at the same time on another replica: it must come to the same.
#[async_trait]
pub trait DeletionStep: Send + Sync + 'static {
    /// A word of the code, for logs.
    fn name(&self) -> &'static str;

    /// Deletes all that the step's keeper has of `member`. Done when nothing is left.
    ///
    /// # Errors
    /// [`StepError`]: it is tried again, later.
    async fn delete(&self, member: &Id) -> Result<(), StepError>;
}

/// A step failed. `why` is for the operator: it holds neither ids nor secrets.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct StepError {
    pub why: String,
}
