//! The `bff` command.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use bff::{
    config::{Config, config_schema, declarations_dir, file_from_environment},
    declare::{Declarations, declarations_schema, write_starter},
    gateway::{Gateway, key_times, log_settings, openapi},
    telemetry,
};
use clap::{Args, Parser, Subcommand};
use clients::{KeyRing, KeyState, KeySummary, KeyTimes};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A backend-for-frontend gateway.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// TOML file with settings; `BFF_CONFIG` names one as well. Environment variables `BFF__SECTION__KEY` win.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or ctrl-c.
    Serve {
        /// Folder of declarations (`gateway.toml`, `screens/`, `routes/`), instead of `declarations.dir`.
        #[arg(long)]
        declarations: Option<PathBuf>,
    },
    /// Check the settings, or declarations, without serving: prints every mistake, exits 1 when there is one.
    Check {
        /// Folder of declarations (`gateway.toml`, `screens/`, `routes/`), checked against the contracts they name.
        #[arg(long)]
        declarations: Option<PathBuf>,
    },
    /// Write a first gateway to start from: one upstream that answers, one screen, one route, commented.
    New {
        /// A folder that is not there yet, or is empty. The product is named after it.
        dir: PathBuf,
    },
    /// The keys that sign service tokens and access tokens.
    #[command(subcommand)]
    Keys(Keys),
    /// Print the contract with callers, OpenAPI 3.1.
    Openapi {
        /// Folder of declarations (`gateway.toml`, `screens/`, `routes/`).
        #[arg(long)]
        declarations: Option<PathBuf>,
    },
    /// Print the JSON Schema of the settings.
    ConfigSchema,
    /// Print the JSON Schema of declarations, for editors.
    DeclarationsSchema,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make a new signing key. It is published at once and signs after `keys.announce_ms`; a first one at once.
    New(KeysAt),
    /// Print the public keys as a JWK set.
    Jwks(KeysAt),
    /// Print each key's id, state, age and file.
    List(KeysAt),
    /// Remove the files of keys that have signed nothing for longer than any token lives (`keys.retire_ms`).
    Prune(KeysAt),
    /// Have a key believed no more at once, because others may have it: `X.pem` becomes `X.pem.revoked`.
    Revoke {
        /// Its id, as `list` prints it.
        kid: String,
        #[command(flatten)]
        at: KeysAt,
    },
}

#[derive(Debug, Args)]
struct KeysAt {
    /// Folder of the keys, instead of `keys.dir`.
    #[arg(long)]
    dir: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut causes = failure.to_string();
            let mut cause = failure.source();
            while let Some(error) = cause {
                causes.push_str(": ");
                causes.push_str(&error.to_string());
                cause = error.source();
            }
            // Standard error is the last place to say it; when it is gone, so is whoever listens.
            let _ = writeln!(std::io::stderr(), "{causes}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let file = arguments.config.or_else(file_from_environment);
    match arguments.command {
        Command::Serve { declarations } => serve(file.as_deref(), declarations),
        Command::Check { declarations: Some(dir) } => check_declarations(&dir),
        Command::Check { declarations: None } => check(file.as_deref()),
        Command::New { dir } => new(&dir),
        Command::Keys(keys) => manage_keys(keys, file.as_deref()),
        Command::Openapi { declarations: Some(dir) } => {
            print(openapi(&Declarations::from_dir(&dir)?).trim_end())
        }
        Command::Openapi { declarations: None } => print(openapi(&Declarations::recipe_book()?).trim_end()),
        Command::ConfigSchema => print(&serde_json::to_string_pretty(&config_schema())?),
        Command::DeclarationsSchema => print(&serde_json::to_string_pretty(&declarations_schema())?),
    }
}

/// What is served, and the settings: what is declared stands beneath what the operator says.
fn load(file: Option<&Path>, dir: Option<PathBuf>) -> Result<(Config, Declarations), Failure> {
    let declarations = match dir.or_else(|| declarations_dir(file, std::env::vars_os())) {
        Some(dir) => Declarations::from_dir(&dir)?,
        None => Declarations::recipe_book()?,
    };
    let config = Config::load_over(&declarations.settings(), file, std::env::vars_os())?;
    Ok((config, declarations))
}

fn serve(file: Option<&Path>, declarations: Option<PathBuf>) -> Result<(), Failure> {
    let (file, dir) = (file.map(Path::to_owned), declarations);
    let read = move || load(file.as_deref(), dir.clone());
    let (config, declarations) = read()?;
    let telemetry = telemetry::init(&log_settings(&config));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("bff-upstream").build()?;
    let served = runtime.block_on(async {
        let gateway = Gateway::builder(config)
            .declarations(declarations)
            .read_again(Box::new(read))
            .log_sink(telemetry.sink())
            .build()
            .await?;
        print(&format!("listening http={} internal={}", gateway.http_address(), gateway.internal_address()))?;
        give_back_what_the_start_took();
        gateway.run_until_stopped().await.map_err(Failure::from)
    });
    // What was logged last is what matters most: it goes out also when serving failed.
    drop(telemetry);
    served
}

/// Reading declarations and contracts takes memory that serving never does. The allocator gives freed pages back a moment later,
/// but only when something else happens to it: the end of a thread does.
fn give_back_what_the_start_took() {
    // Longer than freed pages are kept: `purge_delay` of mimalloc 3 is a second.
    const LATER: Duration = Duration::from_millis(1500);
    let wait = || std::thread::sleep(LATER);
    // Without a thread it is given back later.
    let _ = std::thread::Builder::new().name("bff-start".to_owned()).spawn(wait);
}

fn check(file: Option<&Path>) -> Result<(), Failure> {
    let (config, _) = load(file, None)?;
    for warning in config.warnings() {
        print(&format!("warning: {warning}"))?;
    }
    print("the settings are sound")
}

fn check_declarations(dir: &Path) -> Result<(), Failure> {
    // Standard output, as compilers' messages for editors are read; the failure tells how many there are.
    let declarations = match Declarations::from_dir(dir) {
        Ok(declarations) => declarations,
        Err(mistakes) => {
            print(&mistakes.to_string())?;
            return Err(format!("{} mistakes in the declarations", mistakes.0.len()).into());
        }
    };
    let plan = declarations.compile();
    let (screens, routes, upstreams) = (plan.screens.len(), plan.routes.len(), plan.upstreams.len());
    print(&format!("ok: {screens} screens, {routes} routes, {upstreams} upstreams"))
}

fn new(dir: &Path) -> Result<(), Failure> {
    let files = write_starter(dir)?;
    let shown = dir.display();
    for file in &files {
        print(&format!("{shown}/{file}"))?;
    }
    print("\nIn that folder, in two terminals:\n\n    node service.mjs\n    bff serve --declarations .\n")?;
    print("Then http://127.0.0.1:8080/bff/home. README.md there says what to change first.")
}

fn manage_keys(keys: Keys, file: Option<&Path>) -> Result<(), Failure> {
    match keys {
        Keys::New(at) => {
            let made = KeyRing::generate_in(&at.look(file)?.0)?;
            print(&made.display().to_string())
        }
        Keys::Jwks(at) => {
            let (dir, times) = at.look(file)?;
            print(&serde_json::to_string_pretty(&KeyRing::open(&dir, times)?.jwks())?)
        }
        Keys::List(at) => {
            let (dir, times) = at.look(file)?;
            KeyRing::list(&dir, times)?.iter().try_for_each(|key| print(&line(key)))
        }
        Keys::Prune(at) => {
            let (dir, times) = at.look(file)?;
            KeyRing::prune(&dir, times)?.iter().try_for_each(|path| print(&path.display().to_string()))
        }
        Keys::Revoke { kid, at } => {
            let revoked = KeyRing::revoke(&at.look(file)?.0, &kid)?;
            print(&revoked.display().to_string())
        }
    }
}

impl KeysAt {
    /// The folder, and how its keys follow one another. With `--dir` the settings need not be sound yet: production
    /// refuses to load without a key.
    fn look(self, file: Option<&Path>) -> Result<(PathBuf, KeyTimes), Failure> {
        let config = load(file, None).map(|(config, _)| config);
        match (self.dir, config) {
            (Some(dir), config) => Ok((dir, config.map(|config| key_times(&config)).unwrap_or_default())),
            (None, config) => config.map(|config| (PathBuf::from(&config.keys.dir), key_times(&config))),
        }
    }
}

/// One line of `keys list`.
fn line(key: &KeySummary) -> String {
    let now_ms = telemetry::unix_ms();
    let state = match key.state {
        KeyState::Announced { signs_from_ms } => {
            format!("announced, signs in {}", span(signs_from_ms.saturating_sub(now_ms)))
        }
        KeyState::Signing => "signing".to_owned(),
        KeyState::Superseded { since_ms } => {
            format!("superseded for {}", span(now_ms.saturating_sub(since_ms)))
        }
    };
    let (age, file) = (span(now_ms.saturating_sub(key.born_ms)), key.path.display());
    format!("{}  {state:<28}  made {age} ago  {file}", key.kid)
}

/// A time in its two largest units.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes}m"),
        (days, hours, ..) => format!("{days}d {hours}h"),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
