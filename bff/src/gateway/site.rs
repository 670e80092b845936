//! The single-page app, where one is configured.

use std::io;

use super::error::StartError;
use crate::{
    config::Config,
    files::site::{Loaded, Site, SiteError, SiteSettings},
};

/// Reads the folder; nothing where none is named.
pub(super) async fn open(config: &Config) -> Result<Option<Site>, StartError> {
    if config.site.dir.is_empty() {
        return Ok(None);
    }
    let settings = SiteSettings {
        dir: config.site.dir.clone().into(),
        immutable: config.site.immutable.clone(),
        policy: config.site.content_security_policy.clone(),
        retire: config.site.retire_ms.into(),
        memory: config.site.memory_bytes,
        source_maps: config.site.source_maps,
    };
    let dir = settings.dir.clone();
    // Files may be on a network, and some are compressed.
    let opened = tokio::task::spawn_blocking(move || Site::open(settings)).await;
    let opened = opened.map_err(|error| SiteError::Read { path: dir, source: io::Error::other(error) })?;
    let (site, loaded) = opened?;
    report(&loaded);
    Ok(Some(site))
}

/// One line for what is served, and one for each file that is not.
pub(super) fn report(loaded: &Loaded) {
    for note in &loaded.notes {
        tracing::warn!("site.dir: {note}");
    }
    let Loaded { files, retired, changed, bytes, .. } = loaded;
    tracing::info!(
        site.files = files,
        site.retired = retired,
        site.changed = changed,
        site.memory_bytes = bytes,
        "the app was read"
    );
}
