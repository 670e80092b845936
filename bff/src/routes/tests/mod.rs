//! What holds of declared routes, between a plan written here and an upstream on a port of its own.

mod checks;
mod dispatching;
mod files;
mod joins;
mod keys;
mod plans;
mod profiles;
mod reads;
mod refusals;
mod registers;
mod served;
mod streams;
mod wire;
mod writes;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, body::to_bytes, dev::Payload, rt, test::TestRequest, web,
};
use clients::{
    Authorization, CallContext, ClientKind, KeyRing, ServiceTokens, TlsFiles, UpstreamConfig, Upstreams,
};
use parking_lot::Mutex;
use schemas::Event;
use secrecy::SecretString;
use tokio::{runtime::Handle, sync::watch};

use super::{Routes, RoutesParts, asked::Asked, asker::Asker, route::Route};
use crate::{
    compose::{
        backend::{Backend, BackendParts},
        plan::{GatewayPlan, ParamValue, RefusalPlan, RoutePlan},
    },
    edge::RouteName,
    idempotency::{Idempotency, IdempotencyPolicy},
    identity::{
        Accounts, AccountsOffer, Caller, ProfileDocument, ProfileShape, Secrets, SessionPolicy, Sessions,
    },
    invalidation::{InvalidationBus, Invalidations},
    store::{MemoryStore, Store},
};
use dispatching::{Alone, resolve};
use plans::{ID, route, shape_with_id};

/// What the upstream was asked.
#[derive(Debug, Clone)]
struct Recorded {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Recorded {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

type Answer = Arc<dyn Fn(&Recorded) -> HttpResponse + Send + Sync>;

/// Routes before an upstream that answers what a test wants.
struct World {
    routes: Routes,
    sent: Arc<Mutex<Vec<Recorded>>>,
    /// How many calls came.
    calls: watch::Receiver<usize>,
    told: Arc<Mutex<Vec<Event>>>,
    /// How many events were told.
    events: watch::Receiver<usize>,
    dropped: Arc<Mutex<Vec<String>>>,
    ada: Caller,
    /// Of ada's cookie.
    sid: SecretString,
    secrets: Arc<Secrets>,
}

impl World {
    async fn new(answer: impl Fn(&Recorded) -> HttpResponse + Send + Sync + 'static) -> Self {
        Self::serving(Vec::new(), answer).await
    }

    /// With these routes in its plan.
    async fn serving(
        routes: Vec<RoutePlan>,
        answer: impl Fn(&Recorded) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        let routes = routes.into_iter().map(Arc::new).collect();
        Self::of(GatewayPlan { routes, ..plan() }, answer).await
    }

    /// Of a plan.
    async fn of(
        plan: GatewayPlan,
        answer: impl Fn(&Recorded) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        let sent: Arc<Mutex<Vec<Recorded>>> = Arc::default();
        let (came, calls) = watch::channel(0);
        let url = upstream(Arc::clone(&sent), came, Arc::new(answer));
        Self::before(plan, &url, sent, calls).await
    }

    /// Of a plan, before an upstream at `url` that writes down what it is `sent`.
    async fn before(
        plan: GatewayPlan,
        url: &url::Url,
        sent: Arc<Mutex<Vec<Recorded>>>,
        calls: watch::Receiver<usize>,
    ) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let secrets = Arc::new(Secrets::new(vec![SecretString::from("secret")]));
        let policy = IdempotencyPolicy {
            in_flight: Duration::from_secs(60),
            anonymous_keys: 3,
            anonymous_window: Duration::from_secs(3600),
        };
        let sessions =
            Sessions::new(Arc::clone(&store), SessionPolicy::default(), Handle::current(), Arc::default());
        let ada = member("ada");
        let made = sessions.create(&ada, "Firefox", "203.0.113.0/24", crate::telemetry::unix_ms());
        let made = made.await.expect("a session");
        let (sid, ada) = (made.id, Caller::of_app(made.session));
        let bus = InvalidationBus::new(Arc::<Invalidations>::default(), &store, Arc::default())
            .expect("random bits");
        let (told, dropped) = (Arc::<Mutex<Vec<Event>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let seen = Arc::clone(&dropped);
        bus.changes().subscribe(move |tag| seen.lock().push(tag.as_str().to_owned()));
        let (heard, (tell, events)) = (Arc::clone(&told), watch::channel(0));
        let upstreams = upstreams(url);
        let accounts = plan.accounts.and_then(|id| upstreams.accounts(plan.upstreams[id.index()]));
        let backend = Backend::new(BackendParts {
            plan: Arc::new(plan),
            upstreams,
            invalidations: Arc::clone(bus.invalidations()),
            metrics: Arc::default(),
            shared_bytes: 1024 * 1024,
            shared_fresh: Duration::from_secs(60),
            own_account: Box::new(|_, ask| ask()),
        });
        let parts = RoutesParts {
            backend: backend.expect("a plan of this gateway"),
            bus,
            sessions,
            idempotency: Arc::new(
                Idempotency::new(store, Arc::clone(&secrets), policy).expect("random bits"),
            ),
            accounts: accounts
                .map(|client| Accounts::new(client, ProfileShape::open(), AccountsOffer::whole())),
            ask_account: None,
            check_file: Box::new(|user, key, picture| {
                let known = key == format!("{user}-picture") || (!picture && key == format!("{user}-text"));
                Box::pin(std::future::ready(Ok(known)))
            }),
            announce: Box::new(move |event| {
                heard.lock().push(event);
                tell.send_modify(|count| *count += 1);
            }),
            runtime: Handle::current(),
        };
        let routes = Routes::new(parts).expect("a plan of this gateway");
        Self { routes, sent, calls, told, events, dropped, ada, sid, secrets }
    }

    /// Waits until the upstream was called `count` times.
    async fn called(&self, count: usize) {
        self.calls.clone().wait_for(|calls| *calls >= count).await.expect("an upstream");
    }

    /// Waits until `count` events were told.
    async fn heard(&self, count: usize) {
        self.events.clone().wait_for(|events| *events >= count).await.expect("routes");
    }

    /// A request of ada's to `route`, about the id `id`.
    fn asked(&self, route: RoutePlan, id: &str, request: TestRequest) -> Asked {
        let lookups = &self.routes.backend.plan().lookups;
        let route = Arc::new(Route::new(Arc::new(route), lookups).expect("a plan of this gateway"));
        let request: HttpRequest = request.app_data(RouteName(route.name)).to_http_request();
        let cx = CallContext {
            acting: Some(self.ada.user.clone()),
            client: ClientKind::Mobile,
            request_id: "of-a-test".into(),
            traceparent: None,
            deadline: Instant::now() + Duration::from_secs(10),
        };
        let params = [Some(ParamValue::Text(id.into()))].into();
        let asker = Asker::new(Some(self.ada.clone()), &route, &self.routes.backend.plan().card);
        Asked { request, routes: self.routes.clone(), route, asker, params, cx }
    }

    fn dropped(&self) -> Vec<String> {
        let mut dropped = std::mem::take(&mut *self.dropped.lock());
        dropped.sort_unstable();
        dropped.dedup();
        dropped
    }
}

/// Of a gateway with one upstream and no routes.
fn plan() -> GatewayPlan {
    let known = RefusalPlan { status: 409, detail: "It is taken.".into() };
    GatewayPlan {
        upstreams: ["shop"].into(),
        refusals: [("taken".into(), known)].into(),
        memories: [Box::from("order_of")].into(),
        card: ["id", "displayName"].map(Box::from).into(),
        ..GatewayPlan::default()
    }
}

fn member(id: &str) -> Arc<ProfileDocument> {
    let member = serde_json::json!({
        "id": id, "username": id, "displayName": "밥 Ada", "avatarUrl": null, "bio": null,
        "createdAt": "2026-01-02T03:04:05Z", "email": "ada@example.org", "totpEnabled": true
    });
    Arc::new(ProfileShape::open().read(member.to_string().as_bytes()).expect("a profile"))
}

/// An upstream on a port of its own, for as long as the test runs.
fn upstream(sent: Arc<Mutex<Vec<Recorded>>>, came: watch::Sender<usize>, answer: Answer) -> url::Url {
    type State = (Arc<Mutex<Vec<Recorded>>>, watch::Sender<usize>, Answer);
    let serve = async |request: HttpRequest, body: web::Bytes, state: web::Data<State>| {
        let header =
            |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
                (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
            };
        let recorded = Recorded {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            headers: request.headers().iter().map(header).collect(),
            body: body.to_vec(),
        };
        state.0.lock().push(recorded.clone());
        state.1.send_modify(|count| *count += 1);
        state.2(&recorded)
    };
    let state = web::Data::new((sent, came, answer));
    let server = HttpServer::new(move || {
        let limit = web::PayloadConfig::new(1 << 30);
        App::new().app_data(state.clone()).app_data(limit).default_service(web::to(serve))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
    let address = server.addrs()[0];
    rt::spawn(server.run());
    url::Url::parse(&format!("http://{address}")).expect("a url")
}

fn upstreams(url: &url::Url) -> Upstreams {
    let config = UpstreamConfig {
        name: "shop",
        url: url.clone(),
        audience: "shop".to_owned(),
        authorization: Authorization::None,
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(5),
        idle: Duration::from_secs(60),
        max_response_bytes: 1024 * 1024,
        max_concurrent: 64,
        queue: 64,
        etag_cache_bytes: 0,
        workers: 1,
        tls: TlsFiles::default(),
    };
    let dir = tempfile::tempdir().expect("a folder");
    KeyRing::generate_in(dir.path()).expect("a key");
    let tokens =
        ServiceTokens::new(Arc::new(KeyRing::load(dir.path()).expect("keys")), "https://bff.test".into());
    let observer: clients::Observer = Arc::new(|_| ());
    Upstreams::new(&Handle::current(), [config], &Arc::new(tokens), &observer).expect("upstreams")
}

fn json(status: u16, body: &'static str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).content_type("application/json").body(body)
}

async fn text(response: HttpResponse) -> String {
    let bytes = to_bytes(response.into_body()).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

const NOTHING: Payload = Payload::None;
