//! The clients against real HTTP servers on port 0.

mod accounts;
mod batching;
mod calls;
mod closing;
mod faults;
mod kept;
mod lookups;
mod oidc;
mod raw;
mod server;
mod streams;
mod tls;
mod transport;
mod webhook;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use schemas::{Id, ServiceClaims};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use url::Url;

use crate::{
    Authorization, CallContext, ClientKind, KeyRing, Observer, ServiceTokens, TlsFiles, UpstreamConfig,
    UpstreamError,
};
use calls::Clients;
use server::{Recorded, Reply, Server};

/// Clients whose three upstreams are one server.
struct Fixture {
    server: Server,
    clients: Clients,
    reports: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
    /// For each call, whether its answer still held.
    not_modified: Arc<Mutex<Vec<bool>>>,
    /// Calls that were sent a second time.
    retried: Arc<AtomicUsize>,
}

impl Fixture {
    async fn new(handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(|_| (), handler).await
    }

    /// `adjust` changes the configuration of all three upstreams.
    async fn with(
        adjust: impl Fn(&mut UpstreamConfig),
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = Server::start(handler).await;
        let (reports, not_modified) = (Arc::default(), Arc::default());
        let kept = (Arc::clone(&reports), Arc::clone(&not_modified));
        let retried = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&retried);
        let observer: Observer = Arc::new(move |report| {
            let (reports, not_modified): &(Arc<Mutex<Vec<_>>>, Arc<Mutex<Vec<bool>>>) = &kept;
            reports.lock().push((report.operation, report.outcome));
            not_modified.lock().push(report.not_modified);
            count.fetch_add(report.retried.into(), Ordering::Relaxed);
        });
        let clients = clients_at(&server.url, adjust, observer, Handle::current());
        Self { server, clients, reports, not_modified, retried }
    }

    fn only_request(&self) -> Recorded {
        let mut requests = self.server.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

fn config_at(url: &Url, name: &'static str) -> UpstreamConfig {
    UpstreamConfig {
        name,
        url: url.clone(),
        audience: format!("{name}-service"),
        authorization: Authorization::ServiceToken,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(1),
        idle: Duration::from_secs(60),
        max_response_bytes: 1024 * 1024,
        max_concurrent: 64,
        queue: 64,
        etag_cache_bytes: 1024 * 1024,
        workers: 2,
        tls: TlsFiles::default(),
    }
}

fn clients_at(
    url: &Url,
    adjust: impl Fn(&mut UpstreamConfig),
    observer: Observer,
    runtime: Handle,
) -> Clients {
    let config = |name: &'static str| {
        let mut config = config_at(url, name);
        adjust(&mut config);
        config
    };
    let dir = tempfile::tempdir().expect("a folder");
    KeyRing::generate_in(dir.path()).expect("a key");
    let ring = Arc::new(KeyRing::load(dir.path()).expect("keys"));
    let tokens = Arc::new(ServiceTokens::new(ring, "https://bff.test".to_owned()));
    let configs = calls::NAMES.map(config);
    Clients::new(&runtime, configs, &tokens, &observer).expect("clients")
}

/// For clients whose calls nobody counts.
fn unheard() -> Observer {
    Arc::new(|_| ())
}

fn id(text: &str) -> Id {
    Id::new(text).expect("an id")
}

fn ids(texts: &[&str]) -> Vec<Id> {
    texts.iter().map(|text| id(text)).collect()
}

/// Ada's, with five seconds left.
fn cx() -> CallContext {
    CallContext {
        acting: Some(id("ada")),
        client: ClientKind::Web,
        request_id: "req-1".into(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        deadline: Instant::now() + Duration::from_secs(5),
    }
}

fn item(id: &str) -> Value {
    json!({"id": id, "name": id, "price": 62000, "photoUrl": null})
}

fn me(id: &str) -> Value {
    json!({
        "id": id, "username": id, "displayName": id, "avatarUrl": null, "bio": "hi",
        "createdAt": "2026-11-20T09:30:00Z", "email": "ada@example.org", "totpEnabled": false,
    })
}

fn ok(body: &Value) -> Reply {
    Reply::Json(200, body.to_string())
}

/// Answers `?ids=` with `make` of each id.
fn items_for(request: &Recorded, make: impl Fn(&str) -> Value) -> Reply {
    let (_, ids) = request.target.split_once("?ids=").expect("ids");
    ok(&json!({"items": ids.split(',').map(make).collect::<Vec<_>>()}))
}

/// The claims of the service token that came with `request`, unverified.
fn claims(request: &Recorded) -> ServiceClaims {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    jsonwebtoken::dangerous::insecure_decode(token.expect("a token")).expect("a JWT").claims
}

/// Asserts method, target and JSON body (empty: none) of the only request.
#[track_caller]
fn assert_sent(request: &Recorded, method: &str, target: &str, body: &str) {
    assert_eq!((request.method.as_str(), request.target.as_str()), (method, target));
    let kind = (!body.is_empty()).then_some("application/json");
    assert_eq!((request.body.as_str(), request.header("content-type")), (body, kind));
}

fn outcome<T>(result: &Result<T, UpstreamError>) -> &'static str {
    result.as_ref().err().map_or("ok", UpstreamError::outcome)
}
