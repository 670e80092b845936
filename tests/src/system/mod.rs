//! The system under test: three upstreams, a fault proxy before each, and the gateway.

mod builder;
mod gateway;
mod output;
mod program;
mod turn;

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
};

use serde_json::json;
use tempfile::TempDir;
use upstreams::{Running, Service};

pub use builder::Builder;
use gateway::Gateway;
pub use gateway::run_bff;
pub use output::Output;
pub use program::{Program, program};
use turn::Turn;

use crate::{Actor, Answer, Direct, PASSWORD, Proxy, Signer, email, soon};

/// The origins that the gateways under test allow.
const ORIGINS: [&str; 2] = ["https://app.example", "http://localhost:3000"];

/// A running system. Everything ends with it.
pub struct TestBff {
    gateway: Option<Gateway>,
    /// Before the profile service.
    pub profile: Proxy,
    /// Before the timeline service.
    pub timeline: Proxy,
    /// Before the recipe service.
    pub recipe: Proxy,
    upstreams: [Running; 3],
    keys: Proxy,
    http: reqwest::Client,
    settings: Vec<(String, String)>,
    /// Where its output goes; nothing: into memory.
    log: Option<PathBuf>,
    /// What it said in its earlier lives.
    earlier: String,
    folder: TempDir,
    _turn: Turn,
}

impl TestBff {
    /// One of the origins that it allows.
    pub const ORIGIN: &'static str = ORIGINS[0];

    /// A system with the settings that all tests share.
    pub async fn spawn() -> Self {
        Self::builder().spawn().await
    }

    /// A system with settings of its own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where callers reach the gateway: `http://` without a closing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.gateway().http)
    }

    /// Somebody without a session.
    #[must_use]
    pub fn anonymous(&self) -> Actor {
        Actor::anonymous(self.http.clone(), self.url())
    }

    /// Makes an account, if it is not there yet. Nobody is signed in by it.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn sign_up(&self, name: &str) -> Actor {
        let actor = self.anonymous();
        let input = json!({ "email": email(name), "username": name, "password": PASSWORD });
        let answer = actor.post("/auth/signup", &input).await;
        assert!(matches!(answer.status.as_u16(), 201 | 409), "{}", answer.text());
        actor
    }

    /// Somebody with an account and a session.
    ///
    /// # Panics
    /// When either is refused.
    pub async fn signed_in(&self, name: &str) -> Actor {
        let actor = self.sign_up(name).await;
        let _ = actor.sign_in(name).await;
        actor
    }

    /// Where its internal listener is: `http://` without a closing slash.
    #[must_use]
    pub fn internal_url(&self) -> String {
        format!("http://{}", self.gateway().internal)
    }

    /// Asks the internal listener.
    pub async fn internal(&self, path: &str) -> Answer {
        Actor::anonymous(self.http.clone(), format!("http://{}", self.gateway().internal)).get(path).await
    }

    /// The three proxies.
    #[must_use]
    pub fn proxies(&self) -> [&Proxy; 3] {
        [&self.profile, &self.timeline, &self.recipe]
    }

    /// How many calls upstreams got since their journals were cleared.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.proxies().iter().map(|proxy| proxy.requests().len()).sum()
    }

    /// The calls, `profile GET /members/x` and so on, sorted.
    #[must_use]
    pub fn call_lines(&self) -> Vec<String> {
        let named = ["profile", "timeline", "recipe"].into_iter().zip(self.proxies());
        let lines = named.flat_map(|(name, proxy)| {
            proxy.requests().into_iter().map(move |request| format!("{name} {}", request.line()))
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        lines
    }

    /// Forgets what was sent so far.
    pub fn clear_journals(&self) {
        for proxy in self.proxies() {
            proxy.clear();
        }
    }

    /// Takes every fault away.
    pub async fn heal(&self) {
        for proxy in self.proxies() {
            soon("the proxies to heal", proxy.heal()).await;
        }
    }

    /// What the gateway has said so far, over all its lives.
    #[must_use]
    pub fn output(&self) -> String {
        let now = self.gateway.as_ref().map(|gateway| gateway.program.output().text());
        format!("{}{}", self.earlier, now.unwrap_or_default())
    }

    /// Its store and its keys are in here.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Resident memory in KiB: now, and the most it ever was.
    #[must_use]
    pub fn memory_kib(&self) -> (u64, u64) {
        (self.gateway().program.memory_kib("VmRSS"), self.gateway().program.memory_kib("VmHWM"))
    }

    /// The gateway's process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.gateway().program.id()
    }

    /// Sends SIGTERM and returns at once.
    pub async fn terminate(&self) {
        self.gateway().program.terminate().await;
    }

    /// Waits until the gateway has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let program = self.take_gateway();
        let output = program.output().clone();
        let status = program.ended().await;
        self.earlier += &output.text();
        status
    }

    /// `kill -9`.
    pub async fn kill9(&mut self) {
        let program = self.take_gateway();
        let output = program.output().clone();
        program.kill().await;
        self.earlier += &output.text();
    }

    /// Starts the gateway again after its end: same settings, same store, another port.
    ///
    /// # Panics
    /// When it still runs, or does not start.
    pub async fn restart(&mut self) {
        assert!(self.gateway.is_none(), "the gateway still runs");
        let gateway = Gateway::start(&self.settings, self.folder.path(), self.log.as_deref()).await;
        self.keys.forward_to(gateway.http);
        self.gateway = Some(gateway);
    }

    /// Signs as the gateway does.
    pub async fn signer(&self) -> Signer {
        let jwks = self.anonymous().get("/.well-known/jwks.json").await.expect(200).json();
        let kid = jwks["keys"][0]["kid"].as_str().expect("a kid").to_owned();
        Signer::new(&self.folder.path().join("keys"), &kid)
    }

    /// Calls an upstream past the gateway and its proxy, with a sound token.
    pub async fn direct(&self, service: Service, acting: Option<&str>) -> Direct {
        let signer = self.signer().await;
        self.direct_with(service, signer.sign(&Signer::claims(service.name(), acting)))
    }

    /// Calls an upstream past the gateway and its proxy, with any token.
    #[must_use]
    pub fn direct_with(&self, service: Service, token: String) -> Direct {
        let running = match service {
            Service::Profile => &self.upstreams[0],
            Service::Timeline => &self.upstreams[1],
            Service::Recipe => &self.upstreams[2],
        };
        Direct::new(self.http.clone(), format!("http://{}", running.addr()), token)
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().expect("the gateway runs")
    }

    fn take_gateway(&mut self) -> Program {
        self.gateway.take().expect("the gateway runs").program
    }
}

impl Drop for TestBff {
    /// What the gateway said helps to find out why a test failed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let text = self.output();
            let tail: Vec<_> = text.lines().rev().take(60).collect();
            eprintln!("--- the gateway's last lines ---");
            tail.into_iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}
