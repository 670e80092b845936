//! What holds of [`AppTokens`] whatever callers present, and whatever the store and other replicas do meanwhile.

mod life;

use std::{path::Path, sync::Arc};

use clients::KeyRing;
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;

use super::{AppTokens, AppTokensParts, TokenPair, TokenPolicy};
use crate::{
    identity::{Secrets, SessionPolicy, Sessions},
    store::Store,
    telemetry::Metrics,
};

/// Some time in 2026, on a whole second.
const START: u64 = 1_790_000_000_000;
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// One gateway on a store that others may share.
struct Replica {
    sessions: Sessions,
    tokens: AppTokens,
    metrics: Arc<Metrics>,
}

impl Replica {
    /// With the keys in `keys`, which are made where there are none.
    fn new(store: Arc<dyn Store>, keys: &Path, secrets: &[&str]) -> Self {
        let ring = KeyRing::load(keys).or_else(|_| {
            KeyRing::generate_in(keys)?;
            KeyRing::load(keys)
        });
        let sessions = Sessions::new(store, SessionPolicy::default(), Handle::current());
        let metrics = Arc::new(Metrics::new());
        let tokens = AppTokens::new(AppTokensParts {
            sessions: sessions.clone(),
            ring: Arc::new(ring.expect("keys")),
            secrets: Arc::new(Secrets::new(secrets.iter().map(|text| SecretString::from(*text)).collect())),
            issuer: "https://bff.example".to_owned(),
            policy: TokenPolicy::default(),
            metrics: Arc::clone(&metrics),
        });
        Self { sessions, tokens, metrics }
    }
}

/// The texts of a pair, to compare.
fn texts(pair: &TokenPair) -> (String, String) {
    (pair.access_token.expose_secret().to_owned(), pair.refresh_token.expose_secret().to_owned())
}
