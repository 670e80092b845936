//! What goes with a member besides what the declared calls delete: the place for what the gateway itself keeps of members.

use std::sync::Arc;

use super::foundation::Foundation;
use crate::auth::DeletionStep;

/// The steps, in this order. Each may run several times: see [`DeletionStep`].
pub(super) fn deletion_steps(_foundation: &Foundation) -> Vec<Arc<dyn DeletionStep>> {
    Vec::new()
}
