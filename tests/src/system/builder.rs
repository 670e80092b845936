//! How a system is put together.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use upstreams::{MailOptions, Options, Running, Service, TokenSecret};
use url::Url;

use super::{Replica, TestBff, turn::Turn};
use crate::{Proxy, UpstreamContract, redis::StoreUrl};

/// Key material of the gateways under test. Planted: it must turn up nowhere.
const SECRET: &str = "planted-session-secret-0123456789abcdef";

/// A system to be started.
#[derive(Debug, Default)]
#[must_use = "nothing runs until it is spawned"]
pub struct Builder {
    settings: Vec<(String, String)>,
    alone: bool,
    shipped_times: bool,
    log: Option<PathBuf>,
    mail: Option<MailOptions>,
}

impl Builder {
    /// Sets a key of the gateway's configuration, such as `screens.home_feed.fresh_ms`.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// The gateway keeps its records in that Redis.
    pub fn redis(self, store: &impl StoreUrl) -> Self {
        self.set("store.url", store.store_url())
    }

    /// Deadlines, timeouts and lifetimes of cached documents as the product ships them. Without it they are so long
    /// that no test hears of them because the machine was busy.
    pub fn shipped_times(mut self) -> Self {
        self.shipped_times = true;
        self
    }

    /// For tests that measure: no other system runs meanwhile. Such a test makes one system only.
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// How the profile service mails.
    pub fn mail(mut self, mail: MailOptions) -> Self {
        self.mail = Some(mail);
        self
    }

    /// The gateway's output goes to a file instead of through a pipe that somebody has to read.
    pub fn log_to(mut self, file: &Path) -> Self {
        self.log = Some(file.to_owned());
        self
    }

    /// Starts upstreams, proxies and gateway.
    ///
    /// # Panics
    /// When one of them does not start.
    pub async fn spawn(self) -> TestBff {
        let turn = Turn::wait(self.alone).await;
        let folder = tempfile::tempdir().expect("a folder");
        // The upstreams want to know where the gateway's keys are before the gateway is there.
        let keys = Proxy::listen().await.expect("a port");
        let (profile, profile_proxy) = upstream(Service::Profile, &keys, &self.settings, self.mail).await;
        let (timeline, timeline_proxy) = upstream(Service::Timeline, &keys, &self.settings, None).await;
        let (recipe, recipe_proxy) = upstream(Service::Recipe, &keys, &self.settings, None).await;
        let mut settings = defaults(folder.path());
        let proxies = [("profile", &profile_proxy), ("timeline", &timeline_proxy), ("recipe", &recipe_proxy)];
        settings.extend(proxies.map(|(name, proxy)| (format!("upstreams.{name}.url"), proxy.url())));
        if self.settings.iter().any(|(key, _)| key == "session.secret_file") {
            settings.retain(|(key, _)| key != "session.secret");
        }
        if !self.shipped_times {
            settings.extend(long_times());
        }
        settings.extend(self.settings);
        let http = http_client();
        let first = Replica::start(settings, folder.path(), self.log, http.clone()).await;
        keys.forward_to(first.gateway().http);
        TestBff {
            first,
            profile: profile_proxy,
            timeline: timeline_proxy,
            recipe: recipe_proxy,
            upstreams: [profile, timeline, recipe],
            keys,
            http,
            _folder: folder,
            _turn: turn,
        }
    }
}

/// An upstream; where the gateway's `settings` give it a secret, it believes that and no published key.
async fn upstream(
    service: Service,
    keys: &Proxy,
    settings: &[(String, String)],
    mail: Option<MailOptions>,
) -> (Running, Proxy) {
    let jwks_url = Url::parse(&format!("{}/.well-known/jwks.json", keys.url())).expect("a URL");
    let mut options = Options::new(service, jwks_url);
    options.cheap_passwords = true;
    options.mail = mail.unwrap_or_default();
    options.workers = 1;
    let key = format!("upstreams.{}.secret", service.name());
    let secret = settings.iter().find(|(name, _)| *name == key).map(|(_, secret)| secret);
    options.token_secret =
        secret.map(|secret| TokenSecret::new(secret).expect("a secret that is long enough"));
    let running = upstreams::start(service, options).await.expect("an upstream starts");
    let proxy = Proxy::before(running.addr()).await.expect("a port");
    proxy.hold_to(UpstreamContract::of(service));
    (running, proxy)
}

/// What every gateway under test is told, with its files in `folder`.
pub(crate) fn defaults(folder: &Path) -> Vec<(String, String)> {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0)).to_string();
    let inside = |name: &str| folder.join(name).display().to_string();
    [
        ("http.listen", nowhere.clone()),
        ("http.workers", "2".into()),
        ("internal.listen", nowhere),
        ("store.url", format!("embedded:{}", inside("store.redb"))),
        ("keys.dir", inside("keys")),
        ("session.secret", SECRET.into()),
        ("cors.allowed_origins", super::ORIGINS.join(",")),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// Of all screens and upstreams.
fn long_times() -> impl Iterator<Item = (String, String)> {
    let screens = ["home_feed", "recipe", "member", "me"].into_iter().flat_map(|screen| {
        [("deadline_ms", 15_000), ("fresh_ms", 60_000)]
            .map(|(key, value)| (format!("screens.{screen}.{key}"), value.to_string()))
    });
    let upstreams = ["profile", "timeline", "recipe"]
        .map(|upstream| (format!("upstreams.{upstream}.timeout_ms"), "10000".to_owned()));
    screens.chain(upstreams)
}

pub(crate) fn http_client() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "a caller of the gateway, not the gateway")]
    let builder = reqwest::Client::builder();
    let patience = std::time::Duration::from_secs(30);
    let none = reqwest::redirect::Policy::none();
    builder.no_proxy().redirect(none).referer(false).timeout(patience).build().expect("a client")
}
