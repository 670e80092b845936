//! The `bff` command.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bff::{
    app::{Application, log_settings, openapi},
    config::{Config, config_schema, file_from_environment},
    telemetry,
};
use clap::{Parser, Subcommand};

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
    Serve,
    /// Check the settings without serving: prints every mistake, exits 1 when there is one.
    Check,
    /// The keys that sign service tokens.
    #[command(subcommand)]
    Keys(Keys),
    /// Print the contract with callers, OpenAPI 3.1.
    Openapi,
    /// Print the JSON Schema of the settings.
    ConfigSchema,
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make a new signing key. The newest key signs; older ones stay published while they are there.
    New {
        /// Folder for the key, instead of `keys.dir`.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Print the public keys as a JWK set.
    Jwks {
        /// Folder of the keys, instead of `keys.dir`.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
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
        Command::Serve => serve(file.as_deref()),
        Command::Check => check(file.as_deref()),
        Command::Keys(keys) => manage_keys(keys, file.as_deref()),
        Command::Openapi => print(openapi().trim_end()),
        Command::ConfigSchema => print(&serde_json::to_string_pretty(&config_schema())?),
    }
}

fn load(file: Option<&Path>) -> Result<Config, Failure> {
    Ok(Config::load(file, std::env::vars_os())?)
}

fn serve(file: Option<&Path>) -> Result<(), Failure> {
    let config = load(file)?;
    let telemetry = telemetry::init(&log_settings(&config));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("bff-upstream").build()?;
    let served = runtime.block_on(async {
        let application = Application::build(config, telemetry.sink()).await?;
        print(&format!(
            "listening http={} internal={}",
            application.http_address(),
            application.internal_address()
        ))?;
        application.run_until_stopped().await.map_err(Failure::from)
    });
    // What was logged last is what matters most: it goes out also when serving failed.
    drop(telemetry);
    served
}

fn check(file: Option<&Path>) -> Result<(), Failure> {
    let config = load(file)?;
    for warning in config.warnings() {
        print(&format!("warning: {warning}"))?;
    }
    print("the settings are sound")
}

fn manage_keys(keys: Keys, file: Option<&Path>) -> Result<(), Failure> {
    // With --dir the settings need not be sound yet: production refuses to load without a key.
    let folder = |dir: Option<PathBuf>| match dir {
        Some(dir) => Ok(dir),
        None => load(file).map(|config| PathBuf::from(&config.keys.dir)),
    };
    match keys {
        Keys::New { dir } => {
            let made = clients::KeyRing::generate_in(&folder(dir)?)?;
            print(&made.display().to_string())
        }
        Keys::Jwks { dir } => {
            let ring = clients::KeyRing::load(&folder(dir)?)?;
            print(&serde_json::to_string_pretty(&ring.jwks())?)
        }
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
