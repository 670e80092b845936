//! Opens the store that the operator chose.

use std::path::Path;
use std::sync::Arc;

use super::{EmbeddedStore, MemoryStore, Store, StoreError, StoreSettings, redis::RedisStore};

/// Opens the store that `url` names, with default settings: see [`open_with`].
///
/// # Errors
/// As [`open_with`].
pub async fn open(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    open_with(url, &StoreSettings::default()).await
}

/// Opens the store that `url` names: `memory:`; `embedded:PATH`, whose file and folder are made when they
/// are not there; or a Redis, `redis://HOST`, `redis+sentinel://HOST,HOST/SERVICE`,
/// `redis+cluster://HOST,HOST`, with `rediss` for TLS.
///
/// To be called on a runtime that lives as long as the store: its tasks run there.
///
/// # Errors
/// [`StoreError::Unsupported`] for other schemes, [`StoreError::Url`] for what cannot be meant; what
/// opening meets otherwise, above all [`StoreError::Locked`] when another process has the file. A Redis
/// that is away is no error: it is waited for behind, and until then every call fails.
pub async fn open_with(url: &str, settings: &StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    match scheme {
        "memory" => Ok(Arc::new(MemoryStore::new())),
        "embedded" => Ok(Arc::new(EmbeddedStore::open(Path::new(rest)).await?)),
        _ => Ok(Arc::new(RedisStore::open(url, settings).await?)),
    }
}
