//! Why the gateway does not start, or does not go on.

use std::{io, net::SocketAddr, path::PathBuf};

use clients::{KeyError, TransportError};

use crate::{
    compose::{backend::UnknownUpstream, engine::UnknownLookup},
    config::ConfigErrors,
    files::{S3Error, site::SiteError},
    routes::RoutesError,
    store::StoreError,
};

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("settings")]
    Config(#[from] ConfigErrors),
    #[error("signing keys in `{dir}`")]
    Keys { dir: String, source: KeyError },
    #[error("store")]
    Store(#[from] StoreError),
    #[error("upstreams")]
    Upstreams(#[from] TransportError),
    #[error("declarations")]
    Backend(#[from] UnknownUpstream),
    #[error("declared screens")]
    Screens(#[from] UnknownLookup),
    #[error("declared routes")]
    Routes(#[from] RoutesError),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("signal handlers")]
    Signals(#[source] io::Error),
    #[error("the operating system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
    #[error("site.dir")]
    Site(#[from] SiteError),
    #[error("files.url: the folder `{}`", path.display())]
    FilesFolder { path: PathBuf, source: io::Error },
    #[error("files.url")]
    FilesBucket(#[from] S3Error),
    #[error("cors.allowed_origins")]
    Origins,
    #[error("a listener ended by itself")]
    Ended(#[source] Option<io::Error>),
}
