//! Files: where they are kept, and their bounds.

use std::{path::PathBuf, sync::Arc};

use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use crate::{
    config::{Config, FileStorage, FileVisibility, FilesConfig, S3Location},
    files::{BlobStorage, DefaultVisibility, Files, FilesParts, FilesSettings, Folder, S3, S3Settings},
    gateway::error::StartError,
    identity::Secrets,
    store::Store,
    telemetry::Metrics,
};

/// Nothing where there is no storage.
pub(in super::super) fn files(
    config: &Config,
    store: &Arc<dyn Store>,
    secrets: &Arc<Secrets>,
    metrics: &Arc<Metrics>,
    runtime: &Handle,
) -> Result<Option<Files>, StartError> {
    let files = &config.files;
    let (storage, folder): (Arc<dyn BlobStorage>, _) = match files.storage() {
        // Checked with the settings.
        Err(_) | Ok(FileStorage::None) => return Ok(None),
        Ok(FileStorage::Folder(path)) => {
            let failed = |source| StartError::FilesFolder { path: path.clone(), source };
            let folder = Folder::open(path.clone(), accel(files)).map_err(failed)?;
            (Arc::new(folder.clone()), Some(folder))
        }
        Ok(FileStorage::S3(location)) => {
            (Arc::new(S3::new(s3_settings(files, *location), runtime.clone())?), None)
        }
    };
    Ok(Some(Files::new(FilesParts {
        storage,
        folder,
        store: Arc::clone(store),
        secrets: Arc::clone(secrets),
        settings: settings(files),
        metrics: Arc::clone(metrics),
        runtime: runtime.clone(),
    })))
}

/// With a slash at its end.
fn accel(files: &FilesConfig) -> Option<String> {
    let location = files.accel.trim_end_matches('/');
    (!location.is_empty()).then(|| format!("{location}/"))
}

fn s3_settings(files: &FilesConfig, location: S3Location) -> S3Settings {
    let S3Location { bucket, region, endpoint, public_endpoint, path_style } = location;
    S3Settings {
        bucket,
        region,
        endpoint,
        public_endpoint,
        path_style,
        access_key_id: files.access_key_id.clone(),
        secret_access_key: files.secret_access_key.expose_secret().to_owned(),
        ca: Some(&files.ca_file).filter(|path| !path.is_empty()).map(PathBuf::from),
        timeout: files.timeout_ms.into(),
        read_for: files.read_ms.into(),
    }
}

fn settings(files: &FilesConfig) -> FilesSettings {
    FilesSettings {
        max_bytes: files.max_bytes,
        per_user_day_bytes: files.per_user_day_bytes,
        types: files.types.clone(),
        visibility: match files.visibility {
            FileVisibility::Auto => DefaultVisibility::Auto,
            FileVisibility::Public => DefaultVisibility::Public,
            FileVisibility::Private => DefaultVisibility::Private,
        },
        upload_for: files.upload_ms.into(),
        pending: files.pending_ms.into(),
        sweep_every: files.sweep_ms.into(),
        idle: files.idle_ms.into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{config::FILE_TYPES, files::is_known};

    #[test]
    fn what_the_settings_allow_can_be_told_by_first_bytes() {
        assert!(FILE_TYPES.iter().all(|media_type| is_known(media_type)));
    }
}
