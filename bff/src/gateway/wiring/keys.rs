//! The signing keys, and the tokens of apps that they sign.

use std::{io, sync::Arc};

use clients::{KeyError, KeyRing, KeyTimes};

use crate::{
    config::Config,
    gateway::error::StartError,
    identity::{AppTokens, AppTokensParts, Secrets, Sessions, TokenPolicy},
    telemetry::Metrics,
};

/// The keys in `keys.dir`; the development profile makes the first one itself and keeps it.
pub(in super::super) fn signing_keys(config: &Config) -> Result<KeyRing, StartError> {
    let dir = std::path::Path::new(&config.keys.dir);
    let failed = |source| StartError::Keys { dir: config.keys.dir.clone(), source };
    let none_yet = |error: &KeyError| match error {
        KeyError::NoKey { .. } => true,
        KeyError::File { source, .. } => source.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    let times = key_times(config);
    match KeyRing::open(dir, times) {
        Err(error) if none_yet(&error) && !config.is_production() => {
            KeyRing::generate_in(dir).map_err(failed)?;
            KeyRing::open(dir, times).map_err(failed)
        }
        loaded => loaded.map_err(failed),
    }
}

/// How the signing keys follow one another.
#[must_use]
pub fn key_times(config: &Config) -> KeyTimes {
    KeyTimes { announce: config.keys.announce_ms.into(), retire: config.keys.retire_ms.into() }
}

pub(in super::super) fn app_tokens(
    config: &Config,
    sessions: &Sessions,
    ring: &Arc<KeyRing>,
    secrets: &Arc<Secrets>,
    metrics: &Arc<Metrics>,
) -> AppTokens {
    AppTokens::new(AppTokensParts {
        sessions: sessions.clone(),
        ring: Arc::clone(ring),
        secrets: Arc::clone(secrets),
        issuer: config.keys.issuer.clone(),
        policy: TokenPolicy {
            access: config.tokens.access_ms.into(),
            refresh: config.tokens.refresh_ms.into(),
            retry: config.tokens.retry_ms.into(),
        },
        metrics: Arc::clone(metrics),
    })
}
