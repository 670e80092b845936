//! Changes of an account: they run to their end whatever the caller does, and purge what they made old.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use clients::{CallContext, UpstreamError};
use schemas::Id;

use super::{
    Api,
    call_context::call_context,
    refusals::{may_be_done, refusal, was_refused},
};
use crate::{
    edge::{ApiError, SignedIn},
    identity::Caller,
    invalidation::Tag,
};

/// A signed-in caller who wants to change something, checked for forgery.
pub(super) struct Mutation {
    request: HttpRequest,
    api: Api,
    caller: Caller,
}

impl FromRequest for Mutation {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, caller) = (request.clone(), SignedIn::from_request(request, payload));
        Box::pin(async move {
            let caller = caller.await?.caller().clone();
            let api = Api::of(&request)?;
            Ok(Self { request, api, caller })
        })
    }
}

impl Mutation {
    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn me(&self) -> &Id {
        &self.caller.user
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Carries out a write. All of the writer's documents are gone before it is answered: which of them show an account is
    /// for a product to say.
    pub(super) async fn change<T, Fut>(self, write: impl FnOnce(CallContext) -> Fut) -> Result<T, ApiError>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        self.change_by(write, refusal).await
    }

    /// The same; `refusal` says what the caller sees of an upstream's refusal.
    pub(super) async fn change_by<T, Fut>(
        self,
        write: impl FnOnce(CallContext) -> Fut,
        refusal: impl FnOnce(UpstreamError) -> ApiError,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        let writing = write(call_context(&self.request, Some(&self.caller)));
        let (api, me) = (self.api.clone(), self.me().clone());
        let change = async move {
            let written = writing.await;
            // A write that failed for want of an answer may have been carried out all the same.
            if !written.as_ref().is_err_and(|error| was_refused(error) || !may_be_done(error)) {
                api.bus.written(&me, &[Tag::everything()], &[]).await;
            }
            written
        };
        self.api.run_detached(change).await?.map_err(refusal)
    }
}

impl Api {
    /// A caller that hangs up stops no write: one that reached its upstream must not leave old documents behind.
    pub(super) async fn run_detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.runtime.spawn(work).await.map_err(|_| ApiError::Interrupted("a write was lost"))
    }
}
