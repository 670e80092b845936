//! What the handlers share.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, OnceLock},
};

use actix_web::{HttpRequest, http::header::COOKIE};

use super::provider::Provider;
use crate::{
    edge::ApiError,
    identity::{
        AllowedOrigins,
        oidc::{Attempts, ProviderSessions, SecondStep},
    },
    telemetry::unix_ms,
};

/// What the handlers are made with.
#[derive(Debug)]
pub struct OidcParts {
    /// By the name that stands in their paths.
    pub providers: BTreeMap<String, Provider>,
    pub attempts: Attempts,
    pub sessions: ProviderSessions,
    /// Of which pages people may return to.
    pub origins: Arc<AllowedOrigins>,
    /// Where browsers reach the gateway, without a closing slash; nothing: where it listens, see [`Oidc::listens_at`].
    pub public_url: Option<String>,
}

/// What the handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Oidc(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    parts: OidcParts,
    public_url: OnceLock<String>,
}

impl std::ops::Deref for Oidc {
    type Target = OidcParts;
    fn deref(&self) -> &OidcParts {
        &self.0.parts
    }
}

impl Oidc {
    /// One for all workers.
    #[must_use]
    pub fn new(parts: OidcParts) -> Self {
        let public_url = parts.public_url.clone().map(OnceLock::from).unwrap_or_default();
        Self(Arc::new(Shared { parts, public_url }))
    }

    /// The gateway listens there: browsers are to come back there unless they were told another place.
    pub fn listens_at(&self, address: SocketAddr) {
        let ip = match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        self.0.public_url.get_or_init(|| format!("http://{}", SocketAddr::new(ip, address.port())));
    }

    /// Where `provider` sends browsers back to.
    pub(super) fn redirect_uri(&self, provider: &Provider) -> Result<String, ApiError> {
        let base = self.0.public_url.get().ok_or(ApiError::Internal("nobody said where the gateway is"))?;
        Ok(format!("{base}/auth/oidc/{}/callback", provider.name))
    }

    /// The second step that the browser is at.
    pub(super) fn second_step(&self, request: &HttpRequest, provider: &Provider) -> Option<SecondStep> {
        let cookies = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
        self.attempts.open_second_step(cookies, &provider.name, unix_ms())
    }

    /// The provider in the path of `request`.
    pub(super) fn provider(&self, request: &HttpRequest) -> Result<&Provider, ApiError> {
        let name = request.match_info().get("provider").unwrap_or_default();
        self.providers.get(name).ok_or(ApiError::NotFound)
    }
}
