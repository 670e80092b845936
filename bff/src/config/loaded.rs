//! What a configuration was loaded from, so that it can be put over other declarations.

use std::{ffi::OsString, fmt, path::PathBuf};

use serde_json::Value;

/// The layers above the defaults.
#[derive(Clone, Default)]
pub(super) struct Loaded {
    /// What a product declares.
    pub(super) declared: Value,
    pub(super) file: Option<PathBuf>,
    pub(super) environment: Vec<(OsString, OsString)>,
}

/// The environment may hold secrets.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("file", &self.file).finish_non_exhaustive()
    }
}
