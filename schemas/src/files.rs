//! Files: how one is uploaded in parts, and what is told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileVisibility {
    /// Everybody who knows its URL.
    Public,
    /// Its owner alone.
    Private,
}

/// A file that is going to be uploaded.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PresignUpload {
    /// What it is called where it is saved: no path, no control characters.
    #[schema(min_length = 1, max_length = 200, pattern = "^[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]*$")]
    pub name: String,
    /// What it is. Its first bytes must say the same when it is committed.
    #[schema(max_length = 100, example = "image/jpeg")]
    pub content_type: String,
    /// In bytes.
    #[schema(minimum = 1)]
    pub size: u64,
    /// Of the whole content, `sha256:` or `crc64nvme:` and the value in hexadecimal or base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 80,
        pattern = "^(sha256:([0-9A-Fa-f]{64}|([A-Za-z0-9+/]{42}|[A-Za-z0-9_-]{42})[AEIMQUYcgkosw048]=?)|crc64nvme:([0-9A-Fa-f]{16}|([A-Za-z0-9+/]{10}|[A-Za-z0-9_-]{10})[AEIMQUYcgkosw048]=?))$"
    )]
    pub checksum: Option<String>,
    /// Pictures are public where nothing is said, everything else is private, unless the operator says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<FileVisibility>,
}

/// Where one part of a file is sent: its bytes alone, as the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadPart {
    /// From 1 on.
    pub number: u16,
    /// Signed: it needs no session. One that begins with `/` is the gateway's own.
    pub url: String,
    pub method: String,
    /// To be sent along.
    pub headers: BTreeMap<String, String>,
    /// The first byte of the file that belongs to it …
    pub from: u64,
    /// … and the first one that does not.
    pub to: u64,
}

/// An upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignedUpload {
    /// Names the file from now on.
    pub key: String,
    /// In any order, also at the same time; each may be sent again.
    pub parts: Vec<UploadPart>,
    /// Seconds for which the URLs are good; new ones are in `missing` of the upload.
    pub expires_in: u64,
}

/// How far an upload has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadState {
    /// Numbers of the parts that have arrived whole.
    pub parts: Vec<u16>,
    /// Whether the file can be read.
    pub committed: bool,
    /// The parts that have not, with URLs that are good from now on.
    pub missing: Vec<UploadPart>,
    /// Seconds for which those URLs are good.
    pub expires_in: u64,
}

/// An upload whose parts have all been sent.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommitUpload {
    #[schema(min_length = 1, max_length = 128)]
    pub key: String,
}

/// A file that can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommittedFile {
    pub key: String,
    /// Where it is read.
    pub url: String,
    /// What its first bytes say it is.
    pub content_type: String,
    /// In bytes.
    pub size: u64,
}
