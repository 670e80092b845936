//! What may be uploaded, and for how long what is good.

use std::time::Duration;

/// Who may read a file where its upload does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultVisibility {
    /// Pictures are public, everything else is private.
    Auto,
    Public,
    Private,
}

/// Bounds of uploads.
#[derive(Debug, Clone)]
pub struct FilesSettings {
    /// Longest file, in bytes.
    pub max_bytes: u64,
    /// What one user may begin to upload within 24 hours, in bytes.
    pub per_user_day_bytes: u64,
    /// Media types that are taken, of those that are known by their first bytes.
    pub types: Vec<String>,
    pub visibility: DefaultVisibility,
    /// How long the URL of a part is good.
    pub upload_for: Duration,
    /// After so long, what was not committed is swept …
    pub pending: Duration,
    /// … which is looked at so often.
    pub sweep_every: Duration,
    /// How long the sender of a part may say nothing.
    pub idle: Duration,
}
