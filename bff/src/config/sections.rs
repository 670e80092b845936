//! The sections of the configuration as data. What each key means to an operator, its default and its
//! unit are written beside it in `config/default.toml`; here stands what the rest of the code relies on
//! after [`Config::load`](super::Config::load) has checked it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use url::Url;

use super::Authorization;
use super::values::{
    LogFormat, Millis, Network, SameSite, SecondFactor, StoreUrl, Switch, TokenAlgorithm, TokenAuth,
    upstream_url,
};

/// The public listener.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    /// 0: one for each core; see [`HttpConfig::worker_count`].
    pub workers: usize,
    pub body_limit_bytes: usize,
    pub max_connections: usize,
    pub keep_alive_ms: Millis,
    pub client_request_timeout_ms: Millis,
    /// 0 in development, unless it was set.
    pub drain_delay_ms: Millis,
    pub shutdown_timeout_ms: Millis,
    /// A serialised origin; empty: where the gateway listens.
    pub public_url: String,
    /// Whose word on a caller's address counts.
    pub trusted_proxies: Vec<Network>,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
}

impl HttpConfig {
    /// Worker threads, at least one.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        if self.workers > 0 {
            return self.workers;
        }
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

/// The listener for the operator's tools.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InternalConfig {
    pub listen: SocketAddr,
}

/// Which browser front-ends may call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorsConfig {
    /// Serialised origins (RFC 6454, section 6.2), in lower case, without default ports.
    pub allowed_origins: Vec<String>,
}

/// Browser sessions and their cookie. For the cookie ask [`Config::cookie`](super::Config::cookie).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionConfig {
    /// One on each line; ask [`Config::session_secrets`](super::Config::session_secrets).
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "String")]
    pub secret: SecretString,
    /// Already read into `secret`.
    pub secret_file: String,
    pub cookie_name: String,
    pub secure: Switch,
    pub same_site: SameSite,
    pub domain: String,
    /// Types of W3C Clear Site Data, each once; empty: the header is not sent.
    pub clear_site_data: Vec<String>,
    pub idle_ms: Millis,
    pub absolute_ms: Millis,
    pub touch_ms: Millis,
    pub max_per_user: u32,
}

/// What apps get instead of a cookie.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokensConfig {
    pub access_ms: Millis,
    /// Not below `access_ms`.
    pub refresh_ms: Millis,
    pub retry_ms: Millis,
}

pub(super) fn redacted<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    let none = secret.expose_secret().is_empty();
    serializer.serialize_str(if none { "" } else { "[redacted]" })
}

/// A server that calls on behalf of browsers, and proves itself with `X-Caller-Token`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallerConfig {
    /// 64 hexadecimal digits, no two callers share them. For the bytes ask [`CallerConfig::token_hash`].
    pub token_sha256: String,
}

/// The keys that sign service tokens and access tokens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    pub dir: String,
    pub issuer: String,
    pub announce_ms: Millis,
    pub retire_ms: Millis,
    /// At most half of `announce_ms`, where that is not 0.
    pub poll_ms: Millis,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// Not parsed and written anew: it must equal the provider's own, byte for byte.
    pub issuer: String,
    pub client_id: String,
    /// Empty if, and only if, `token_auth` is [`TokenAuth::None`].
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "String")]
    pub client_secret: SecretString,
    /// Already read into `client_secret`.
    pub client_secret_file: String,
    pub token_auth: TokenAuth,
    /// `openid` is among them.
    pub scopes: String,
    pub display_name: String,
    pub second_factor: SecondFactor,
    /// Empty: the gateway's own page.
    pub second_factor_page: String,
    pub timeout_ms: Millis,
}

/// Where sessions, counters and idempotency records are kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    #[schemars(with = "String")]
    pub url: StoreUrl,
    /// Already read into `url`.
    pub url_file: String,
    /// Letters, digits and `-_.:`; not empty.
    pub prefix: String,
    pub timeout_ms: Millis,
    /// PEM; can be read. Empty: the system's authorities.
    pub ca_file: String,
    pub grace_ms: Millis,
    pub sweep_ms: Millis,
}

/// One service behind the gateway.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// http or https, with a host, without credentials, query or fragment.
    #[serde(with = "upstream_url")]
    #[schemars(with = "String")]
    pub url: Url,
    /// Not empty, and no two upstreams share one; the upstream's name where it was not set.
    pub audience: String,
    pub authorization: Authorization,
    pub timeout_ms: Millis,
    /// Not above `timeout_ms`.
    pub connect_timeout_ms: Millis,
    /// Below the time after which the upstream closes an idle connection.
    pub idle_ms: Millis,
    pub max_response_bytes: usize,
    pub max_concurrent: usize,
    pub queue: usize,
    pub token_algorithm: TokenAlgorithm,
    /// At least 32 bytes with HS256, and shared with nobody else; empty with EdDSA.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "String")]
    pub secret: SecretString,
    /// Already read into `secret`.
    pub secret_file: String,
    pub client_cert_file: String,
    pub client_key_file: String,
    pub ca_file: String,
}

/// Where users come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountsConfig {
    /// Name of an upstream. Empty: no upstream keeps accounts, and users come from one OpenID provider alone.
    pub upstream: String,
    /// How often a member may take their data along within a day.
    pub exports_per_day: u32,
}

/// How long one screen's documents live and how long making one may take.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScreenConfig {
    pub fresh_ms: Millis,
    pub stale_ms: Millis,
    pub deadline_ms: Millis,
    pub stale_if_error_ms: Millis,
    pub degraded_ms: Millis,
}

impl ScreenConfig {
    /// `screens.NAME` of `default.toml`.
    pub(super) fn of_template() -> Self {
        let (_, templates) = super::defaults::default_tree();
        #[expect(clippy::expect_used, reason = "the text is compiled in and a test reads it")]
        templates.read("screens").expect("default.toml has a template of screens")
    }
}

/// Bounds of the caches.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheConfig {
    pub max_bytes: u64,
    pub jitter_percent: u8,
    /// 0: by the number of workers.
    pub max_refreshes: u32,
    pub cards_fresh_ms: Millis,
    pub cards_max_bytes: u64,
    pub upstream_max_bytes: u64,
}

/// Events of upstreams, and whom they are passed on to. Unknown keys are found before it is read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EventsConfig {
    /// As `upstreams.*.url`; empty: none. For the URL ask [`EventsConfig::revalidate`].
    pub revalidate_url: String,
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "String")]
    pub revalidate_secret: SecretString,
    /// Already read into `revalidate_secret`.
    pub revalidate_secret_file: String,
    /// By the upstream's name.
    #[serde(flatten)]
    pub senders: BTreeMap<String, SenderConfig>,
}

impl EventsConfig {
    /// Where changes are told, if anywhere.
    #[must_use]
    pub fn revalidate(&self) -> Option<Url> {
        // Checked when it was loaded; an empty text is no URL.
        Url::parse(&self.revalidate_url).ok()
    }
}

/// An upstream that may send events.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderConfig {
    /// Empty: it may not. No two upstreams share one.
    #[serde(serialize_with = "redacted")]
    #[schemars(with = "String")]
    pub token: SecretString,
    /// Already read into `token`.
    pub token_file: String,
}

/// WebSockets and event streams.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveConfig {
    /// Under `dead_after_ms`.
    pub heartbeat_ms: Millis,
    pub dead_after_ms: Millis,
    pub connections_per_user: usize,
    pub queue_messages: usize,
    pub log_messages: usize,
    pub log_bytes: usize,
    pub log_age_ms: Millis,
}

/// Failed sign-ins.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleConfig {
    pub account_failures: u32,
    pub address_failures: u32,
    pub window_ms: Millis,
}

/// Requests that bear an `Idempotency-Key`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyConfig {
    pub in_flight_ms: Millis,
    pub anonymous_keys: u32,
    pub anonymous_window_ms: Millis,
}

/// Rate limits for each kind of principal.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// For the decision ask [`Config::limits_enabled`](super::Config::limits_enabled).
    pub enabled: Switch,
    /// Only with a store that replicas share.
    pub shared: bool,
    pub anonymous: LimitConfig,
    pub user: LimitConfig,
    pub caller: LimitConfig,
}

/// One rate limit: `burst` at once, refilled at `per_second`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitConfig {
    pub per_second: u32,
    pub burst: u32,
}

/// Logs, access lines and traces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Valid filter directives.
    pub log: String,
    /// For the decision ask [`Config::logs_json`](super::Config::logs_json).
    pub format: LogFormat,
    pub access: bool,
    pub access_sample: u32,
    pub otlp_endpoint: String,
}

/// A single-page app served beside the API.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteConfig {
    /// Empty: none.
    pub dir: String,
    /// Each starts with a slash.
    pub immutable: Vec<String>,
    /// A header value.
    pub content_security_policy: String,
    pub retire_ms: Millis,
    pub memory_bytes: usize,
    /// Whether `.map` files are served.
    pub source_maps: bool,
    /// An identifier of JavaScript.
    pub config_name: String,
    /// Known to everybody.
    pub config: Map<String, Value>,
}

/// What the gateway serves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclarationsConfig {
    /// Folder of declarations; empty: the product that is built in.
    pub dir: String,
}
