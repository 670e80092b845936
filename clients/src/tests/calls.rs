//! The upstreams of these tests, and one call of each kind that the gateway makes: of the accounts contract (on the shared
//! runtime), a look-up (batched), and a raw one (where its caller runs).

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use schemas::{Id, SignUp};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::{
    AccountsClient, CallContext, LookupBatcher, LookupMode, Observer, RawAnswer, RawCall, ServiceTokens,
    TransportError, Upstream, UpstreamConfig, UpstreamError, Upstreams,
};

/// The names of the upstreams.
pub(super) const NAMES: [&str; 3] = ["accounts", "catalogue", "orders"];

/// As many ids as one call of the look-ups takes.
const MAX_IDS: usize = 100;

/// Three upstreams. Cloning is cheap and shares connections, limits and batches.
#[derive(Clone)]
pub(super) struct Clients {
    upstreams: Upstreams,
    accounts: AccountsClient,
    shared: LookupBatcher<Arc<Value>>,
    own: LookupBatcher<Arc<Value>>,
}

impl Clients {
    /// As [`Upstreams::new`]; `configs` are named as in [`NAMES`].
    pub(super) fn new(
        runtime: &Handle,
        configs: impl IntoIterator<Item = UpstreamConfig>,
        tokens: &Arc<ServiceTokens>,
        observer: &Observer,
    ) -> Result<Self, TransportError> {
        let upstreams = Upstreams::new(runtime, configs, tokens, observer)?;
        let catalogue = upstreams.get("catalogue").expect("a catalogue");
        Ok(Self {
            accounts: upstreams.accounts("accounts").expect("accounts"),
            shared: items_of(catalogue, true, MAX_IDS),
            own: items_of(catalogue, false, MAX_IDS),
            upstreams,
        })
    }

    pub(super) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    pub(super) fn upstream(&self, name: &str) -> &Upstream {
        self.upstreams.get(name).expect("an upstream of these tests")
    }

    pub(super) fn reload_files(&self) -> Vec<Result<&'static str, TransportError>> {
        self.upstreams.reload_files()
    }

    /// A read of the accounts contract. The profile is an object.
    pub(super) async fn me(&self, cx: &CallContext) -> Result<Value, UpstreamError> {
        let read = |json: &[u8]| Ok(serde_json::from_slice::<serde_json::Map<_, _>>(json)?.into());
        self.accounts.me(cx, read).await
    }

    /// A write of the accounts contract that wants an answer, an object.
    pub(super) async fn sign_up(&self, cx: &CallContext) -> Result<Value, UpstreamError> {
        let input =
            SignUp { email: "a@b.c".to_owned(), username: "ada".to_owned(), password: "pw".to_owned() };
        let read = |json: &[u8]| Ok(serde_json::from_slice::<serde_json::Map<_, _>>(json)?.into());
        self.accounts.sign_up(cx, &input, None, read).await
    }

    /// A write of the accounts contract that wants none.
    pub(super) async fn remove_totp(&self, cx: &CallContext) -> Result<(), UpstreamError> {
        self.accounts.remove_totp(cx, "123456").await
    }

    /// Looks items up for nobody, together with all other callers.
    pub(super) async fn items(
        &self,
        cx: &CallContext,
        ids: Vec<Id>,
    ) -> Result<HashMap<Id, Arc<Value>>, UpstreamError> {
        load(&self.shared, cx, ids).await
    }

    /// Looks items up as the acting user sees them.
    pub(super) async fn own_items(
        &self,
        cx: &CallContext,
        ids: Vec<Id>,
    ) -> Result<HashMap<Id, Arc<Value>>, UpstreamError> {
        load(&self.own, cx, ids).await
    }

    /// A raw read of orders.
    pub(super) async fn order(&self, cx: &CallContext) -> Result<RawAnswer, UpstreamError> {
        self.upstream("orders").call(cx, RawCall::get("order", "/orders/7".to_owned())).await
    }
}

/// Looks up `GET /items?ids=…`, which answers `{"items": [{"id": …}]}`.
pub(super) fn items_of(upstream: &Upstream, shared: bool, max_ids: usize) -> LookupBatcher<Arc<Value>> {
    let name = upstream.name();
    let split = move |body: &Bytes, found: &mut dyn FnMut(&str, Arc<Value>)| {
        let invalid = |error: serde_json::Error| UpstreamError::Body { upstream: name, source: error.into() };
        let answer: HashMap<String, Vec<Value>> = serde_json::from_slice(body).map_err(invalid)?;
        let items = answer.into_iter().find(|(key, _)| key == "items").map(|(_, items)| items);
        for item in items.unwrap_or_default() {
            let id = item["id"].as_str().unwrap_or_default().to_owned();
            found(&id, Arc::new(item));
        }
        Ok(())
    };
    let mode = LookupMode::Many { max_ids, split: Box::new(split) };
    let ask = |_: Option<&Id>, ids: &[Id]| {
        let ids: Vec<&str> = ids.iter().map(Id::as_str).collect();
        Some(RawCall::get("items", format!("/items?ids={}", ids.join(","))))
    };
    LookupBatcher::new(upstream, shared, mode, ask)
}

/// What was found, or the first failure.
async fn load(
    lookup: &LookupBatcher<Arc<Value>>,
    cx: &CallContext,
    ids: Vec<Id>,
) -> Result<HashMap<Id, Arc<Value>>, UpstreamError> {
    let found = lookup.load(cx, &ids).await;
    let named = |(id, item): (Id, Option<_>)| Some((id, item?));
    found.failed.map_or_else(|| Ok(ids.into_iter().zip(found.values).filter_map(named).collect()), Err)
}
