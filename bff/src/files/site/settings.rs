//! What is served, and its bounds.

use std::{path::PathBuf, time::Duration};

/// More than any build makes; a home folder has more.
pub(super) const MOST_FILES: usize = 20_000;

/// What is served, and how.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// Its folder.
    pub dir: PathBuf,
    /// Paths below which files are named after their content.
    pub immutable: Vec<String>,
    /// `Content-Security-Policy`.
    pub policy: String,
    /// How long files with hashes in their names outlive the build that made them.
    pub retire: Duration,
    /// Whether source maps are served.
    pub source_maps: bool,
    /// What files and their encodings may take in memory, in bytes.
    pub memory: usize,
}
