//! The rules for single sections, and [`Check`], which reports what breaks one.

use std::ops::RangeInclusive;

use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::{Config, ConfigErrors, SameSite, Switch};

/// W3C Clear Site Data section 3.1, and what browsers have added to it.
const CLEAR_SITE_DATA: [&str; 8] = [
    "storage",
    "cache",
    "cookies",
    "clientHints",
    "executionContexts",
    "prefetchCache",
    "prerenderCache",
    "*",
];

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// HMAC keys shorter than the digest weaken it (RFC 2104, section 3).
pub(super) const SECRET_BYTES: usize = 32;

pub(super) struct Check<'a> {
    pub(super) mistakes: &'a mut ConfigErrors,
}

impl Check<'_> {
    pub(super) fn refuse(&mut self, wrong: bool, path: &str, message: &str) {
        if wrong && !self.mistakes.blames(path) {
            self.mistakes.add(path, message);
        }
    }

    pub(super) fn range(&mut self, path: &str, value: u64, range: RangeInclusive<u64>) {
        let message = format!("must be {} to {}", range.start(), range.end());
        self.refuse(!range.contains(&value), path, &message);
    }

    pub(super) fn numbers(&mut self, config: &Config) {
        let Config { http, session, tokens, store, cache, telemetry, throttle, idempotency, limits, .. } =
            config;
        let (accounts, jobs) = (&config.accounts, &config.jobs);
        for (path, value, range) in [
            ("http.workers", http.workers as u64, 0..=1024),
            ("http.body_limit_bytes", http.body_limit_bytes as u64, 1024..=64 << 20),
            ("http.max_connections", http.max_connections as u64, 1..=1_000_000),
            ("http.keep_alive_ms", http.keep_alive_ms.get(), 0..=3_600_000),
            ("http.client_request_timeout_ms", http.client_request_timeout_ms.get(), 100..=600_000),
            ("http.drain_delay_ms", http.drain_delay_ms.get(), 0..=600_000),
            ("http.shutdown_timeout_ms", http.shutdown_timeout_ms.get(), 0..=3_600_000),
            ("session.idle_ms", session.idle_ms.get(), 1000..=400 * DAY_MS),
            ("session.absolute_ms", session.absolute_ms.get(), 1000..=400 * DAY_MS),
            ("session.touch_ms", session.touch_ms.get(), 0..=DAY_MS),
            ("session.max_per_user", session.max_per_user.into(), 1..=100_000),
            ("tokens.access_ms", tokens.access_ms.get(), 10_000..=3_600_000),
            ("tokens.refresh_ms", tokens.refresh_ms.get(), 10_000..=400 * DAY_MS),
            ("tokens.retry_ms", tokens.retry_ms.get(), 0..=60_000),
            ("store.grace_ms", store.grace_ms.get(), 0..=3_600_000),
            ("store.sweep_ms", store.sweep_ms.get(), 100..=DAY_MS),
            ("store.timeout_ms", store.timeout_ms.get(), 10..=60_000),
            ("cache.max_bytes", cache.max_bytes, 1 << 20..=1 << 40),
            ("cache.jitter_percent", cache.jitter_percent.into(), 0..=50),
            ("cache.max_refreshes", cache.max_refreshes.into(), 0..=65_536),
            ("cache.cards_fresh_ms", cache.cards_fresh_ms.get(), 0..=DAY_MS),
            ("cache.cards_max_bytes", cache.cards_max_bytes, 1 << 20..=1 << 40),
            ("cache.upstream_max_bytes", cache.upstream_max_bytes, 0..=1 << 40),
            ("throttle.account_failures", throttle.account_failures.into(), 1..=1_000_000),
            ("throttle.address_failures", throttle.address_failures.into(), 1..=1_000_000),
            ("throttle.window_ms", throttle.window_ms.get(), 1000..=DAY_MS),
            ("idempotency.in_flight_ms", idempotency.in_flight_ms.get(), 1000..=3_600_000),
            ("idempotency.anonymous_keys", idempotency.anonymous_keys.into(), 1..=1_000_000),
            ("idempotency.anonymous_window_ms", idempotency.anonymous_window_ms.get(), 1000..=DAY_MS),
            ("accounts.exports_per_day", accounts.exports_per_day.into(), 1..=1_000_000),
            ("jobs.poll_ms", jobs.poll_ms.get(), 100..=600_000),
            ("jobs.lease_ms", jobs.lease_ms.get(), 1000..=600_000),
            ("jobs.concurrency", jobs.concurrency.into(), 1..=1024),
            ("jobs.max_jobs", jobs.max_jobs.into(), 1..=1_000_000),
            ("jobs.max_attempts", jobs.max_attempts.into(), 1..=1_000_000),
            ("jobs.backoff_ms", jobs.backoff_ms.get(), 10..=3_600_000),
            ("jobs.max_backoff_ms", jobs.max_backoff_ms.get(), 10..=DAY_MS),
            ("jobs.keep_ms", jobs.keep_ms.get(), DAY_MS..=4000 * DAY_MS),
            ("limits.anonymous.per_second", limits.anonymous.per_second.into(), 1..=1_000_000),
            ("limits.anonymous.burst", limits.anonymous.burst.into(), 1..=1_000_000),
            ("limits.user.per_second", limits.user.per_second.into(), 1..=1_000_000),
            ("limits.user.burst", limits.user.burst.into(), 1..=1_000_000),
            ("limits.caller.per_second", limits.caller.per_second.into(), 1..=1_000_000),
            ("limits.caller.burst", limits.caller.burst.into(), 1..=1_000_000),
            ("telemetry.access_sample", telemetry.access_sample.into(), 1..=1_000_000),
        ] {
            self.range(path, value, range);
        }
        self.screens(config);
    }

    pub(super) fn screens(&mut self, config: &Config) {
        for (name, screen) in &config.screens {
            for (key, value, range) in [
                ("fresh_ms", screen.fresh_ms, 0..=DAY_MS),
                ("stale_ms", screen.stale_ms, 0..=DAY_MS),
                ("deadline_ms", screen.deadline_ms, 10..=60_000),
                ("stale_if_error_ms", screen.stale_if_error_ms, 0..=DAY_MS),
                ("degraded_ms", screen.degraded_ms, 0..=60_000),
            ] {
                self.range(&format!("screens.{name}.{key}"), value.get(), range);
            }
        }
    }

    pub(super) fn listeners(&mut self, config: &Config) {
        let (http, internal) = (config.http.listen, config.internal.listen);
        let overlap =
            http.ip() == internal.ip() || http.ip().is_unspecified() || internal.ip().is_unspecified();
        let same = http.port() != 0 && http.port() == internal.port() && overlap;
        self.refuse(same, "internal.listen", "is the address of http.listen: metrics would be public");
    }

    pub(super) fn origins(&mut self, config: &Config) {
        for (index, origin) in config.cors.allowed_origins.iter().enumerate() {
            let path = format!("cors.allowed_origins[{index}]");
            if origin.contains('*') {
                let message = "`*` would let foreign sites act for signed-in users: list exact origins";
                self.mistakes.add(path, message);
                continue;
            }
            let exact = Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == *origin
            });
            if !exact {
                // Not repeated: a password may have been pasted with it.
                self.mistakes.add(path, "is not an exact origin such as https://app.example.org");
            }
        }
    }

    pub(super) fn tokens(&mut self, config: &Config) {
        let tokens = &config.tokens;
        self.refuse(tokens.access_ms > tokens.refresh_ms, "tokens.access_ms", "is above tokens.refresh_ms");
    }

    pub(super) fn cookie(&mut self, config: &Config) {
        let session = &config.session;
        let cookie = config.cookie();
        let open = session.secure == Switch::Off && !config.is_production();
        self.refuse(
            open && !config.http.listen.ip().is_loopback(),
            "session.secure",
            "false is for loopback only: http.listen is reachable from elsewhere",
        );
        self.refuse(
            session.same_site == SameSite::None && !cookie.secure,
            "session.same_site",
            "\"none\" needs a Secure cookie, or browsers drop it",
        );
        self.refuse(!is_token(&cookie.name), "session.cookie_name", "is not a cookie name (RFC 6265)");
        let prefix = cookie.name.to_ascii_lowercase();
        self.refuse(
            prefix.starts_with("__host-") && (!cookie.secure || cookie.domain.is_some()),
            "session.cookie_name",
            "`__Host-` needs a Secure cookie without a domain",
        );
        self.refuse(
            (prefix.starts_with("__secure-") || prefix.starts_with("__http-")) && !cookie.secure,
            "session.cookie_name",
            "its prefix needs a Secure cookie",
        );
        let domain = session.domain.trim_start_matches('.');
        self.refuse(
            !session.domain.is_empty()
                && !matches!(Host::parse(domain), Ok(Host::Domain(name)) if name == domain),
            "session.domain",
            "is not a domain name in lower case",
        );
    }

    pub(super) fn clear_site_data(&mut self, config: &Config) {
        let types = &config.session.clear_site_data;
        for (index, name) in types.iter().enumerate() {
            let path = format!("session.clear_site_data[{index}]");
            let known = CLEAR_SITE_DATA.contains(&name.as_str());
            self.refuse(!known, &path, &format!("must be one of {}", CLEAR_SITE_DATA.join(", ")));
            self.refuse(types[..index].contains(name), &path, "is in the list already");
        }
        let all = types.iter().any(|name| name == "*");
        self.refuse(all && types.len() > 1, "session.clear_site_data", "`*` is all of them: it stands alone");
    }

    pub(super) fn rest(&mut self, config: &Config) {
        let alone = matches!(config.store.url.scheme(), "embedded" | "memory");
        self.refuse(
            config.limits.shared && alone,
            "limits.shared",
            "needs a store that replicas share: redis:// in store.url",
        );
        if let Err(error) = EnvFilter::builder().parse(&config.telemetry.log) {
            self.refuse(true, "telemetry.log", &format!("is not a list of filter directives: {error}"));
        }
    }

    pub(super) fn production(&mut self, config: &Config) {
        self.refuse(!config.cookie().secure, "session.secure", "must not be false in production");
    }
}

/// `token` of RFC 9110, section 5.6.2: what a cookie's name is made of.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
