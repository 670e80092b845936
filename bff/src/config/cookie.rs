//! The session cookie's name and attributes, worked out from the configuration (DESIGN: identity).

use super::{Config, SameSite, Switch};

/// What a session's `Set-Cookie` says besides the id (RFC 6265bis). `HttpOnly` and `Path=/` are always said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSettings {
    /// A cookie name; its prefix (`__Host-`, `__Secure-`, `__Http-`) fits the attributes.
    pub name: String,
    pub secure: bool,
    pub same_site: SameSite,
    /// `None`: the cookie belongs to the host alone.
    pub domain: Option<String>,
}

impl CookieSettings {
    pub(super) fn of(config: &Config) -> Self {
        let session = &config.session;
        let secure = match session.secure {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => {
                // Browsers drop `SameSite=None` without `Secure`.
                config.is_production()
                    || !config.http.listen.ip().is_loopback()
                    || session.same_site == SameSite::None
            }
        };
        let domain = (!session.domain.is_empty()).then(|| session.domain.clone());
        let name = match (session.cookie_name.as_str(), secure) {
            ("", false) => "sid",
            ("", true) if domain.is_none() && session.same_site != SameSite::None => "__Host-Http-sid",
            ("", true) => "__Http-sid",
            (name, _) => name,
        };
        Self { name: name.to_owned(), secure, same_site: session.same_site, domain }
    }
}
