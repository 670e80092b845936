//! The gateway's public keys, fetched when one is needed that is not here.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};
use url::Url;

/// However many unknown key ids are presented, the gateway is asked this often.
const BETWEEN_FETCHES: Duration = Duration::from_secs(1);
/// A key that the gateway no longer publishes stops being believed after this.
const REFRESH_AFTER: Duration = Duration::from_secs(300);
const LARGEST_ANSWER: usize = 256 * 1024;

/// The last good set of keys.
pub(crate) struct KeyCache {
    url: Url,
    client: reqwest::Client,
    keys: ArcSwap<KeySet>,
    last_fetch: Mutex<Option<Fetch>>,
}

#[derive(Default)]
struct KeySet {
    by_id: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
}

struct Fetch {
    started: Instant,
    /// `None` when whoever ran it hung up.
    succeeded: Option<bool>,
}

/// There is no such key.
pub(crate) enum NoKey {
    /// The gateway does not publish it.
    Unknown,
    /// The gateway has never been reached.
    Unavailable,
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the key set cannot be fetched")]
    Http(#[from] reqwest::Error),
    #[error("the key set is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
    #[error("the key set is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("the key set holds no Ed25519 key")]
    Empty,
}

/// RFC 7517 section 5.
#[derive(Deserialize)]
struct PublishedSet {
    keys: Vec<serde_json::Value>,
}

/// RFC 7517 section 4 and RFC 8037 section 2.
#[derive(Deserialize)]
struct PublishedKey {
    kty: String,
    crv: String,
    x: String,
    kid: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    intended_use: Option<String>,
}

impl KeyCache {
    /// Fetches nothing yet.
    pub(crate) fn new(url: Url) -> Result<Self, reqwest::Error> {
        #[expect(clippy::disallowed_methods, reason = "every default that the ban is about is set here")]
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(1))
            .timeout(Duration::from_secs(2))
            // A connection belongs to the server thread that opened it; another one's next fetch
            // must not wait on it.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self { url, client, keys: ArcSwap::default(), last_fetch: Mutex::new(None) })
    }

    /// The key of that id. An unknown one is worth a fetch: the gateway may have begun to sign with a
    /// new key. Callers wait for one fetch together, and for its turn: a refusal in between would
    /// refuse good tokens.
    pub(crate) async fn find(self: &Arc<Self>, id: &str) -> Result<DecodingKey, NoKey> {
        let arrived = Instant::now();
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        let mut last = self.last_fetch.lock().await;
        let told = last.as_ref().filter(|fetch| fetch.started >= arrived).and_then(|fetch| fetch.succeeded);
        let succeeded = match told {
            Some(succeeded) => succeeded,
            None if self.known(id).is_some() => true,
            None => {
                if let Some(fetch) = &*last {
                    sleep_until(fetch.started + BETWEEN_FETCHES).await;
                }
                self.fetch_as(&mut last).await
            }
        };
        drop(last);
        match self.known(id) {
            Some(key) => Ok(key),
            None if !succeeded && self.keys.load().fetched.is_none() => Err(NoKey::Unavailable),
            None => Err(NoKey::Unknown),
        }
    }

    fn known(self: &Arc<Self>, id: &str) -> Option<DecodingKey> {
        let keys = self.keys.load();
        if keys.fetched.is_some_and(|at| at.elapsed() > REFRESH_AFTER) {
            self.refresh_behind();
        }
        keys.by_id.get(id).cloned()
    }

    /// One refresh at a time; the set of before serves meanwhile.
    fn refresh_behind(self: &Arc<Self>) {
        let cache = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(mut last) = cache.last_fetch.try_lock() else { return };
            if last.as_ref().is_none_or(|fetch| fetch.started.elapsed() > BETWEEN_FETCHES) {
                cache.fetch_as(&mut last).await;
            }
        });
    }

    async fn fetch_as(&self, last: &mut Option<Fetch>) -> bool {
        let started = Instant::now();
        *last = Some(Fetch { started, succeeded: None });
        let outcome = self.fetch().await;
        let succeeded = outcome.is_ok();
        match outcome {
            Ok(by_id) => self.keys.store(Arc::new(KeySet { by_id, fetched: Some(started) })),
            // The last good set stays: an outage of the gateway's must not become ours.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, url = %self.url, "keys not fetched");
            }
        }
        *last = Some(Fetch { started, succeeded: Some(succeeded) });
        succeeded
    }

    async fn fetch(&self) -> Result<HashMap<String, DecodingKey>, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let set: PublishedSet = serde_json::from_slice(&body)?;
        // A key of a kind that we do not know is no reason to do without the others.
        let keys: HashMap<_, _> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() { Err(FetchError::Empty) } else { Ok(keys) }
    }
}

/// Only Ed25519 signature keys: the algorithm is pinned by the key, never by a token.
fn usable(published: serde_json::Value) -> Option<(String, DecodingKey)> {
    let key: PublishedKey = serde_json::from_value(published).ok()?;
    let signs = key.intended_use.as_deref().is_none_or(|intended| intended == "sig");
    let eddsa = key.alg.as_deref().is_none_or(|alg| matches!(alg, "EdDSA" | "Ed25519"));
    if key.kty != "OKP" || key.crv != "Ed25519" || !signs || !eddsa {
        return None;
    }
    let decoded = DecodingKey::from_ed_components(&key.x).ok()?;
    let sound = decoded.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == 32);
    sound.then_some((key.kid, decoded))
}
