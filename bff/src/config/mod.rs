//! What the operator decides, read once before the first request.
//!
//! Three layers, later ones win: `config/default.toml` (compiled in), a TOML file, and environment
//! variables `BFF__SECTION__KEY`. [`Config::load`] reports every mistake at once, each with the path
//! of its key, and never repeats a secret. The module imports nothing of the crate: `gateway` hands each
//! part the section it needs.

mod account_rules;
mod authorization;
mod caller_rules;
mod check;
mod cookie;
mod defaults;
mod derived;
mod errors;
mod files_rules;
mod free;
mod kept;
mod key_rules;
mod layers;
mod live_rules;
mod load;
mod loaded;
mod named;
mod oidc_rules;
mod rules;
mod schema;
mod secrets;
mod sections;
mod site_rules;
mod store_rules;
mod tree;
mod upstream_rules;
mod values;

#[cfg(test)]
mod tests;

pub use authorization::Authorization;
pub use cookie::CookieSettings;
pub use defaults::DEFAULTS;
pub use errors::{ConfigErrors, Mistake};
pub use files_rules::{FILE_TYPES, FileStorage, S3Location};
pub use kept::{FilesConfig, JobsConfig};
pub use load::{declarations_dir, file_from_environment};
pub use schema::config_schema;
pub use sections::{
    AccountsConfig, CacheConfig, CallerConfig, CorsConfig, DeclarationsConfig, EventsConfig, HttpConfig,
    IdempotencyConfig, InternalConfig, KeysConfig, LimitConfig, LimitsConfig, LiveConfig, OidcConfig,
    ScreenConfig, SenderConfig, SessionConfig, SiteConfig, StoreConfig, TelemetryConfig, ThrottleConfig,
    TokensConfig, UpstreamConfig,
};
pub use tree::{Config, DEVELOPMENT_SECRET};
pub use values::{
    FileVisibility, LogFormat, Millis, Network, Profile, SameSite, SecondFactor, StoreUrl, Switch,
    TokenAlgorithm, TokenAuth,
};
