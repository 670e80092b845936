//! What can go wrong with a key.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A key cannot be read, made or used. Never holds key material.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error("{}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("{} is not an unencrypted Ed25519 private key in PKCS#8 PEM", path.display())]
    NotEd25519 { path: PathBuf },
    #[error("no key (*.pem) in {}", path.display())]
    NoKey { path: PathBuf },
    #[error("no key `{kid}` in {}", path.display())]
    UnknownKey { path: PathBuf, kid: String },
    #[error("`{kid}` is the only key in {}: make another one first", path.display())]
    OnlyKey { path: PathBuf, kid: String },
    #[error("an ed25519 key cannot be made")]
    Generate,
    #[error("a token cannot be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("a token cannot be put into a header")]
    Header,
}

pub(super) fn file_error(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::File { path: path.to_owned(), source: Arc::new(source) }
}
