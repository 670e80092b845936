//! What the edge's middleware and extractors share.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, http::header::HeaderValue, web};

use super::{ApiError, Callers, RateLimits, TrustedProxies};
use crate::{
    identity::{AppTokens, CookieSettings, CsrfGuard, Sessions},
    telemetry::{AccessLog, Metrics, UserHasher},
};

const NO_EDGE: ApiError = ApiError::Internal("the application was built without its edge");

/// What the edge is made of.
#[derive(Clone)]
pub struct EdgeParts {
    pub sessions: Sessions,
    pub csrf: CsrfGuard,
    /// Sign-ins of apps.
    pub tokens: AppTokens,
    /// Of sessions.
    pub cookie: CookieSettings,
    /// Of refresh tokens that apps in browsers do not keep themselves.
    pub refresh_cookie: CookieSettings,
    /// `Clear-Site-Data` of a sign-out; nothing: it has none.
    pub clear_site_data: Option<HeaderValue>,
    pub metrics: Arc<Metrics>,
    pub access: AccessLog,
    pub users: UserHasher,
    /// Servers that call on behalf of browsers.
    pub callers: Callers,
    pub trusted_proxies: TrustedProxies,
    /// Nothing: nobody is limited.
    pub limits: Option<RateLimits>,
    /// Longest request body, in bytes.
    pub body_limit: usize,
    /// Longest time that a request body may take to come.
    pub body_timeout: Duration,
    /// `Strict-Transport-Security` with every answer.
    pub hsts: bool,
}

/// One for all workers. Cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<EdgeParts>);

impl std::ops::Deref for Edge {
    type Target = EdgeParts;
    fn deref(&self) -> &EdgeParts {
        &self.0
    }
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

impl Edge {
    /// One for all workers.
    #[must_use]
    pub fn new(parts: EdgeParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The same for the operator's listener, whose bodies may be so long. Nobody is limited there.
    #[must_use]
    pub fn of_operator(&self, body_limit: usize) -> Self {
        Self::new(EdgeParts { body_limit, limits: None, ..(*self.0).clone() })
    }

    /// [`Self::of`], to be kept while the request is passed on. It is counted where only one worker counts.
    pub(super) fn held(request: &HttpRequest) -> Result<web::Data<Self>, ApiError> {
        request.app_data::<web::Data<Self>>().cloned().ok_or(NO_EDGE)
    }

    /// The edge of the application that `request` came to.
    pub(super) fn of(request: &HttpRequest) -> Result<&Self, ApiError> {
        let edge = request.app_data::<web::Data<Self>>().map(web::Data::get_ref);
        edge.ok_or(NO_EDGE)
    }
}
