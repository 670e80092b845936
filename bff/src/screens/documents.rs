//! The documents of all screens.

use std::sync::Arc;

use crate::{cache::Documents, compose::ComposeError, telemetry::Metrics};

/// The documents of all screens, and where they are counted. Cheap to clone.
#[derive(Clone)]
pub struct ScreenDocuments {
    pub documents: Arc<Documents<ComposeError>>,
    pub metrics: Arc<Metrics>,
}
