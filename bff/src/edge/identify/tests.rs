//! How often a request is looked up: once, whoever asks for its caller behind the stage.

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::Payload,
    http::Method,
    middleware::from_fn,
    test::{TestRequest, call_service, init_service, read_body},
    web,
};
use arc_swap::ArcSwap;
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;

use crate::{
    edge::{
        ApiError, Callers, Dispatched, Edge, EdgeParts, Identify, MaybeSignedIn, RateLimits, Reply, Resolve,
        SignedIn, SignedInUntouched, Table, TrustedProxies, gate, limit,
    },
    identity::{
        AllowedOrigins, AppTokens, CookieSettings, CsrfGuard, CsrfKeys, Limit, LimitPolicy, Limits,
        NewSession, SameSite, Secrets, SessionPolicy, Sessions, TrialStore, member, trial_tokens,
    },
    telemetry::{AccessLog, AccessSettings, LineFormat, Metrics, Sink, UserHasher, unix_ms},
};

struct Bench {
    store: Arc<TrialStore>,
    sessions: Sessions,
    tokens: AppTokens,
    edge: Edge,
}

fn cookie(name: &str) -> CookieSettings {
    CookieSettings {
        name: name.into(),
        domain: None,
        path: "/".into(),
        secure: false,
        same_site: SameSite::Lax,
        http_only: true,
    }
}

async fn bench(per_address: u32) -> Bench {
    let store = TrialStore::new().await;
    let metrics: Arc<Metrics> = Arc::default();
    let policy = SessionPolicy::default();
    let sessions = Sessions::new(store.clone(), policy, Handle::current(), Arc::clone(&metrics));
    let secrets = Arc::new(Secrets::new(vec![SecretString::from("secret")]));
    let tokens = trial_tokens(&sessions, &secrets);
    let limit = |burst| Limit { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(burst).expect("not 0") };
    let limits = LimitPolicy { anonymous: limit(per_address), user: limit(100), caller: limit(100) };
    let limits = Limits::new(limits, None, Arc::clone(&metrics), &Handle::current());
    let access = AccessSettings { format: LineFormat::Json, enabled: false, sample: 1 };
    let nobody = Arc::<AllowedOrigins>::default;
    let edge = Edge::new(EdgeParts {
        sessions: sessions.clone(),
        csrf: CsrfGuard::new(Arc::new(CsrfKeys::new(secrets)), nobody(), nobody(), false),
        tokens: tokens.clone(),
        cookie: cookie("sid"),
        refresh_cookie: cookie("rt"),
        clear_site_data: None,
        metrics,
        access: AccessLog::new(access, Sink::nowhere()),
        users: UserHasher::new(&[1; 32]),
        callers: Callers::default(),
        trusted_proxies: TrustedProxies::default(),
        limits: Some(RateLimits::new(limits)),
        body_limit: 1024,
        body_timeout: Duration::from_secs(1),
        hsts: false,
    });
    Bench { store, sessions, tokens, edge }
}

/// Whatever is in no table.
#[derive(Default)]
struct Files(Table<()>);

impl Dispatched for Files {
    type Handler = ();

    fn table(&self) -> &Table<()> {
        &self.0
    }

    fn answer(&self, (): &(), _: HttpRequest, _: Payload) -> Reply {
        unreachable!("the table is empty")
    }
}

fn is_file(method: &Method, path: &str) -> bool {
    *method == Method::GET && path == "/static"
}

/// A handler that asks in every way there is.
async fn greedy(
    one: SignedIn,
    two: MaybeSignedIn,
    three: SignedInUntouched,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let four = SignedIn::of(&request)?;
    let user = &one.caller().user;
    let same = [three.0.caller(), four.caller()].iter().all(|caller| caller.user == *user);
    assert!(same && two.0.is_some_and(|two| two.caller().user == *user));
    Ok(HttpResponse::Ok().body(user.to_string()))
}

impl Bench {
    /// The status of the answer, how often memory was asked, and how often the store.
    async fn ask(&self, path: &str, header: (&str, &str)) -> (u16, u64, usize) {
        let (status, _, asked, reads) = self.answer(path, header).await;
        (status, asked, reads)
    }

    /// Whom a request with `cookies` is from, and how often the store was asked.
    async fn who(&self, cookies: &str) -> (String, usize) {
        let (_, body, _, reads) = self.answer("/mine", ("cookie", cookies)).await;
        (body, reads)
    }

    async fn answer(&self, path: &str, header: (&str, &str)) -> (u16, String, u64, usize) {
        let app = App::new()
            .app_data(web::Data::new(self.edge.clone()))
            .wrap(from_fn(limit))
            .wrap(Identify)
            .wrap(Resolve {
                served: Arc::new(ArcSwap::from_pointee(Files::default())),
                beside: Some(is_file),
            })
            .wrap(from_fn(gate))
            .route("/mine", web::get().to(greedy))
            .route("/open", web::get().to(|| async { "open" }))
            .route("/static", web::get().to(|| async { "static" }));
        let app = init_service(app).await;
        let before = (self.sessions.near_asked(), self.store.gets.load(Ordering::SeqCst));
        let request = TestRequest::get().uri(path).insert_header(header);
        let request = request.peer_addr(([192, 0, 2, 1], 1).into()).to_request();
        let response = call_service(&app, request).await;
        let status = response.status();
        let body = String::from_utf8(read_body(response).await.to_vec()).expect("text");
        let after = (self.sessions.near_asked(), self.store.gets.load(Ordering::SeqCst));
        (status.as_u16(), body, after.0 - before.0, after.1 - before.1)
    }
}

#[actix_web::test]
async fn a_caller_is_looked_up_once_whatever_asks_for_them() {
    let bench = bench(100).await;
    let new = bench.sessions.create(&member("ada"), "", "", unix_ms()).await.expect("a session");
    let sid = format!("theme=dark; sid={}; other=1", new.id.expose_secret());
    let pair = bench.tokens.issue(&member("ada"), "", "", false, unix_ms()).await.expect("tokens");
    let bearer = format!("Bearer {}", pair.access_token.expose_secret());
    let (by_cookie, by_token) = (("cookie", sid.as_str()), ("authorization", bearer.as_str()));
    assert_eq!(bench.ask("/mine", by_cookie).await, (200, 1, 0));
    assert_eq!(bench.ask("/open", by_cookie).await, (200, 1, 0));
    assert_eq!(bench.ask("/static", by_cookie).await, (200, 0, 0), "the same for every caller");
    // The first time its signature is verified, and the record is read.
    assert_eq!(bench.ask("/mine", by_token).await, (200, 0, 1));
    assert_eq!(bench.ask("/mine", by_token).await, (200, 1, 0));
    bench.sessions.forget(&new.session.key);
    assert_eq!(bench.ask("/mine", by_cookie).await, (200, 1, 1), "the store is asked once");
    assert_eq!(bench.ask("/mine", by_cookie).await, (200, 1, 0));
    assert_eq!(bench.ask("/mine", ("accept", "*/*")).await, (401, 0, 0));
}

#[actix_web::test]
async fn a_store_that_is_away_is_asked_once_and_fails_those_who_need_a_caller() {
    let bench = bench(100).await;
    bench.store.is_away(true);
    let unknown = format!("sid={}", "A".repeat(43));
    assert_eq!(bench.ask("/mine", ("cookie", &unknown)).await, (503, 1, 1));
    assert_eq!(bench.ask("/open", ("cookie", &unknown)).await, (200, 1, 1));
}

#[actix_web::test]
async fn invented_credentials_ask_the_store_no_more_often_than_their_address_may() {
    let bench = bench(2).await;
    for (letter, status, reads) in [("A", 401, 1), ("B", 401, 1), ("C", 429, 0), ("D", 429, 0)] {
        let unknown = format!("sid={}", letter.repeat(43));
        assert_eq!(bench.ask("/mine", ("cookie", &unknown)).await, (status, 1, reads));
    }
}

/// A dead session's id, and the ids of two live sessions.
async fn three(bench: &Bench) -> [NewSession; 3] {
    let mut made = Vec::new();
    for user in ["eve", "ada", "bo"] {
        made.push(bench.sessions.create(&member(user), "", "", unix_ms()).await.expect("a session"));
    }
    let made: [NewSession; 3] = made.try_into().expect("three");
    bench.sessions.end(&made[0].session.key).await.expect("the store answers");
    made
}

fn cookies(sessions: [&NewSession; 2]) -> String {
    sessions.map(|session| format!("sid={}", session.id.expose_secret())).join("; ")
}

#[actix_web::test]
async fn of_two_live_sessions_the_first_in_the_header_counts_wherever_it_is() {
    let bench = bench(100).await;
    let [_, ada, bo] = three(&bench).await;
    for (first, second, name) in [(&ada, &bo, "ada"), (&bo, &ada, "bo")] {
        for alone in [first, second] {
            bench.who(&format!("sid={}", alone.id.expose_secret())).await;
        }
        let sent = cookies([first, second]);
        assert_eq!(bench.who(&sent).await, (name.to_owned(), 0), "both in memory");
        bench.sessions.forget(&first.session.key);
        assert_eq!(bench.who(&sent).await, (name.to_owned(), 1), "the first in the store alone");
        assert_eq!(bench.who(&sent).await, (name.to_owned(), 0));
        bench.sessions.forget(&second.session.key);
        assert_eq!(bench.who(&sent).await, (name.to_owned(), 0), "the second one is never asked for");
    }
    // Whether the first is live is unknown: the second one must not pass for it.
    bench.sessions.forget(&ada.session.key);
    bench.sessions.forget(&bo.session.key);
    assert_eq!(bench.who(&cookies([&bo, &ada])).await.0, "bo");
    bench.store.is_away(true);
    assert_eq!(bench.ask("/mine", ("cookie", &cookies([&ada, &bo]))).await, (503, 1, 1));
}

#[actix_web::test]
async fn a_dead_cookie_that_is_left_over_costs_one_read_of_the_store() {
    // Its address has one request left, which is given back of a caller who is signed in.
    let bench = bench(1).await;
    let [dead, ada, bo] = three(&bench).await;
    assert_eq!(bench.who(&cookies([&ada, &dead])).await, ("ada".to_owned(), 0), "not looked at");
    let sent = cookies([&dead, &ada]);
    for reads in [1, 0, 0] {
        assert_eq!(bench.who(&sent).await, ("ada".to_owned(), reads));
    }
    assert_eq!(bench.who(&cookies([&dead, &bo])).await, ("bo".to_owned(), 0), "known to be dead");
    bench.sessions.forget(&ada.session.key);
    assert_eq!(bench.who(&sent).await, ("ada".to_owned(), 1), "for the live one alone");
    bench.store.is_away(true);
    assert_eq!(bench.who(&sent).await, ("ada".to_owned(), 0), "an outage signs nobody out");
    assert_eq!(bench.ask("/mine", ("cookie", &cookies([&dead, &dead]))).await, (401, 1, 0));
}
