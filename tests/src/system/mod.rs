//! The system under test: three upstreams, a fault proxy before each, and the gateway.

mod builder;
mod gateway;
mod output;
mod program;
mod replica;
mod turn;

use std::ops::{Deref, DerefMut};

use serde_json::json;
use tempfile::TempDir;
use upstreams::{Running, Service};

pub use builder::Builder;
pub(crate) use builder::{defaults, http_client};
pub use gateway::run_bff;
pub use output::Output;
pub use program::{Program, program};
pub use replica::Replica;
pub(crate) use turn::Turn;

use crate::{Actor, Direct, PASSWORD, Proxy, Signer, email, soon};

/// The origins that the gateways under test allow.
const ORIGINS: [&str; 2] = ["https://app.example", "http://localhost:3000"];

/// A running system. Everything ends with it. It is called as its first gateway is.
pub struct TestBff {
    first: Replica,
    /// Before the profile service.
    pub profile: Proxy,
    /// Before the timeline service.
    pub timeline: Proxy,
    /// Before the recipe service.
    pub recipe: Proxy,
    upstreams: [Running; 3],
    keys: Proxy,
    http: reqwest::Client,
    _folder: TempDir,
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

    /// Starts the gateway again after its end: same settings, same store, another port.
    ///
    /// # Panics
    /// When it still runs, or does not start.
    pub async fn restart(&mut self) {
        self.first.restart().await;
        self.keys.forward_to(self.first.gateway().http);
    }

    /// Starts another gateway over the same upstreams, keys and store, which has to be one that can be shared.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn replica(&self) -> Replica {
        self.first.another(&[]).await
    }

    /// Starts another gateway that differs in some settings.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn replica_with(&self, settings: &[(&str, &str)]) -> Replica {
        self.first.another(settings).await
    }

    /// Signs as the gateway does.
    pub async fn signer(&self) -> Signer {
        let jwks = self.anonymous().get("/.well-known/jwks.json").await.expect(200).json();
        let kid = jwks["keys"][0]["kid"].as_str().expect("a kid").to_owned();
        Signer::new(&self.folder().join("keys"), &kid)
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
}

impl Deref for TestBff {
    type Target = Replica;
    fn deref(&self) -> &Replica {
        &self.first
    }
}

impl DerefMut for TestBff {
    fn deref_mut(&mut self) -> &mut Replica {
        &mut self.first
    }
}
