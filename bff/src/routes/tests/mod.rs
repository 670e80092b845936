//! What holds of declared routes, between a plan written here and an upstream on a port of its own.

mod reads;
mod recipe_book;
mod refusals;
mod registers;
mod streams;
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
use http::Method;
use parking_lot::Mutex;
use schemas::Event;
use secrecy::SecretString;
use tokio::runtime::Handle;

use super::{NoJoins, Routes, RoutesParts, serve::Asked};
use crate::{
    compose::{
        plan::{
            Access, CallPlan, GatewayPlan, ParamKind, ParamPlan, ParamSource, ParamValue, PathPiece,
            RefusalPlan, RoutePlan, RouteShape, UpstreamId, Value,
        },
        scan::{Capture, Field, Node, Plan, PlanBuilder, Types},
    },
    edge::RouteName,
    idempotency::{Idempotency, IdempotencyPolicy},
    identity::{Caller, ProfileDocument, ProfileShape, Secrets, SessionPolicy, Sessions},
    invalidation::{InvalidationBus, Invalidations},
    store::{MemoryStore, Store},
};

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
    told: Arc<Mutex<Vec<Event>>>,
    dropped: Arc<Mutex<Vec<String>>>,
    ada: Caller,
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
        let sent: Arc<Mutex<Vec<Recorded>>> = Arc::default();
        let url = upstream(Arc::clone(&sent), Arc::new(answer));
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
        let ada = Caller::of_app(made.await.expect("a session").session);
        let bus = InvalidationBus::new(Arc::<Invalidations>::default(), &store, Arc::default())
            .expect("random bits");
        let (told, dropped) = (Arc::<Mutex<Vec<Event>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let seen = Arc::clone(&dropped);
        bus.changes().subscribe(move |tag| seen.lock().push(tag.as_str().to_owned()));
        let heard = Arc::clone(&told);
        let known = RefusalPlan { status: 409, detail: "It is taken.".into() };
        let plan = GatewayPlan {
            upstreams: ["shop"].into(),
            routes: routes.into_iter().map(Arc::new).collect(),
            refusals: [("taken".into(), known)].into(),
            memories: [Box::from("order_of")].into(),
            card: ["id", "displayName"].map(Box::from).into(),
            ..GatewayPlan::default()
        };
        let parts = RoutesParts {
            plan: Arc::new(plan),
            upstreams: upstreams(&url),
            bus,
            sessions,
            idempotency: Arc::new(Idempotency::new(store, secrets, policy).expect("random bits")),
            joiner: Arc::new(NoJoins),
            accounts: None,
            ask_account: None,
            announce: Box::new(move |event| heard.lock().push(event)),
            memories: Vec::new(),
            runtime: Handle::current(),
        };
        let routes = Routes::new(parts).expect("a plan of this gateway");
        Self { routes, sent, told, dropped, ada }
    }

    /// A request of ada's to `route`, about the id `id`.
    fn asked(&self, route: RoutePlan, id: &str, request: TestRequest) -> Asked {
        let route = Arc::new(route);
        let request: HttpRequest = request.app_data(RouteName(route.name)).to_http_request();
        let cx = CallContext {
            acting: Some(self.ada.user.clone()),
            client: ClientKind::Mobile,
            request_id: "of-a-test".into(),
            traceparent: None,
            deadline: Instant::now() + Duration::from_secs(10),
        };
        let params = [Some(ParamValue::Text(id.into()))].into();
        Asked { request, routes: self.routes.clone(), route, caller: Some(self.ada.clone()), params, cx }
    }

    fn dropped(&self) -> Vec<String> {
        let mut dropped = std::mem::take(&mut *self.dropped.lock());
        dropped.sort_unstable();
        dropped.dedup();
        dropped
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
fn upstream(sent: Arc<Mutex<Vec<Recorded>>>, answer: Answer) -> url::Url {
    let serve = async |request: HttpRequest,
                       body: web::Bytes,
                       state: web::Data<(Arc<Mutex<Vec<Recorded>>>, Answer)>| {
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
        state.1(&recorded)
    };
    let state = web::Data::new((sent, answer));
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

/// `METHOD /api/orders/{id}` → `shop:/orders/{id}`, of an answer that is anything.
fn route(method: Method) -> RoutePlan {
    let id = ParamPlan {
        name: "id".into(),
        source: ParamSource::Path,
        kind: ParamKind::Id,
        default: None,
        compact_default: None,
    };
    let place = Value::Param(crate::compose::plan::ParamId(0));
    let path = [
        PathPiece::Text("/orders/".into()),
        PathPiece::Id { value: place, reserved: ["me"].map(Box::from).into() },
    ];
    RoutePlan {
        name: "/api/orders/{id}",
        path: "/api/orders/{id}".into(),
        method: method.clone(),
        access: Access::SignedIn,
        params: [id].into(),
        call: CallPlan {
            upstream: UpstreamId(0),
            operation: "order",
            method: method.clone(),
            path: path.into(),
            query: [].into(),
            send: [].into(),
            body: None,
            for_nobody: false,
        },
        shape: Some(RouteShape { scan: Plan::untyped(), verbatim: true }),
        status: if method == Method::POST { 201 } else { 200 },
        location: None,
        body: None,
        joins: [].into(),
        expect: [].into(),
        add: [].into(),
        drops_mine: [].into(),
        drops: [].into(),
        announce: None,
        remember: [].into(),
        recall: [].into(),
        idempotent_key: true,
        profile: false,
        if_match: false,
        passes: [].into(),
        stream: None,
    }
}

/// An object with the id `id` at [`ID`].
fn shape_with_id(verbatim: bool) -> RouteShape {
    let mut builder = PlanBuilder::default();
    let id = builder.add(Node { capture: Some(ID), ..Node::of(Types::STRING) });
    let field =
        Field { name: "id".into(), value: id, required: true, kept: true, renamed: None, absent: None };
    let root = builder.add(Node { fields: vec![field], ..Node::of(Types::OBJECT) });
    RouteShape { scan: builder.finish(root, true), verbatim }
}

const ID: Capture = Capture(3);

fn json(status: u16, body: &'static str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).expect("a status");
    HttpResponse::build(status).content_type("application/json").body(body)
}

async fn text(response: HttpResponse) -> String {
    let bytes = to_bytes(response.into_body()).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

const NOTHING: Payload = Payload::None;
