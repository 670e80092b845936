//! What the handlers share.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use clients::Clients;
use schemas::{Event, Id, MemberCard};
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::runtime::Handle;

use crate::{
    cache::EntityCache,
    edge::ApiError,
    idempotency::Idempotency,
    identity::{Accounts, ClaimMap, SignInThrottle},
    invalidation::{InvalidationBus, Tag},
};

/// Tells those who listen that something happened. Never waits.
pub type Announce = Box<dyn Fn(Event) + Send + Sync>;

/// What the handlers are made with.
pub struct ApiParts {
    /// Of the recipe book, as far as it is not declared.
    pub typed: Option<TypedParts>,
    /// Of the upstream that keeps accounts; nothing: no upstream does, users come from OpenID providers alone.
    pub accounts: Option<Accounts>,
    /// What the profiles of such users are made of.
    pub claims: ClaimMap,
    pub bus: Arc<InvalidationBus>,
    pub idempotency: Arc<Idempotency>,
    /// Of failed sign-ins.
    pub throttle: SignInThrottle,
    /// What is made here is told to those who listen, once: also where its POST is repeated.
    pub announce: Announce,
    /// Writes run on it.
    pub runtime: Handle,
}

/// What typed handlers are made with.
pub struct TypedParts {
    pub clients: Arc<Clients>,
    /// The cards that the screens look up as well.
    pub members: Arc<EntityCache<MemberCard>>,
    /// The recipe that each comment is on, of those that were seen lately: that never changes.
    pub comment_recipes: moka::sync::Cache<Id, Id>,
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

    /// What typed handlers need.
    #[expect(clippy::expect_used, reason = "they are registered where these parts are, and nowhere else")]
    pub(super) fn typed(&self) -> &TypedParts {
        self.0.typed.as_ref().expect("typed parts")
    }

    /// The client of the upstream that keeps accounts.
    ///
    /// # Errors
    /// 404 where no upstream does.
    pub(super) fn accounts(&self) -> Result<&Accounts, ApiError> {
        self.0.accounts.as_ref().ok_or(ApiError::NotFound)
    }

    /// Tells the subscribers of `topic` that `made` is new. They are not the acting user: nothing personal belongs in
    /// it. `tags` are what the write made stale for everybody, for a replica that has not heard of it.
    pub(super) fn announce<const N: usize>(
        &self,
        topic: &Tag,
        kind: &str,
        tags: [Tag; N],
        made: &impl Serialize,
    ) {
        // A message without its data still says that there is something to be read.
        let data = to_raw_value(made).ok();
        let topic = topic.as_str().to_owned();
        let tags = tags.iter().map(|tag| tag.as_str().to_owned()).collect();
        (self.0.announce)(Event { topic, kind: kind.to_owned(), data, tags });
    }

    /// The handlers' part of the application that `request` came to.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let api = request.app_data::<web::Data<Self>>().map(|api| Self::clone(api));
        api.ok_or(ApiError::Internal("the application was built without its api"))
    }
}
