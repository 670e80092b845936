//! The settings as one tree, section by section. [`Config::load`] fills it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kept::{FilesConfig, JobsConfig};
use super::loaded::Loaded;
use super::sections::{
    AccountsConfig, CacheConfig, CallerConfig, CorsConfig, DeclarationsConfig, EventsConfig, HttpConfig,
    IdempotencyConfig, InternalConfig, KeysConfig, LimitsConfig, LiveConfig, OidcConfig, ScreenConfig,
    SessionConfig, SiteConfig, StoreConfig, TelemetryConfig, ThrottleConfig, TokensConfig, UpstreamConfig,
};
use super::values::Profile;

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
    pub jobs: JobsConfig,
    pub limits: LimitsConfig,
    pub telemetry: TelemetryConfig,
    pub site: SiteConfig,
    pub files: FilesConfig,
    pub declarations: DeclarationsConfig,
    /// Whether a limit of any tier was set, if only to what is the default anyway.
    #[serde(skip)]
    pub(super) limit_is_set: bool,
    #[serde(skip)]
    pub(super) warnings: Vec<String>,
    #[serde(skip)]
    pub(super) loaded: Loaded,
}

impl Config {
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
}
