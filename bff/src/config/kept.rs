//! The sections of what the gateway keeps for others: files, and work that outlives a request. As in `sections.rs`.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::sections::redacted;
use super::values::{FileVisibility, Millis};

/// Storage of uploads, and their bounds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// Empty: no files. For what it says ask [`FilesConfig::storage`].
    pub url: String,
    pub access_key_id: String,
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "String")]
    pub secret_access_key: SecretString,
    /// Already read into `secret_access_key`.
    pub secret_access_key_file: String,
    pub ca_file: String,
    /// nginx's internal location; empty: none.
    pub accel: String,
    pub max_bytes: u64,
    pub per_user_day_bytes: u64,
    pub types: Vec<String>,
    pub visibility: FileVisibility,
    pub timeout_ms: Millis,
    pub upload_ms: Millis,
    pub read_ms: Millis,
    pub idle_ms: Millis,
    pub pending_ms: Millis,
    pub sweep_ms: Millis,
}

/// Work that outlives a request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    pub poll_ms: Millis,
    pub lease_ms: Millis,
    pub concurrency: u32,
    pub max_jobs: u32,
    pub max_attempts: u32,
    pub backoff_ms: Millis,
    pub max_backoff_ms: Millis,
    pub keep_ms: Millis,
}
