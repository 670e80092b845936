//! What the handlers share.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use super::leaving::{Departed, ExportLimit, MemberCalls};
use crate::{
    edge::ApiError,
    idempotency::Idempotency,
    identity::{Accounts, ClaimMap, OptionalCall, SignInThrottle},
    invalidation::InvalidationBus,
};

/// Where accounts are.
pub struct AccountsSource {
    /// Of the upstream that keeps them; nothing: none does, users come from OpenID providers alone.
    pub accounts: Option<Accounts>,
    /// What the profiles of such users are made of.
    pub claims: ClaimMap,
    /// What is asked of upstreams when a member leaves, or takes their data along.
    pub calls: MemberCalls,
}

/// What the handlers are made with.
pub struct ApiParts {
    /// Where accounts are at first.
    pub source: AccountsSource,
    pub bus: Arc<InvalidationBus>,
    pub idempotency: Arc<Idempotency>,
    /// Of failed sign-ins.
    pub throttle: SignInThrottle,
    /// Members who leave or have left.
    pub departed: Departed,
    /// How often a member may take their data along.
    pub exports: ExportLimit,
    /// Writes run on it.
    pub runtime: Handle,
}

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// What one application has of them.
pub struct Shared {
    pub(super) bus: Arc<InvalidationBus>,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) throttle: SignInThrottle,
    pub(super) departed: Departed,
    pub(super) exports: ExportLimit,
    pub(super) runtime: Handle,
    source: ArcSwap<AccountsSource>,
}

impl std::ops::Deref for Api {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Api {
    /// One for all workers.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        let ApiParts { source, bus, idempotency, throttle, departed, exports, runtime } = parts;
        let source = ArcSwap::from_pointee(source);
        Self(Arc::new(Shared { bus, idempotency, throttle, departed, exports, runtime, source }))
    }

    /// Accounts are elsewhere from now on: declarations have been read again.
    pub fn find_accounts_at(&self, source: AccountsSource) {
        self.0.source.store(Arc::new(source));
    }

    /// Where accounts are.
    pub(super) fn source(&self) -> Arc<AccountsSource> {
        self.0.source.load_full()
    }

    /// The client of the upstream that keeps accounts.
    ///
    /// # Errors
    /// 404 where no upstream does.
    pub(super) fn accounts(&self) -> Result<Accounts, ApiError> {
        self.0.source.load().accounts.clone().ok_or(ApiError::NotFound)
    }

    /// The same, where it has `call`.
    ///
    /// # Errors
    /// 404 where no upstream keeps accounts, or it does not have that.
    pub(super) fn accounts_with(&self, call: OptionalCall) -> Result<Accounts, ApiError> {
        let accounts = self.accounts()?;
        if accounts.offers(call) { Ok(accounts) } else { Err(ApiError::NotFound) }
    }

    /// What is asked of upstreams when a member leaves.
    pub(super) fn member_calls(&self) -> MemberCalls {
        self.0.source.load().calls.clone()
    }

    /// The handlers' part of the application that `request` came to.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let api = request.app_data::<web::Data<Self>>().map(|api| Self::clone(api));
        api.ok_or(ApiError::Internal("the application was built without its api"))
    }
}
