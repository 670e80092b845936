//! Why the way to an upstream cannot be built.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// An upstream cannot be set up as configured.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("upstream `{upstream}`: {expected}")]
    Config { upstream: &'static str, expected: &'static str },
    #[error("upstream `{upstream}`: {}", path.display())]
    File {
        upstream: &'static str,
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("upstream `{upstream}`: {} is no {expected}", path.display())]
    Tls { upstream: &'static str, path: PathBuf, expected: &'static str },
    /// An upstream that the gateway cannot do without is not configured.
    #[error("upstream `{upstream}` is missing")]
    Missing { upstream: &'static str },
    /// A name is too long, or the process has had too many.
    #[error("names of upstreams and operations: over 128 bytes, or over 16,384 of them")]
    Name,
    #[error("upstream `{upstream}`: no http client")]
    Http {
        upstream: &'static str,
        #[source]
        source: reqwest::Error,
    },
}
