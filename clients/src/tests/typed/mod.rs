//! Clients in types, as a service of one's own would have them: what the transport and the batches are tested with.

mod profile;
mod recipe;
mod timeline;

mod query;

use std::{hash::Hash, sync::Arc};

use http::StatusCode;
use schemas::Id;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;

use crate::{
    BodyFault, CallContext, Observer, ServiceTokens, TransportError, Upstream, UpstreamConfig, UpstreamError,
    Upstreams, batch::Batcher, transport::Call,
};

use query::Query;

pub(crate) use profile::ProfileClient;
pub(crate) use recipe::{RecipeClient, RecipeQuery, RecipeSort};
pub(crate) use timeline::TimelineClient;

/// The upstreams, and the typed clients of the three that the recipe book has. Cloning is cheap and shares
/// connections, limits and batches.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) profile: ProfileClient,
    pub(crate) timeline: TimelineClient,
    pub(crate) recipe: RecipeClient,
    upstreams: Upstreams,
}

impl Clients {
    /// As [`Upstreams::new`].
    ///
    /// # Errors
    /// As there, and [`TransportError::Missing`] when `profile`, `timeline` or `recipe` is not among them.
    pub(crate) fn new(
        runtime: &Handle,
        configs: impl IntoIterator<Item = UpstreamConfig>,
        tokens: &Arc<ServiceTokens>,
        observer: &Observer,
    ) -> Result<Self, TransportError> {
        let upstreams = Upstreams::new(runtime, configs, tokens, observer)?;
        Self::of(upstreams).ok_or(TransportError::Missing { upstream: "profile" })
    }

    /// The typed clients of `upstreams`. Nothing where one of the three is not among them.
    #[must_use]
    pub(crate) fn of(upstreams: Upstreams) -> Option<Self> {
        let named = |name| upstreams.get(name).cloned();
        Some(Self {
            profile: ProfileClient::new(named("profile")?),
            timeline: TimelineClient::new(named("timeline")?),
            recipe: RecipeClient::new(named("recipe")?),
            upstreams,
        })
    }

    /// All upstreams.
    #[must_use]
    pub(crate) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The upstream of this name.
    #[must_use]
    pub(crate) fn upstream(&self, name: &str) -> Option<&Upstream> {
        self.upstreams.get(name)
    }

    /// As [`Upstreams::reload_files`].
    #[must_use]
    pub(crate) fn reload_files(&self) -> Vec<Result<&'static str, TransportError>> {
        self.upstreams.reload_files()
    }
}

/// Whether `id` can stand in a path without becoming another one: 404 without a call for one of the `words` of the
/// service's own paths.
fn reject_reserved_id(upstream: &Upstream, id: &Id, words: &[&str]) -> Result<(), UpstreamError> {
    let status = StatusCode::NOT_FOUND;
    let unknown = UpstreamError::Status { upstream: upstream.name(), status, problem: None };
    if words.contains(&id.as_str()) { Err(unknown) } else { Ok(()) }
}

/// Asks for JSON that has to be about what was asked for.
async fn fetch_matching<T, F>(
    upstream: &Upstream,
    cx: &CallContext,
    call: Call,
    matches: F,
) -> Result<T, UpstreamError>
where
    T: DeserializeOwned + Send + 'static,
    F: FnOnce(&T) -> bool + Send + 'static,
{
    let read = |body: &[u8]| {
        let value = serde_json::from_slice(body)?;
        if matches(&value) { Ok(value) } else { Err(BodyFault::Mismatch) }
    };
    upstream.fetch_read(cx, call, read).await
}

/// Forgets `id` when it is dropped: at the end of a write, also of one that was given up.
struct ForgetOnDrop<'a, K, V>(&'a Batcher<K, V>, &'a str)
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static;

impl<K, V> Drop for ForgetOnDrop<'_, K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}
