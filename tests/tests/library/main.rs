//! The gateway as a library: a program of one's own with a screen in Rust and an operation of its own, beside a declared
//! screen. What the engine does for declared ones, it does for these.

mod budget;

use bff::{
    Config, Declarations, Gateway,
    edge::{Access, Operation, SignedIn},
};
use budget::Budget;
use serde_json::{Value, json};
use tests::{Product, Proxy, Reply, Stub};
use tokio::sync::oneshot;

const SCREEN: &str = r#"
path = "/bff/shelves/{id}"
access = "open"

[params]
id = { in = "path", type = "id" }

[parts.shelf]
get = "shelf:/shelves/{id}"
required = true
subject = true
"#;

async fn greet(caller: SignedIn) -> String {
    format!("Hello, {}!", caller.caller().user)
}

/// A running program, and the upstream behind it.
struct Program {
    url: String,
    internal: String,
    shelf: Proxy,
    http: reqwest::Client,
}

impl Program {
    async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).send().await.expect("an answer")
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a caller, not the gateway's way to its upstreams")]
fn http_client() -> reqwest::Client {
    reqwest::Client::new()
}

/// Starts the program over a shelf with two books, calls `check`, and stops it.
async fn with_program(check: impl AsyncFnOnce(&Program)) {
    let shelf = Stub::new();
    shelf.json("GET /shelves/s1", &json!({ "id": "s1", "name": "Novels" }));
    shelf.json(
        "GET /shelves/s1/books",
        &json!({ "items": [{ "title": "Persuasion", "price": 1300 }, { "title": "Emma", "price": 900 }] }),
    );
    shelf.json("GET /shelves/s1/limit", &json!({ "limit": 5000 }));
    shelf.on("GET /shelves/s2/limit", Reply::status(500));
    shelf.json("GET /shelves/s2/books", &json!({ "items": [] }));
    let shelf = shelf.start().await;
    let product = Product::over_shelf().screen("shelf", SCREEN);
    let folder = tempfile::tempdir().expect("a folder");
    let environment = [
        ("BFF__HTTP__LISTEN", "127.0.0.1:0".to_owned()),
        ("BFF__INTERNAL__LISTEN", "127.0.0.1:0".to_owned()),
        ("BFF__STORE__URL", "memory:".to_owned()),
        ("BFF__KEYS__DIR", folder.path().join("keys").display().to_string()),
        ("BFF__UPSTREAMS__SHELF__URL", shelf.url()),
        ("BFF__SCREENS__BUDGET__FRESH_MS", "600000".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.into(), value.into()));
    let config = Config::load(None, environment).expect("sound settings");
    let declarations = Declarations::from_dir(product.dir()).expect("sound declarations");
    let gateway = Gateway::builder(config)
        .declarations(declarations)
        .screen::<Budget>()
        .routes(|routes| {
            let greeting = Operation::get("/api/greeting", "greet");
            routes.serve(greeting.is("greetings", Access::SignedIn, "Say hello"), greet);
        })
        .build()
        .await
        .expect("a gateway");
    let program = Program {
        url: format!("http://{}", gateway.http_address()),
        internal: format!("http://{}", gateway.internal_address()),
        shelf,
        http: http_client(),
    };
    let (stop, told) = oneshot::channel::<()>();
    let checked = async {
        check(&program).await;
        drop(stop);
    };
    let served = gateway.run_until(
        async {
            // Told, or nobody is left to tell.
            let _ = told.await;
        },
        std::future::pending(),
    );
    let ((), served) = futures_util::future::join(checked, served).await;
    served.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_in_rust_is_cached_described_and_measured_as_declared_ones_are() {
    with_program(async |program| {
        let first = program.get("/bff/shelves/s1/budget").await;
        assert_eq!(first.status(), 200);
        let etag = header(&first, "etag").to_owned();
        assert_eq!(
            first.json::<Value>().await.expect("JSON"),
            json!({ "total": 2200, "cheapest": "Emma", "limit": 5000, "degraded": [] })
        );
        let calls = program.shelf.requests().len();
        let again = program.get("/bff/shelves/s1/budget").await;
        assert!(header(&again, "cache-status").starts_with("bff; hit"), "{:?}", again.headers());
        assert_eq!((header(&again, "etag"), program.shelf.requests().len()), (&*etag, calls));
        let known = program.http.get(format!("{}/bff/shelves/s1/budget", program.url));
        let known = known.header("if-none-match", &etag).send().await.expect("an answer");
        assert_eq!(known.status(), 304);
        let compact = program.json("/bff/shelves/s1/budget?view=compact").await;
        assert_eq!(compact, json!({ "total": 2200, "limit": 5000, "degraded": [] }));
        let without = program.json("/bff/shelves/s2/budget").await;
        assert_eq!(
            without["degraded"],
            json!([{ "part": "limit", "status": "missing", "reason": "unavailable" }])
        );
        let metrics = program.http.get(format!("{}/metrics", program.internal));
        let metrics = metrics.send().await.expect("metrics").text().await.expect("text");
        assert!(metrics.contains("/bff/shelves/{id}/budget"), "its requests are counted under its path");
        assert_eq!(program.get("/bff/shelves/no%20id/budget").await.status(), 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_of_ones_own_has_its_proof_of_who_calls_its_methods_and_its_description() {
    with_program(async |program| {
        let nobody = program.get("/api/greeting").await;
        assert_eq!(nobody.status(), 401);
        assert_eq!(header(&nobody, "content-type"), "application/problem+json");
        let other =
            program.http.post(format!("{}/api/greeting", program.url)).send().await.expect("an answer");
        assert_eq!((other.status().as_u16(), header(&other, "allow")), (405, "GET, HEAD"));
        let contract = program.json("/openapi.json").await;
        for (path, id) in [
            ("/api/greeting", "greet"),
            ("/bff/shelves/{id}/budget", "budget"),
            ("/bff/shelves/{id}", "shelf"),
        ] {
            assert_eq!(contract["paths"][path]["get"]["operationId"], id, "{path}");
        }
        assert!(contract["paths"]["/api/greeting"]["get"]["responses"]["401"].is_object());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_screen_is_served_beside_them() {
    with_program(async |program| {
        let shelf = program.json("/bff/shelves/s1").await;
        assert_eq!(shelf["shelf"], json!({ "id": "s1", "name": "Novels" }));
    })
    .await;
}
