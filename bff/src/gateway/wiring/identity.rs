//! Who callers are: sessions, their cookies, and what guards them.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;

use crate::{
    config::{self, Config},
    edge::{Callers, TrustedProxies},
    identity::{
        AllowedOrigins, CookieSettings, CsrfGuard, CsrfKeys, SameSite, Secrets, SessionPolicy, ThrottlePolicy,
    },
    store::Store,
    telemetry::unix_ms,
};

pub(in super::super) fn session_policy(config: &Config) -> SessionPolicy {
    SessionPolicy {
        idle: config.session.idle_ms.into(),
        absolute: config.session.absolute_ms.into(),
        touch_every: config.touch_every(),
        grace: config.store.grace_ms.into(),
        max_per_user: usize::try_from(config.session.max_per_user).unwrap_or(usize::MAX),
        ..SessionPolicy::default()
    }
}

pub(in super::super) fn throttle_policy(config: &Config, store: &Arc<dyn Store>) -> ThrottlePolicy {
    // A store of one process has only its attempts in flight.
    let life = if store.shared().is_some() { 0 } else { unix_ms() };
    ThrottlePolicy {
        life,
        account_failures: config.throttle.account_failures,
        address_failures: config.throttle.address_failures,
        window: config.throttle.window_ms.into(),
        ..ThrottlePolicy::default()
    }
}

pub(in super::super) fn csrf_guard(
    config: &Config,
    secrets: Arc<Secrets>,
    origins: Arc<AllowedOrigins>,
) -> CsrfGuard {
    let keys = CsrfKeys::new(secrets);
    let cross_site = config.cookie().same_site == config::SameSite::None;
    // An exact origin, or empty: checked with the settings.
    let public = AllowedOrigins::new(Some(&config.http.public_url).filter(|url| !url.is_empty()));
    CsrfGuard::new(Arc::new(keys), origins, Arc::new(public.unwrap_or_default()), cross_site)
}

pub(in super::super) fn cookie_settings(config: &Config) -> CookieSettings {
    let cookie = config.cookie();
    CookieSettings {
        name: cookie.name,
        domain: cookie.domain,
        path: "/".into(),
        secure: cookie.secure,
        same_site: match cookie.same_site {
            config::SameSite::Lax => SameSite::Lax,
            config::SameSite::Strict => SameSite::Strict,
            config::SameSite::None => SameSite::None,
        },
        http_only: true,
    }
}

/// The refresh token goes to the paths that take it, and from our own site alone, unless the front-ends are on another
/// one: then the origin check is what is left, as for the session.
pub(in super::super) fn refresh_cookie_settings(config: &Config) -> CookieSettings {
    let session = cookie_settings(config);
    CookieSettings {
        name: "rt".into(),
        domain: None,
        path: "/auth".into(),
        same_site: if session.same_site == SameSite::None { SameSite::None } else { SameSite::Strict },
        ..session
    }
}

/// Nothing where a sign-out is to clear no more than its cookie.
pub(in super::super) fn clear_site_data(config: &Config) -> Option<HeaderValue> {
    let quoted: Vec<_> = config.session.clear_site_data.iter().map(|name| format!("\"{name}\"")).collect();
    // Names that were checked with the settings: always a header value.
    HeaderValue::from_str(&quoted.join(", ")).ok().filter(|value| !value.is_empty())
}

pub(in super::super) fn callers(config: &Config) -> Callers {
    let known = |(name, caller): (&String, &config::CallerConfig)| Some((name.clone(), caller.token_hash()?));
    config.callers.iter().filter_map(known).collect()
}

pub(in super::super) fn trusted_proxies(config: &Config) -> TrustedProxies {
    config.http.trusted_proxies.iter().map(|network| network.addresses()).collect()
}
