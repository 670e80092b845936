//! What the handlers share.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use tokio::runtime::Handle;

use crate::{
    edge::ApiError,
    idempotency::Idempotency,
    identity::{Accounts, ClaimMap, SignInThrottle},
    invalidation::InvalidationBus,
};

/// What the handlers are made with.
pub struct ApiParts {
    /// Of the upstream that keeps accounts; nothing: no upstream does, users come from OpenID providers alone.
    pub accounts: Option<Accounts>,
    /// What the profiles of such users are made of.
    pub claims: ClaimMap,
    pub bus: Arc<InvalidationBus>,
    pub idempotency: Arc<Idempotency>,
    /// Of failed sign-ins.
    pub throttle: SignInThrottle,
    /// Writes run on it.
    pub runtime: Handle,
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<ApiParts>);

impl std::ops::Deref for Api {
    type Target = ApiParts;
    fn deref(&self) -> &ApiParts {
        &self.0
    }
}

impl Api {
    /// One for all workers.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The client of the upstream that keeps accounts.
    ///
    /// # Errors
    /// 404 where no upstream does.
    pub(super) fn accounts(&self) -> Result<&Accounts, ApiError> {
        self.0.accounts.as_ref().ok_or(ApiError::NotFound)
    }

    /// The handlers' part of the application that `request` came to.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let api = request.app_data::<web::Data<Self>>().map(|api| Self::clone(api));
        api.ok_or(ApiError::Internal("the application was built without its api"))
    }
}
