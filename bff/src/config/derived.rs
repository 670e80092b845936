//! Settings that follow from several keys: `auto` and empty ones are decided here.

use std::time::Duration;

use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::{Config, CookieSettings, LogFormat, ScreenConfig, Switch, secrets};

impl Config {
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
}
