//! The quick start: three reference upstreams with people, recipes and posts in them, and the gateway before
//! them, in one process on loopback. What it keeps lies in `.bff/`: delete the folder to start anew.

use std::{
    error::Error,
    ffi::OsString,
    io::Write,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::ExitCode,
};

use bff::{
    config::{Config, file_from_environment},
    declare::Declarations,
    gateway::{Gateway, log_settings},
    telemetry,
};
use upstreams::{Options, Running, Service, seed};
use url::Url;

type Failure = Box<dyn Error + Send + Sync>;

/// Where the services keep their databases.
const DATABASES: &str = ".bff/demo";
/// Where members' pictures are kept.
const FILES: &str = ".bff/files";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut causes = failure.to_string();
            let mut cause = failure.source();
            while let Some(error) = cause {
                causes.push_str(&format!(": {error}"));
                cause = error.source();
            }
            // Standard error is the last place to say it.
            let _ = writeln!(std::io::stderr(), "{causes}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let declarations = Declarations::recipe_book()?;
    let settings = config(&declarations, &[])?;
    let telemetry = telemetry::init(&log_settings(&settings));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if !settings.http.listen.ip().is_loopback() {
            return Err("the demo's passwords are known to everybody: it listens on loopback alone".into());
        }
        let listen = free(settings.http.listen)?;
        let jwks = Url::parse(&format!("http://{listen}/.well-known/jwks.json"))?;
        let (issuer, audiences) = (&settings.keys.issuer, &settings.upstreams);
        let profile = start(Service::Profile, &jwks, issuer, &audiences["profile"].audience).await?;
        let timeline = start(Service::Timeline, &jwks, issuer, &audiences["timeline"].audience).await?;
        let recipe = start(Service::Recipe, &jwks, issuer, &audiences["recipe"].audience).await?;
        seed::demo(&profile, &timeline, &recipe).await?;
        let overrides = [
            ("BFF__HTTP__LISTEN", listen.to_string()),
            ("BFF__UPSTREAMS__PROFILE__URL", profile.url().to_string()),
            ("BFF__UPSTREAMS__TIMELINE__URL", timeline.url().to_string()),
            ("BFF__UPSTREAMS__RECIPE__URL", recipe.url().to_string()),
        ];
        let overrides = overrides.into_iter().chain(uploads(&settings)).collect::<Vec<_>>();
        let gateway = Gateway::builder(config(&declarations, &overrides)?)
            .declarations(declarations)
            .log_sink(telemetry.sink())
            .build()
            .await?;
        greet(&gateway)?;
        gateway.run_until_stopped().await?;
        for service in [profile, timeline, recipe] {
            service.stop().await;
        }
        Ok(())
    })
}

/// The gateway's settings: as everywhere, but for the addresses that are known only now.
fn config(declarations: &Declarations, overrides: &[(&str, String)]) -> Result<Config, Failure> {
    let overrides = overrides.iter().map(|(key, value)| (OsString::from(key), OsString::from(value)));
    let environment = std::env::vars_os().chain(overrides);
    let file = file_from_environment();
    Ok(Config::load_over(&declarations.settings(), file.as_deref(), environment)?)
}

/// Where uploads are kept, unless the settings say so.
fn uploads(settings: &Config) -> Option<(&'static str, String)> {
    settings.files.url.is_empty().then(|| ("BFF__FILES__URL", format!("folder:{FILES}")))
}

/// The upstreams must know the gateway's address before it listens: a free port is chosen first.
fn free(listen: SocketAddr) -> Result<SocketAddr, Failure> {
    let bound = TcpListener::bind(listen).and_then(|listener| listener.local_addr());
    bound.map_err(|error| {
        format!("cannot listen on {listen} ({error}): stop what does, or choose another with BFF__HTTP__LISTEN=127.0.0.1:0")
            .into()
    })
}

async fn start(service: Service, jwks: &Url, issuer: &str, audience: &str) -> Result<Running, Failure> {
    let folder = Path::new(DATABASES);
    std::fs::create_dir_all(folder)?;
    let database = Some(folder.join(service.name()).with_extension("sqlite"));
    let (issuer, audience) = (issuer.to_owned(), audience.to_owned());
    let options = Options { database, issuer, audience, workers: 1, ..Options::new(service, jwks.clone()) };
    Ok(upstreams::start(service, options).await?)
}

fn greet(gateway: &Gateway) -> Result<(), Failure> {
    let (http, internal) = (gateway.http_address(), gateway.internal_address());
    let mut out = std::io::stdout().lock();
    write!(
        out,
        r#"
The gateway listens on http://{http} (metrics and health: http://{internal}).
Three people live here: ada, bora and chan, each with the password correct-horse-battery.

Sign in, then fetch the home feed:

  curl -sS -c .bff/cookies -H 'Content-Type: application/json' -d '{{"login":"ada","password":"correct-horse-battery"}}' http://{http}/auth/login
  curl -sS -b .bff/cookies 'http://{http}/bff/home-feed?limit=3'

Mail is written to this log; its links lead to the app, http://localhost:3000 (deploy/web/README.md).
Stop with ctrl-c.

"#
    )?;
    Ok(out.flush()?)
}
