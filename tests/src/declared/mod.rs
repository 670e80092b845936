//! A gateway over declarations: `bff serve --declarations DIR` before upstreams that a test writes ([`Stub`]), or before
//! the services of `tests/shop`, each of them behind a fault proxy.

mod product;
mod service;
mod stub;

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    Actor, PASSWORD, Program, Proxy, Replica, email,
    system::{Turn, defaults, http_client},
};
pub use product::{Product, shop};
pub use stub::{Reply, Stub};

/// A gateway to be started over declarations.
#[must_use = "nothing runs until it is spawned"]
pub struct DeclaredBuilder {
    dir: PathBuf,
    product: Option<Product>,
    settings: Vec<(String, String)>,
    stubs: Vec<(String, Stub)>,
    services: Vec<&'static str>,
    unproxied: bool,
    alone: bool,
}

impl DeclaredBuilder {
    /// Sets a key of the gateway's configuration.
    pub fn set(mut self, key: &str, value: impl ToString) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// The upstream of that name is `stub`.
    pub fn stub(mut self, name: &str, stub: &Stub) -> Self {
        self.stubs.push((name.to_owned(), stub.clone()));
        self
    }

    /// The gateway calls the services of the shop without a proxy between: for bodies that should not be kept whole.
    pub fn unproxied(mut self) -> Self {
        self.unproxied = true;
        self
    }

    /// For tests that measure: no other system runs meanwhile.
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Starts upstreams, proxies and gateway.
    ///
    /// # Panics
    /// When one of them does not start.
    pub async fn spawn(self) -> DeclaredBff {
        let turn = Turn::wait(self.alone).await;
        let dir = self.product.as_ref().map_or(self.dir, |product| product.dir().to_owned());
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Proxy::listen().await.expect("a port");
        let mut settings = defaults(folder.path());
        settings.extend(long_times(&dir));
        let mut proxies = BTreeMap::new();
        for (name, stub) in self.stubs {
            let proxy = stub.start().await;
            settings.extend(upstream(&name, &proxy.url()));
            proxies.insert(name, proxy);
        }
        let keys_url = keys.url();
        let started = self.services.iter().map(|name| service::start(name, &keys_url));
        let mut services = Vec::new();
        for (name, (program, address)) in
            self.services.iter().zip(futures_util::future::join_all(started).await)
        {
            let proxy = Proxy::before(address).await.expect("a port");
            let url = if self.unproxied { format!("http://{address}") } else { proxy.url() };
            settings.extend(upstream(name, &url));
            proxies.insert((*name).to_owned(), proxy);
            services.push(program);
        }
        settings.extend(self.settings);
        let first = Replica::start_declared(settings, folder.path(), &dir, http_client()).await;
        keys.forward_to(first.http_address());
        DeclaredBff {
            first,
            product: self.product,
            proxies,
            _services: services,
            _keys: keys,
            _folder: folder,
            _turn: turn,
        }
    }
}

fn upstream(name: &str, url: &str) -> [(String, String); 2] {
    let key = |key: &str| format!("upstreams.{name}.{key}");
    [(key("url"), url.to_owned()), (key("timeout_ms"), "10000".to_owned())]
}

/// No test hears of deadlines and lifetimes because the machine was busy.
fn long_times(dir: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(dir.join("screens")).into_iter().flatten();
    let names = files.filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.replace('-', "_")));
    let of = |name: String| {
        [("deadline_ms", "15000"), ("fresh_ms", "60000")]
            .map(|(key, value)| (format!("screens.{name}.{key}"), value.to_owned()))
    };
    names.flat_map(of).collect()
}

/// A running gateway with its upstreams. Everything ends with it. It is called as its first replica is.
pub struct DeclaredBff {
    first: Replica,
    product: Option<Product>,
    proxies: BTreeMap<String, Proxy>,
    _services: Vec<Program>,
    _keys: Proxy,
    _folder: TempDir,
    _turn: Turn,
}

impl DeclaredBff {
    /// A gateway over `product`, whose accounts are at the stub `people`, where it says so.
    pub fn builder(product: Product) -> DeclaredBuilder {
        let people = product.has_people().then(|| ("people".to_owned(), Stub::people()));
        let stubs = people.into_iter().collect();
        DeclaredBuilder { stubs, product: Some(product), ..Self::builder_in(PathBuf::new()) }
    }

    fn builder_in(dir: PathBuf) -> DeclaredBuilder {
        let (settings, stubs, services) = (Vec::new(), Vec::new(), Vec::new());
        DeclaredBuilder { dir, product: None, settings, stubs, services, unproxied: false, alone: false }
    }

    /// A gateway over `product`, whose upstream `shelf` is that stub.
    pub async fn over(product: Product, shelf: &Stub) -> Self {
        Self::builder(product).stub("shelf", shelf).spawn().await
    }

    /// What it serves: a test may write other declarations there.
    ///
    /// # Panics
    /// Over the shop.
    #[must_use]
    pub fn product(&self) -> &Product {
        self.product.as_ref().expect("a product of the test's own")
    }

    /// The shop, with its three services.
    pub fn shop() -> DeclaredBuilder {
        let services = vec!["orders", "catalogue", "customers"];
        DeclaredBuilder { services, ..Self::builder_in(shop()) }
    }

    /// The proxy before an upstream.
    ///
    /// # Panics
    /// Without one of that name.
    #[must_use]
    pub fn upstream(&self, name: &str) -> &Proxy {
        self.proxies.get(name).unwrap_or_else(|| panic!("no upstream {name}"))
    }

    /// Forgets all calls that upstreams got.
    pub fn forget_calls(&self) {
        self.proxies.values().for_each(|proxy| proxy.clear());
    }

    /// The calls since then, `orders GET /orders/x` and so on, sorted.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .proxies
            .iter()
            .flat_map(|(name, proxy)| {
                proxy.requests().into_iter().map(move |call| format!("{name} {}", call.line()))
            })
            .collect();
        lines.sort();
        lines
    }

    /// Somebody with an account and a session.
    ///
    /// # Panics
    /// When either is refused.
    pub async fn signed_in(&self, name: &str) -> Actor {
        let actor = self.anonymous();
        let input = json!({ "email": email(name), "username": name, "password": PASSWORD });
        let answer = actor.post("/auth/signup", &input).await;
        assert!(matches!(answer.status.as_u16(), 201 | 409), "{}", answer.text());
        let _ = actor.sign_in(name).await;
        actor
    }

    /// Another gateway over the same declarations, upstreams and store.
    pub async fn replica(&self, settings: &[(&str, &str)]) -> Replica {
        self.first.another(settings).await
    }
}

impl Deref for DeclaredBff {
    type Target = Replica;
    fn deref(&self) -> &Replica {
        &self.first
    }
}

impl DerefMut for DeclaredBff {
    fn deref_mut(&mut self) -> &mut Replica {
        &mut self.first
    }
}
