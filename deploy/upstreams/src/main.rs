//! `upstreams`: the reference services from the command line.

use std::{
    error::Error,
    io::{IsTerminal, Write},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use upstreams::{
    KeyText, MailOptions, Options, Running, Service, SmtpUrl, TokenSecret, TotpKeySource, contract, seed,
    start,
};
use url::Url;

/// Reference profile, timeline and recipe services on SQLite.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Members, passwords, second factors.
    Profile(One),
    /// Posts, likes, follows.
    Timeline(One),
    /// Recipes, costs, comments, ingredients.
    Recipe(One),
    /// All three in one process, on three ports.
    All(All),
    /// Print the contract of one of them: OpenAPI 3.1, as `clients/contracts/NAME.json` holds it.
    Openapi {
        /// `profile`, `timeline` or `recipe`.
        #[arg(value_parser = service_named)]
        service: Service,
    },
}

#[derive(Args)]
struct Common {
    /// Where the gateway publishes its keys.
    #[arg(long, default_value = "http://127.0.0.1:8080/.well-known/jwks.json")]
    jwks_url: Url,
    /// The `iss` that service tokens must bear.
    #[arg(long, default_value = "bff")]
    issuer: String,
    /// Fill an empty database with the demo's people, recipes and posts.
    #[arg(long)]
    seed: bool,
    /// What `photoUrl` and `avatarUrl` begin with; `/files/` of the gateway without.
    #[arg(long)]
    asset_base: Option<Url>,
    /// Server threads for each service.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// What to log: `info`, `upstreams=debug`, …
    #[arg(long, default_value = "warn,upstreams=info")]
    log: String,
}

#[derive(Args)]
struct One {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Database file; in memory without.
    #[arg(long)]
    database: Option<PathBuf>,
    /// The `aud` that service tokens must bear; the service's name unless given.
    #[arg(long)]
    audience: Option<String>,
    /// File with a secret of at least 32 bytes: believe tokens that are signed with it (HS256), and no others.
    #[arg(long)]
    token_secret_file: Option<PathBuf>,
    #[command(flatten)]
    accounts: Accounts,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
struct All {
    /// Address of all three.
    #[arg(long, default_value = "127.0.0.1")]
    listen: IpAddr,
    /// Port of profile; timeline and recipe take the next two. 0 takes free ones.
    #[arg(long, default_value_t = 9101)]
    port: u16,
    /// Folder for profile.db, timeline.db and recipe.db; in memory without.
    #[arg(long)]
    database: Option<PathBuf>,
    #[command(flatten)]
    accounts: Accounts,
    #[command(flatten)]
    common: Common,
}

/// What the profile service alone needs.
#[derive(Args)]
struct Accounts {
    /// Mail server: `smtp://HOST:PORT`, `smtp://USER:PASSWORD@HOST:587?tls=required` or `smtps://…`. Without it mail is
    /// written to the log, which is for development.
    #[arg(long, env = "PROFILE_SMTP_URL", hide_env_values = true)]
    smtp_url: Option<SmtpUrl>,
    /// Sender of mail.
    #[arg(long, env = "PROFILE_MAIL_FROM", default_value = "Recipe book <no-reply@localhost>")]
    mail_from: String,
    /// Where links in mail lead: the address of the app.
    #[arg(long, env = "PROFILE_LINK_BASE", default_value = "http://localhost:3000/")]
    link_base: Url,
    /// Seconds that a link is good for.
    #[arg(long, default_value_t = 30 * 60)]
    link_life: u64,
    /// Links of a kind that an address, and a member, may be mailed within an hour.
    #[arg(long, default_value_t = 5)]
    links_per_hour: u32,
    /// File with the keys that seal the secrets of second factors: 32 bytes in base64, one a line; the first one seals, the
    /// others only open. Without it and `PROFILE_TOTP_KEYS`: DATABASE.totp-key, which is made at the first start.
    #[arg(long, env = "PROFILE_TOTP_KEY_FILE", conflicts_with = "totp_keys")]
    totp_key_file: Option<PathBuf>,
    /// The same keys themselves; better in the environment than on a command line, which others can read.
    #[arg(long, env = "PROFILE_TOTP_KEYS", hide_env_values = true)]
    totp_keys: Option<String>,
}

impl Accounts {
    fn apply(&self, options: &mut Options) {
        options.mail = MailOptions {
            smtp: self.smtp_url.clone(),
            sender: self.mail_from.clone(),
            link_base: self.link_base.clone(),
            link_life: Duration::from_secs(self.link_life),
            links_per_hour: self.links_per_hour,
        };
        let text = self.totp_keys.clone().map(|text| TotpKeySource::Text(KeyText::new(text)));
        options.totp_keys = text.or_else(|| self.totp_key_file.clone().map(TotpKeySource::File));
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(source) = cause {
                text.push_str(": ");
                text.push_str(&source.to_string());
                cause = source.source();
            }
            let _ = writeln!(std::io::stderr(), "upstreams: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    let (services, common) = match command {
        Command::Openapi { service } => {
            let mut out = std::io::stdout().lock();
            out.write_all(contract(service).as_bytes())?;
            return Ok(out.flush()?);
        }
        Command::Profile(one) => plan(Service::Profile, one)?,
        Command::Timeline(one) => plan(Service::Timeline, one)?,
        Command::Recipe(one) => plan(Service::Recipe, one)?,
        Command::All(all) => plan_all(all),
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&common.log)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // Before anything listens: a signal in between must not be lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut running: Vec<Running> = Vec::new();
    for (service, options) in services {
        let started = start(service, options).await?;
        if common.seed {
            seed::one(&started).await?;
        }
        let mut out = std::io::stdout();
        writeln!(out, "{} listening on {}", service.name(), started.url())?;
        out.flush()?;
        running.push(started);
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    for service in running {
        service.stop().await;
    }
    Ok(())
}

fn service_named(name: &str) -> Result<Service, &'static str> {
    Service::ALL
        .into_iter()
        .find(|service| service.name() == name)
        .ok_or("there are profile, timeline and recipe")
}

/// What to start.
type Plan = Vec<(Service, Options)>;

fn token_secret(file: &Path) -> Result<TokenSecret, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let secret = TokenSecret::new(text.trim_end_matches(['\n', '\r']));
    let shortest = TokenSecret::SHORTEST;
    Ok(secret.ok_or_else(|| format!("{}: shorter than {shortest} bytes", file.display()))?)
}

fn plan(service: Service, one: One) -> Result<(Plan, Common), Box<dyn Error>> {
    let mut options = with_common(service, &one.common);
    options.listen = one.listen;
    options.database = one.database;
    if let Some(audience) = one.audience {
        options.audience = audience;
    }
    one.accounts.apply(&mut options);
    options.token_secret = one.token_secret_file.as_deref().map(token_secret).transpose()?;
    Ok((vec![(service, options)], one.common))
}

fn plan_all(all: All) -> (Plan, Common) {
    let each = Service::ALL.into_iter().zip(0..).map(|(service, place)| {
        let port = if all.port == 0 { 0 } else { all.port.saturating_add(place) };
        let mut options = with_common(service, &all.common);
        options.listen = SocketAddr::new(all.listen, port);
        let file = format!("{}.db", service.name());
        all.accounts.apply(&mut options);
        options.database = all.database.as_ref().map(|folder| folder.join(file));
        (service, options)
    });
    (each.collect(), all.common)
}

fn with_common(service: Service, common: &Common) -> Options {
    let mut options = Options::new(service, common.jwks_url.clone());
    options.issuer.clone_from(&common.issuer);
    options.asset_base.clone_from(&common.asset_base);
    options.workers = common.workers;
    options
}
