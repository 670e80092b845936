//! Puts the pieces together: from settings and declarations to a gateway that listens.

use std::sync::{Arc, atomic::AtomicBool};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{
    accounts,
    additions::Additions,
    contract::openapi_with,
    declared::Declared,
    error::StartError,
    foundation::Foundation,
    internal::{Health, internal_server},
    job_runner::job_runner,
    providers,
    reload::{Fingerprint, ReadAgain, Reload},
    rotation::{self, Rotation},
    running::Gateway,
    server::{AppState, public_server},
    site,
    stop::StopSignals,
};
use crate::{
    auth::Jwks, config::Config, declare::Declarations, edge::Contract, files::site::ConfigScript,
    screens::Screen, store, telemetry::Sink,
};

/// What a gateway is made of.
#[must_use = "nothing is served until it is built and run"]
pub struct GatewayBuilder {
    config: Config,
    declarations: Declarations,
    read_again: Option<ReadAgain>,
    sink: Option<Sink>,
    additions: Additions,
}

impl Gateway {
    /// A gateway with these settings, which serves nothing yet but sign-in, live connections and its own description.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use bff::{Config, Declarations, Gateway};
    ///
    /// let config = Config::load(None, std::env::vars_os())?;
    /// let shop = Declarations::from_dir("shop")?;
    /// Gateway::builder(config).declarations(shop).build().await?.run_until_stopped().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(config: Config) -> GatewayBuilder {
        GatewayBuilder {
            config,
            declarations: Declarations::none(),
            read_again: None,
            sink: None,
            additions: Additions::default(),
        }
    }
}

impl GatewayBuilder {
    /// Serves these screens and routes. Their own settings ([`Declarations::settings`]) stand beneath what the file and the
    /// environment of the config say ([`Config::declare`]).
    pub fn declarations(mut self, declarations: Declarations) -> Self {
        self.declarations = declarations;
        self
    }

    /// Reads settings and declarations anew on SIGHUP, and serves what they say then, where they can be used.
    pub fn read_again(mut self, read: ReadAgain) -> Self {
        self.read_again = Some(read);
        self
    }

    /// Where access lines go: the sink of what [`crate::telemetry::init`] answers. Without one there are none.
    pub fn log_sink(mut self, sink: Sink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Serves a screen in Rust beside the declared ones: cached, refreshed, described and measured as they are.
    pub fn screen<S: Screen>(mut self) -> Self {
        self.additions.screen::<S>();
        self
    }

    /// Serves operations of one's own: actix handlers, with the engine's extractors ([`crate::edge::SignedIn`],
    /// [`crate::edge::JsonBody`] and so on). Each stands beside its description, from which `Allow`, its label in metrics and its
    /// rate class follow. `add` is called for each reading of the declarations.
    ///
    /// ```no_run
    /// # use bff::{Config, Gateway, edge::{Access, Operation, SignedIn}};
    /// # fn example(config: Config) {
    /// async fn greet(caller: SignedIn) -> String {
    ///     format!("Hello, {}!", caller.caller().user)
    /// }
    ///
    /// let builder = Gateway::builder(config).routes(|routes| {
    ///     let greeting = Operation::get("/api/greeting", "greet").is("greetings", Access::SignedIn, "Say hello");
    ///     routes.serve(greeting, greet);
    /// });
    /// # }
    /// ```
    pub fn routes(mut self, add: impl Fn(&mut Contract) + Send + Sync + 'static) -> Self {
        self.additions.routes(add);
        self
    }

    /// The contract with callers (OpenAPI 3.1), as `/openapi.json` serves it.
    #[must_use]
    pub fn openapi(&self) -> String {
        openapi_with(&self.declarations, &self.additions)
    }

    /// Opens the store, loads the keys, and binds both listeners. Calls no upstream: they may start later. To be called on
    /// a multi-threaded tokio runtime, which from then on holds all connections to upstreams.
    ///
    /// # Errors
    /// [`StartError`], for what the settings name and the machine does not have.
    pub async fn build(self) -> Result<Gateway, StartError> {
        let Self { mut config, declarations, read_again, sink, additions } = self;
        config.declare(&declarations.settings())?;
        for warning in config.warnings() {
            tracing::warn!(warning, "settings");
        }
        let plan = declarations.compile();
        let foundation = Foundation::open(&config, &plan.topics).await?;
        let site = site::open(&config).await?;
        let parts = foundation.declared_parts();
        let declared = Declared::new(&parts, &config, &declarations, &additions)?;
        let source = accounts::source(&config, declared.upstreams(), &declarations);
        let api = foundation.api(&config, source);
        let declared = Arc::new(ArcSwap::from_pointee(declared));
        // A look-up that is under way must not be joined by a caller who asks after a purge.
        let served = Arc::clone(&declared);
        foundation.bus.invalidations().on_soft_purge(move |tag| served.load().backend().forget(tag));
        let reload = read_again.map(|read| Reload {
            parts,
            additions,
            api: api.clone(),
            declared: Arc::clone(&declared),
            read,
            last: Mutex::new(Fingerprint::of(&config, &declarations)),
        });
        let rotation = rotation::watch(Rotation {
            config: config.clone(),
            keys: Arc::clone(&foundation.keys),
            secrets: Arc::clone(&foundation.secrets),
            declared: Arc::clone(&declared),
            reload,
            metrics: Arc::clone(&foundation.metrics),
            site: site.clone(),
        });
        let rotation = rotation.map_err(StartError::Signals)?;
        let runner = job_runner(&config, &foundation, &api);
        let edge = foundation.edge(&config, sink.unwrap_or_else(Sink::nowhere));
        let draining = Arc::new(AtomicBool::new(false));
        let Foundation { runtime, secrets, origins, store, .. } = &foundation;
        let state = AppState {
            edge: edge.clone(),
            api,
            declared: Arc::clone(&declared),
            hub: foundation.hub.clone(),
            keys: Jwks(Arc::clone(&foundation.keys)),
            oidc: providers::oidc(&config, runtime, secrets, origins, store)?,
            origins: Arc::clone(origins),
            files: foundation.files.clone(),
            config_script: ConfigScript::new(&config.site.config_name, &config.site.config),
            site,
        };
        let health = Health::new(store, &draining, &foundation.metrics, &declared, &foundation.jobs);
        let events = foundation.events(&config)?;
        let sweeper = tokio::spawn(store::sweep(Arc::clone(store), config.store.sweep_ms.into()));
        let file_sweeper = foundation.files.clone().map(|files| tokio::spawn(files.sweep_for_ever()));
        // Before anything listens: a supervisor that sees the gateway may ask it to stop.
        let stop = StopSignals::new().map_err(StartError::Signals)?;
        let (server, http_address) = public_server(&config, state, Arc::clone(&draining))?;
        let (internal, internal_address) = internal_server(&config, health, &edge, events)?;
        Ok(Gateway {
            server,
            internal,
            http_address,
            internal_address,
            draining,
            drain_delay: config.http.drain_delay_ms.into(),
            hub: foundation.hub,
            revalidator: foundation.revalidator,
            sweeper,
            runner,
            file_sweeper,
            rotation,
            sessions: foundation.sessions,
            stop: Some(stop),
        })
    }
}
