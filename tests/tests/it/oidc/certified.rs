//! A certified provider (npm's `oidc-provider`) with its own pages: by plain HTTP, and in Chromium.

use std::{collections::BTreeMap, path::Path};

use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Builder, Program, Proxy, TestBff, figures,
    leak_canaries::{Secret, plant},
    soon,
};
use tokio::process::Command;
use url::Url;

/// The provider, and a page on an origin of its own.
pub(super) struct Provider {
    pub(super) issuer: String,
    page: String,
    secret: String,
    _program: Program,
}

impl Provider {
    /// `gateway`: where browsers reach it.
    pub(super) async fn start(gateway: &str) -> Self {
        let mut program = Program::start(node("provider.mjs", gateway));
        let line = soon("the provider", program.line("listening ")).await;
        let told: Value = serde_json::from_str(line.trim_start_matches("listening ")).expect("JSON");
        let text = |name: &str| told[name].as_str().expect("a text").to_owned();
        Self { issuer: text("issuer"), page: text("app"), secret: text("secret"), _program: program }
    }

    /// A gateway that knows it.
    pub(super) fn builder(&self, gateway: &str) -> Builder {
        TestBff::builder()
            .set("http.public_url", gateway)
            .set("oidc.certified.issuer", &self.issuer)
            .set("oidc.certified.client_id", "bff")
            .set("oidc.certified.client_secret", &self.secret)
    }
}

/// The provider, a front-end on an origin of its own, and a gateway that knows both.
struct Certified {
    provider: Provider,
    /// Where browsers reach the gateway: its address had to be known before it was there.
    front: Proxy,
    bff: TestBff,
}

fn node(script: &str, argument: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    assert!(
        folder.join("node_modules").exists(),
        "`npm ci` in tests/browser brings what the provider is made of"
    );
    let mut command = Command::new("node");
    // By its whole path: so it is found where something is left behind.
    command.arg(folder.join(script)).arg(argument);
    command
}

impl Certified {
    async fn start() -> Self {
        let front = Proxy::listen().await.expect("a port");
        let provider = Provider::start(&front.url()).await;
        let bff = provider.builder(&front.url()).set("cors.allowed_origins", &provider.page).spawn().await;
        let address = bff.url().trim_start_matches("http://").parse().expect("an address");
        front.forward_to(address);
        Self { provider, front, bff }
    }

    fn login(&self, return_to: &str) -> Url {
        let url = format!("{}/auth/oidc/certified/login", self.front.url());
        Url::parse_with_params(&url, [("returnTo", return_to)]).expect("a URL")
    }
}

/// A browser without pages: keeps cookies for each host, and follows redirects one by one.
struct Browser {
    http: reqwest::Client,
    jar: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Browser {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a caller of the gateway, not the gateway")]
        let builder = reqwest::Client::builder();
        let none = reqwest::redirect::Policy::none();
        let http = builder.no_proxy().redirect(none).build().expect("a client");
        Self { http, jar: Mutex::default() }
    }

    /// The answer's status and text, and where it sends the browser.
    async fn ask(&self, method: Method, url: &Url, form: &[(&str, &str)]) -> (u16, String, Option<Url>) {
        let host = url.authority().to_owned();
        let cookies = self.jar.lock().get(&host).map(|held| {
            held.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
        });
        let mut request = self.http.request(method, url.clone());
        if let Some(cookies) = cookies {
            request = request.header("cookie", cookies);
        }
        if !form.is_empty() {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.expect("an answer");
        for line in response.headers().get_all("set-cookie") {
            let pair = line.to_str().expect("a cookie").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            plant(Secret::SessionCookie, value);
            let mut jar = self.jar.lock();
            let held = jar.entry(host.clone()).or_default();
            if value.is_empty() {
                held.remove(name)
            } else {
                held.insert(name.to_owned(), value.to_owned())
            };
        }
        let status = response.status().as_u16();
        let there = response.headers().get("location").map(|there| there.to_str().expect("a URL"));
        let there = there.map(|there| url.join(there).expect("a URL"));
        (status, response.text().await.expect("a text"), there)
    }

    /// Follows redirects to a page, or to a place on `until`'s path, which is not asked for.
    async fn walk(&self, from: Url, until: &str) -> (Url, String) {
        let mut next = from;
        loop {
            if next.path() == until {
                return (next, String::new());
            }
            let (status, text, there) = self.ask(Method::GET, &next, &[]).await;
            match there {
                Some(there) => next = there,
                None => {
                    assert_eq!(status, 200, "{next}: {text}");
                    return (next, text);
                }
            }
        }
    }

    /// Sends the form on a page of the provider's.
    async fn submit(&self, page: &str, form: &[(&str, &str)], until: &str) -> (Url, String) {
        let action = page.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        let (status, text, there) = self.ask(Method::POST, &Url::parse(action).expect("a URL"), form).await;
        self.walk(there.unwrap_or_else(|| panic!("{status}: {text}")), until).await
    }
}

const CALLBACK: &str = "/auth/oidc/certified/callback";

/// Signs in at the provider's pages; where it sends the browser back to, which is not gone to yet.
async fn through_the_pages(certified: &Certified, browser: &Browser, login: &str) -> Url {
    let (_, page) = browser.walk(certified.login("/auth/session"), CALLBACK).await;
    let form = [("prompt", "login"), ("login", login), ("password", "any")];
    let (_, page) = browser.submit(&page, &form, CALLBACK).await;
    let (back, _) = browser.submit(&page, &[("prompt", "consent")], CALLBACK).await;
    let (_, code) = back.query_pairs().find(|(name, _)| name == "code").expect("a code");
    plant(Secret::InventedToken, &code);
    back
}

#[tokio::test]
async fn a_certified_provider_signs_in_and_its_code_counts_once() {
    let certified = Certified::start().await;
    let browser = Browser::new();
    let back = through_the_pages(&certified, &browser, "ada").await;
    let (status, text, there) = browser.ask(Method::GET, &back, &[]).await;
    assert_eq!((status, there.as_ref().map(Url::path)), (303, Some("/auth/session")), "{text}");
    let (_, session) = browser.walk(there.expect("the way back"), "").await;
    let user = &serde_json::from_str::<Value>(&session).expect("JSON")["user"];
    assert_eq!(
        (&user["displayName"], &user["email"]),
        (&json!("Certified ada"), &json!("planted-ada@mail.example"))
    );
    let (status, text, _) = browser.ask(Method::GET, &back, &[]).await;
    assert!(status == 400 && text.contains("oidc_state_invalid"), "{status} {text}");

    // The same code within somebody else's own sign-in.
    let thief = Browser::new();
    let own = through_the_pages(&certified, &thief, "eve").await;
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let pairs: Vec<_> = own.query_pairs().into_owned().collect();
    let mut forged = own.clone();
    forged
        .query_pairs_mut()
        .clear()
        .extend_pairs(pairs.iter().map(|(name, value)| (name, if name == "code" { &code } else { value })));
    let (status, text, _) = thief.ask(Method::GET, &forged, &[]).await;
    assert!(status == 400 && text.contains("oidc_code_refused"), "{status} {text}");
}

#[tokio::test]
async fn somebody_who_turns_back_at_a_certified_provider_is_sent_back() {
    let certified = Certified::start().await;
    let browser = Browser::new();
    let (page, _) = browser.walk(certified.login("/welcome"), CALLBACK).await;
    let abort = Url::parse(&format!("{page}/abort")).expect("a URL");
    let (back, _) = browser.walk(abort, "/welcome").await;
    assert_eq!(
        (back.authority(), back.query()),
        (certified.front.url()[7..].as_ref(), Some("error=access_denied"))
    );
}

#[tokio::test]
async fn chromium_signs_in_and_the_provider_signs_it_out() {
    let certified = Certified::start().await;
    let told = json!({
        "gateway": certified.front.url(), "issuer": certified.provider.issuer, "app": certified.provider.page, "login": "grace",
    });
    let ran = node("oidc.mjs", &told.to_string()).kill_on_drop(true).output();
    // A browser takes its time on a busy machine.
    let patience = std::time::Duration::from_secs(100);
    let ran = tokio::time::timeout(patience, ran).await.expect("Chromium ends").expect("node runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let result = said.lines().find_map(|line| line.strip_prefix("result "));
    let result: Value = serde_json::from_str(result.unwrap_or_else(|| panic!("{said}"))).expect("JSON");

    assert_eq!(
        (&result["before"]["status"], &result["before"]["body"]["code"]),
        (&json!(401), &json!("unauthenticated"))
    );
    assert_eq!(result["providersPage"], json!(certified.provider.issuer), "the provider's own pages");
    assert_eq!(result["landed"], json!(format!("{}/feed?tab=1#top", certified.provider.page)));
    let session = json!([{ "name": "sid", "httpOnly": true, "sameSite": "Lax" }]);
    assert_eq!(result["cookies"], session, "the session's cookie, and nothing left of the attempt");
    assert_eq!(
        (&result["feed"]["status"], &result["feed"]["body"]["profile"]["displayName"]),
        (&json!(200), &json!("Certified grace"))
    );
    assert_eq!(
        (&result["after"]["status"], &result["after"]["body"]["code"]),
        (&json!(401), &json!("unauthenticated"))
    );
    let journal = certified.front.requests();
    let orders = journal.iter().filter(|request| request.path.ends_with("/backchannel-logout")).count();
    assert_eq!(orders, 1, "the provider itself signed them out");
    for (step, took) in result["times"].as_object().expect("an object") {
        figures::note(&format!("Chromium and a certified provider: {step}"), format!("{took} ms"));
    }
    drop(certified.bff);
}
