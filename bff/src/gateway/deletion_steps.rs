//! What goes with a member besides what the declared calls delete: the place for what the gateway itself keeps of members.

use std::sync::Arc;

use async_trait::async_trait;
use schemas::Id;

use super::foundation::Foundation;
use crate::{
    auth::{DeletionStep, StepError},
    files::Files,
};

/// The steps, in this order. Each may run several times: see [`DeletionStep`].
pub(super) fn deletion_steps(foundation: &Foundation) -> Vec<Arc<dyn DeletionStep>> {
    let files = foundation.files.clone().map(|files| Arc::new(FilesOfMember(files)) as Arc<dyn DeletionStep>);
    files.into_iter().collect()
}

/// Files and uploads.
struct FilesOfMember(Files);

#[async_trait]
impl DeletionStep for FilesOfMember {
    fn name(&self) -> &'static str {
        "files"
    }

    async fn delete(&self, member: &Id) -> Result<(), StepError> {
        let deleted = self.0.delete_all_of(member.as_str()).await;
        deleted.map(drop).map_err(|error| StepError { why: error.to_string() })
    }
}
