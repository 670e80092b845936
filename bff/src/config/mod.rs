//! What the operator decides, read once before the first request.
//!
//! Three layers, later ones win: `config/default.toml` (compiled in), a TOML file, and environment
//! variables `BFF__SECTION__KEY`. [`Config::load`] reports every mistake at once, each with the path
//! of its key, and never repeats a secret. The module imports nothing of the crate: `gateway` hands each
//! part the section it needs.

mod account_rules;
mod authorization;
mod caller_rules;
mod cookie;
mod errors;
mod free;
mod key_rules;
mod layers;
mod live_rules;
mod loaded;
mod named;
mod oidc_rules;
mod rules;
mod schema;
mod secrets;
mod sections;
mod site_rules;
mod store_rules;
mod upstream_rules;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::{Hmac, Mac};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use loaded::Loaded;

pub use authorization::Authorization;
pub use cookie::CookieSettings;
pub use errors::{ConfigErrors, Mistake};
pub use schema::config_schema;
pub use sections::{
    AccountsConfig, CacheConfig, CallerConfig, CorsConfig, DeclarationsConfig, EventsConfig, FilesConfig,
    HttpConfig, IdempotencyConfig, InternalConfig, KeysConfig, LimitConfig, LimitsConfig, LiveConfig,
    OidcConfig, ScreenConfig, SenderConfig, SessionConfig, SiteConfig, StoreConfig, TelemetryConfig,
    ThrottleConfig, TokensConfig, UpstreamConfig,
};
pub use values::{
    LogFormat, Millis, Network, Profile, SameSite, SecondFactor, StoreUrl, Switch, TokenAlgorithm, TokenAuth,
};

/// The compiled-in defaults: every key, with its comment.
pub const DEFAULTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/default.toml"));

/// The secret of `default.toml`; the production profile refuses it.
pub const DEVELOPMENT_SECRET: &str = "development-secret-do-not-use-in-production";

/// Everything that can be configured. Keys and their meaning: `config/default.toml`.
///
/// `Debug` and `Serialize` show neither secrets nor credentials within URLs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the gateway is run for; production refuses unsafe settings.
    pub profile: Profile,
    pub http: HttpConfig,
    pub internal: InternalConfig,
    pub cors: CorsConfig,
    pub session: SessionConfig,
    pub tokens: TokensConfig,
    pub keys: KeysConfig,
    /// By name.
    pub callers: BTreeMap<String, CallerConfig>,
    pub oidc: BTreeMap<String, OidcConfig>,
    pub store: StoreConfig,
    /// By name.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    pub accounts: AccountsConfig,
    /// By name, with `_` for `-`; see [`Config::screen`].
    pub screens: BTreeMap<String, ScreenConfig>,
    pub cache: CacheConfig,
    pub events: EventsConfig,
    pub live: LiveConfig,
    pub throttle: ThrottleConfig,
    pub idempotency: IdempotencyConfig,
    pub limits: LimitsConfig,
    pub telemetry: TelemetryConfig,
    pub site: SiteConfig,
    pub files: FilesConfig,
    pub declarations: DeclarationsConfig,
    /// Whether a limit of any tier was set, if only to what is the default anyway.
    #[serde(skip)]
    limit_is_set: bool,
    #[serde(skip)]
    warnings: Vec<String>,
    #[serde(skip)]
    loaded: Loaded,
}

impl Config {
    /// Merges defaults, `file` and those of `environment` that start with `BFF__`, and checks the result.
    ///
    /// In production it looks at the key folder; `session.secret_file` is read in either profile.
    /// Pass [`std::env::vars_os`] when serving.
    ///
    /// # Errors
    /// All mistakes together: unreadable file, unknown keys, wrong types, values out of range, and what
    /// the profile refuses.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        Self::load_over(&serde_json::Value::Null, file, environment)
    }

    /// The same over what a product declares: an object with the sections `upstreams`, `accounts`, `screens` and `events`,
    /// in the keys of the configuration file; null: nothing. Defaults < declarations < file < environment.
    ///
    /// # Errors
    /// As [`Config::load`], and any other section in `declared`.
    pub fn load_over(
        declared: &serde_json::Value,
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        let mut mistakes = ConfigErrors::default();
        let environment: Vec<_> = environment.into_iter().filter(|(name, _)| layers::is_ours(name)).collect();
        let loaded = Loaded {
            declared: declared.clone(),
            file: file.map(Path::to_owned),
            environment: environment.clone(),
        };
        let merged = layers::merge(declared, file, environment, &mut mistakes);
        let mut config = layers::extract(&merged, &mut mistakes);
        config.resolve(&merged, &mut mistakes);
        let tiers = ["limits.anonymous.", "limits.user.", "limits.caller."];
        config.limit_is_set = tiers.into_iter().any(|tier| merged.set_below(tier).next().is_some());
        rules::check(&config, &mut mistakes);
        config.warnings = rules::warnings(&config, &merged);
        config.loaded = loaded;
        mistakes.into_result(config)
    }

    /// Puts this configuration over what a product declares, as [`Config::load_over`] does: its `upstreams`, `accounts`,
    /// `screens` and `events.senders` become what the same file and environment say over `declared`. What a program has set in
    /// other sections stays.
    ///
    /// # Errors
    /// As [`Config::load_over`]; nothing has changed then.
    pub fn declare(&mut self, declared: &serde_json::Value) -> Result<(), ConfigErrors> {
        if self.loaded.declared == *declared {
            return Ok(());
        }
        let Loaded { file, environment, .. } = &self.loaded;
        let over = Self::load_over(declared, file.as_deref(), environment.iter().cloned())?;
        (self.upstreams, self.accounts, self.screens) = (over.upstreams, over.accounts, over.screens);
        self.events.senders = over.events.senders;
        (self.warnings, self.loaded) = (over.warnings, over.loaded);
        Ok(())
    }

    /// The compiled-in defaults alone.
    ///
    /// # Errors
    /// None in a released version: a test loads them.
    pub fn defaults() -> Result<Self, ConfigErrors> {
        Self::load(None, std::iter::empty())
    }

    /// What is allowed but probably not meant, and keys that are set without having an effect yet.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether this is the production profile.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.profile == Profile::Production
    }

    /// The times of the screen of this name, `home-feed` or `home_feed`: the defaults where no layer names it.
    #[must_use]
    pub fn screen(&self, name: &str) -> ScreenConfig {
        let known = self.screens.get(name.replace('-', "_").as_str()).copied();
        known.unwrap_or_else(ScreenConfig::of_template)
    }

    /// How often the store learns that a session is in use: often enough for the shortest idle time.
    #[must_use]
    pub fn touch_every(&self) -> Duration {
        Duration::from(self.session.touch_ms).min(Duration::from(self.session.idle_ms) / 10)
    }

    /// The session cookie's name and attributes, after `auto` and empty keys are decided.
    #[must_use]
    pub fn cookie(&self) -> CookieSettings {
        CookieSettings::of(self)
    }

    /// Whether logs are JSON lines, after `auto` is decided.
    #[must_use]
    pub fn logs_json(&self) -> bool {
        match self.telemetry.format {
            LogFormat::Json => true,
            LogFormat::Text => false,
            LogFormat::Auto => self.is_production(),
        }
    }

    /// Whether requests are limited, after `auto` is decided.
    #[must_use]
    pub fn limits_enabled(&self) -> bool {
        match self.limits.enabled {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => self.is_production() || self.limit_is_set,
        }
    }

    /// A key for one purpose (`"user-hash"`), derived from the first line of `session.secret` with HMAC-SHA256
    /// (RFC 2104), so that no two uses share key material. Equal on every replica with the same secret. For what
    /// must outlive a rotation of the secret, derive from [`Config::session_secrets`] instead.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        // There is a first one: `load` refuses a secret without.
        let first = secrets::lines(self.session.secret.expose_secret()).next().unwrap_or_default();
        // HMAC takes keys of any length, so that the error cannot occur; a digest over nothing but the
        // purpose would be guessable, hence no fallback.
        #[expect(clippy::expect_used, reason = "HMAC accepts keys of every length (RFC 2104, section 3)")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(first.as_bytes()).expect("hmac accepts keys of every length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Settles what depends on several keys: the defaults of either profile, and `secret_file`.
    fn resolve(&mut self, merged: &layers::Merged, mistakes: &mut ConfigErrors) {
        if self.is_production() && !merged.is_set("cors.allowed_origins") {
            self.cors.allowed_origins.clear();
        }
        if !self.is_production() && !merged.is_set("http.drain_delay_ms") {
            self.http.drain_delay_ms = Millis::ZERO;
        }
        for (name, provider) in &mut self.oidc {
            let OidcConfig { client_secret, client_secret_file, .. } = provider;
            let path = format!("oidc.{name}.client_secret");
            read_secret(&path, client_secret, client_secret_file, merged, mistakes);
        }
        let mut url = SecretString::from(self.store.url.as_str());
        read_secret("store.url", &mut url, &self.store.url_file, merged, mistakes);
        self.store.url = StoreUrl::new(url.expose_secret());
        let Self { session, events, upstreams, .. } = self;
        for (path, secret, file) in [
            ("session.secret", &mut session.secret, &session.secret_file),
            ("events.revalidate_secret", &mut events.revalidate_secret, &events.revalidate_secret_file),
        ] {
            read_secret(path, secret, file, merged, mistakes);
        }
        for (name, sender) in &mut events.senders {
            let path = format!("events.{name}.token");
            read_secret(&path, &mut sender.token, &sender.token_file, merged, mistakes);
        }
        for (name, upstream) in upstreams {
            let path = format!("upstreams.{name}.secret");
            read_secret(&path, &mut upstream.secret, &upstream.secret_file, merged, mistakes);
            if upstream.audience.is_empty() && !merged.is_set(&format!("upstreams.{name}.audience")) {
                upstream.audience.clone_from(name);
            }
        }
    }
}

/// Takes the secret at `path` out of `file`, where one is named.
fn read_secret(
    path: &str,
    secret: &mut SecretString,
    file: &str,
    merged: &layers::Merged,
    mistakes: &mut ConfigErrors,
) {
    if file.is_empty() {
        return;
    }
    if merged.is_set(path) {
        mistakes.add(path, format!("is set besides {path}_file: keep one of them"));
        return;
    }
    match std::fs::read_to_string(file) {
        Ok(text) => *secret = text.trim_end_matches(['\n', '\r']).into(),
        Err(error) => mistakes.add(format!("{path}_file"), format!("cannot be read: {error}")),
    }
}

/// `declarations.dir` of `file` and of `BFF__DECLARATIONS__DIR`, which wins: what is declared must be known before the
/// settings can be read. Nothing: the built-in product is served.
#[must_use]
pub fn declarations_dir(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Option<PathBuf> {
    layers::declarations_dir(file, environment)
}

/// The file named by `BFF_CONFIG`, for when `--config` is not given. An empty value counts as none.
#[must_use]
pub fn file_from_environment() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
    let value = std::env::var_os("BFF_CONFIG")?;
    (!value.is_empty()).then(|| PathBuf::from(value))
}
