//! Starts and stops one service. The one file that knows all three.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};
use url::Url;

use crate::{
    db::{Database, OpenError},
    http::{edge, health, no_such_route},
    options::{Options, Service},
    profile::{self, Profile, ProfileError},
    recipe::{self, Recipes},
    timeline::{self, Timeline},
    token::{KeyCache, Trust, Verifier},
};

/// A running service. It ends when this is dropped.
pub struct Running {
    addr: SocketAddr,
    handle: ServerHandle,
    backend: Backend,
}

/// A service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {addr}")]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        #[source]
        /// What the system said.
        source: io::Error,
    },
    /// The database cannot be opened or brought up to date.
    #[error("the {service} service's database")]
    Database {
        /// Whose database.
        service: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The client that fetches the gateway's keys cannot be made.
    #[error("the client for keys")]
    Client(#[from] reqwest::Error),
    /// The profile service cannot hash passwords, open the secrets of second factors, or mail.
    #[error("the profile service")]
    Profile(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<ProfileError> for StartError {
    fn from(source: ProfileError) -> Self {
        Self::Profile(source.into())
    }
}

/// What a service works with.
#[derive(Clone)]
pub(crate) enum Backend {
    Profile(Data<Profile>),
    Timeline(Data<Timeline>),
    Recipe(Data<Recipes>),
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and where it listens.
    ///
    /// # Panics
    /// Never: an address and a port make a URL.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}/", self.addr)).expect("an address and a port make a URL")
    }

    /// Takes no more calls, lets those under way finish (for a second), and ends.
    pub async fn stop(self) {
        self.handle.stop(true).await;
    }

    pub(crate) const fn backend(&self) -> &Backend {
        &self.backend
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The command is sent by the call; the future only waits for its end.
        drop(self.handle.stop(false));
    }
}

/// Opens the database, brings its schema up to date and serves. To be called inside of a tokio runtime;
/// the server's threads are its own.
///
/// # Errors
/// [`StartError`] when the address or the database cannot be had. The gateway's keys are not needed yet.
pub async fn start(service: Service, options: Options) -> Result<Running, StartError> {
    let trust = match options.token_secret.clone() {
        Some(secret) => Trust::Shared(secret),
        None => Trust::Published(Arc::new(KeyCache::new(options.jwks_url.clone())?)),
    };
    let verifier = Data::new(Verifier::new(trust, options.audience.clone(), &options.issuer));
    let backend = Backend::open(service, &options).await?;
    let app_backend = backend.clone();
    let addr = options.listen;
    let listen = move |source| StartError::Listen { addr, source };
    let server = HttpServer::new(move || {
        let backend = app_backend.clone();
        App::new()
            .app_data(verifier.clone())
            .wrap(from_fn(edge))
            .route("/healthz", web::get().to(health))
            .configure(move |config| backend.register(config))
            .default_service(web::to(no_such_route))
    })
    .workers(options.workers.max(1))
    .disable_signals()
    .shutdown_timeout(1)
    // Longer than the gateway keeps a connection idle: the side that sends must be the one to close.
    .keep_alive(Duration::from_secs(120))
    .client_request_timeout(Duration::from_secs(5))
    .bind(addr)
    .map_err(listen)?;
    let no_address = || listen(io::Error::other("no address was bound"));
    let addr = server.addrs().first().copied().ok_or_else(no_address)?;
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    tracing::info!(service = service.name(), address = %addr, "listening");
    Ok(Running { addr, handle, backend })
}

impl Backend {
    async fn open(service: Service, options: &Options) -> Result<Self, StartError> {
        let migrations = match service {
            Service::Profile => profile::MIGRATIONS,
            Service::Timeline => timeline::MIGRATIONS,
            Service::Recipe => recipe::MIGRATIONS,
        };
        let path = options.database.clone();
        let opened: Result<Database, OpenError> =
            tokio::task::spawn_blocking(move || Database::open(path.as_deref(), migrations))
                .await
                .unwrap_or_else(|_| Err(io::Error::other("opening it panicked").into()));
        let db = opened
            .map_err(|source| StartError::Database { service: service.name(), source: Box::new(source) })?;
        let assets = options.asset_base.clone().map(Arc::new);
        Ok(match service {
            Service::Profile => Self::Profile(Data::new(Profile::new(db, options, assets).await?)),
            Service::Timeline => Self::Timeline(Data::new(Timeline::new(db))),
            Service::Recipe => Self::Recipe(Data::new(Recipes::new(db, assets))),
        })
    }

    fn register(self, config: &mut ServiceConfig) {
        match self {
            Self::Profile(state) => {
                config.app_data(state);
                profile::routes(config);
            }
            Self::Timeline(state) => {
                config.app_data(state);
                timeline::routes(config);
            }
            Self::Recipe(state) => {
                config.app_data(state);
                recipe::routes(config);
            }
        }
    }
}
