//! What holds of [`AppTokens`] whatever callers present, and whatever the store and other replicas do meanwhile.

mod homes;
mod keys;
mod life;
mod model;
mod races;
mod state_machine;

use std::{path::Path, sync::Arc};

use clients::KeyRing;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{AppTokens, AppTokensParts, RefreshError, TokenPair, TokenPolicy};
use crate::{
    identity::{
        Secrets, SessionPolicy, Sessions,
        sessions::tests::{member, trial_store::TrialStore},
    },
    store::Store,
    telemetry::{Metrics, unix_ms},
};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// Sign-ins of apps in `sessions`, with a key of their own.
pub(crate) fn trial_tokens(sessions: &Sessions, secrets: &Arc<Secrets>) -> AppTokens {
    let keys = tempfile::tempdir().expect("a folder");
    KeyRing::generate_in(keys.path()).expect("keys");
    AppTokens::new(AppTokensParts {
        sessions: sessions.clone(),
        ring: Arc::new(KeyRing::load(keys.path()).expect("keys")),
        secrets: Arc::clone(secrets),
        issuer: "https://bff.example".to_owned(),
        policy: TokenPolicy::default(),
        metrics: Arc::default(),
    })
}

/// One gateway on a store that others may share.
struct Replica {
    sessions: Sessions,
    tokens: AppTokens,
    ring: Arc<KeyRing>,
    secrets: Arc<Secrets>,
    metrics: Arc<Metrics>,
}

impl Replica {
    /// With the keys in `keys`, of which one is made where there is none.
    fn new(store: Arc<dyn Store>, keys: &Path, secret: &str) -> Self {
        let ring = KeyRing::load(keys).or_else(|_| {
            KeyRing::generate_in(keys)?;
            KeyRing::load(keys)
        });
        let ring = Arc::new(ring.expect("keys"));
        let sessions = Sessions::new(store, SessionPolicy::default(), Handle::current(), Arc::default());
        let secrets = Arc::new(Secrets::new(vec![SecretString::from(secret)]));
        let metrics = Arc::new(Metrics::new());
        let tokens = AppTokens::new(AppTokensParts {
            sessions: sessions.clone(),
            ring: Arc::clone(&ring),
            secrets: Arc::clone(&secrets),
            issuer: "https://bff.example".to_owned(),
            policy: TokenPolicy::default(),
            metrics: Arc::clone(&metrics),
        });
        Self { sessions, tokens, ring, secrets, metrics }
    }

    async fn issue(&self, user: &str, now: u64) -> TokenPair {
        let issued =
            self.tokens.issue(&member(user), "Orders 1.2 on Pixel", "203.0.113.0/24", false, now).await;
        issued.expect("a pair")
    }

    async fn refresh(&self, pair: &TokenPair, now: u64) -> Result<TokenPair, RefreshError> {
        self.tokens.refresh(pair.refresh_token.expose_secret(), false, now).await
    }

    /// Whether the pair's access token is good, by both ways of looking.
    async fn admits(&self, pair: &TokenPair, now: u64) -> bool {
        let access = pair.access_token.expose_secret();
        let peeked = self.tokens.peek_access(access, now).is_some();
        let loaded = self.tokens.load_access(access, now).await.expect("the store answers").is_some();
        assert!(loaded || !peeked, "what is in memory has ended");
        loaded
    }
}

/// Two replicas on one trial store.
struct Bench {
    store: Arc<TrialStore>,
    one: Arc<Replica>,
    two: Arc<Replica>,
    keys: TempDir,
    now: u64,
}

impl Bench {
    async fn new() -> Self {
        let (store, keys) = (TrialStore::new().await, tempfile::tempdir().expect("a folder"));
        let replica = || Arc::new(Replica::new(store.clone(), keys.path(), "secret"));
        let (one, two) = (replica(), replica());
        Self { store, one, two, keys, now: unix_ms() }
    }
}

/// The texts of a pair, to compare.
fn texts(pair: &TokenPair) -> (String, String) {
    (pair.access_token.expose_secret().to_owned(), pair.refresh_token.expose_secret().to_owned())
}
