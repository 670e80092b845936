//! What all writes have in common: they run to their end whatever the caller does, and purge what they made old.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header::CACHE_CONTROL};
use clients::{CallContext, Clients, UpstreamError};
use schemas::{Id, MemberCard};
use serde::Serialize;

use super::{
    Api,
    calling::call_context,
    refusals::{may_be_done, refusal, was_refused},
};
use crate::{
    edge::{ApiError, SignedIn},
    idempotency::Created,
    identity::Caller,
    invalidation::Tag,
};

/// A signed-in caller who wants to change something, checked for forgery.
pub struct Writer {
    request: HttpRequest,
    api: Api,
    caller: Caller,
}

/// What a write changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The writer's documents that depend on these are gone.
    pub(super) mine: Vec<Tag>,
    /// Everybody's documents that depend on these are stale.
    pub(super) everybodys: Vec<Tag>,
    /// What exists no more: everybody's documents about it are gone, and with them what is public and has it in it.
    pub(super) gone: Vec<Tag>,
}

impl Changes {
    /// The same for the writer and for everybody else.
    pub(super) fn of<const N: usize>(tags: [Tag; N]) -> Self {
        Self { mine: tags.to_vec(), everybodys: tags.to_vec(), gone: Vec::new() }
    }

    /// And what `tag` names is deleted.
    pub(super) fn and_gone(mut self, tag: Tag) -> Self {
        self.gone.push(tag);
        self
    }

    /// And more of the writer's own.
    pub(super) fn and_mine<const N: usize>(mut self, tags: [Tag; N]) -> Self {
        self.mine.extend(tags);
        self
    }
}

impl FromRequest for Writer {
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

impl Writer {
    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn me(&self) -> &Id {
        &self.caller.user
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The writer as everybody sees them: the author of what is being written.
    pub(super) fn card(&self) -> MemberCard {
        let me = &self.caller.session.profile;
        MemberCard {
            id: me.id().clone(),
            username: me.username().unwrap_or_default().to_owned(),
            display_name: me.display_name().unwrap_or_default().to_owned(),
            avatar_url: me.avatar_url().map(str::to_owned),
        }
    }

    /// Carries out a write and purges what `changes` names, which is told the answer if there is one.
    pub(super) async fn change<T, Fut>(
        self,
        changes: impl FnOnce(Option<&T>) -> Changes + Send + 'static,
        write: impl FnOnce(Arc<Clients>, CallContext) -> Fut,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        let writing = self.writing(changes, write);
        self.api.to_its_end(writing).await?.map_err(refusal)
    }

    /// The same for a write that answers nothing: 204.
    pub(super) async fn perform<Fut>(
        self,
        changes: Changes,
        write: impl FnOnce(Arc<Clients>, CallContext) -> Fut,
    ) -> Result<HttpResponse, ApiError>
    where
        Fut: Future<Output = Result<(), UpstreamError>> + Send + 'static,
    {
        self.change(move |_| changes, write).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// The same for a POST: 201 with what `made` says of the answer, at most once for each `Idempotency-Key`.
    pub(super) async fn create<I, T, Fut>(
        self,
        input: I,
        changes: Changes,
        write: impl FnOnce(Arc<Clients>, CallContext, I) -> Fut,
        made: impl FnOnce(&T) -> Result<Created, ApiError> + Send + 'static,
    ) -> Result<HttpResponse, ApiError>
    where
        I: Serialize,
        T: Send + 'static,
        Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        let keyed = self.api.idempotency.keyed(&self.request, Some(self.me()), &input)?;
        let writing = self.writing(move |_| changes, |clients, cx| write(clients, cx, input));
        self.api.create(keyed, writing, made).await
    }

    fn writing<T, Fut>(
        &self,
        changes: impl FnOnce(Option<&T>) -> Changes + Send + 'static,
        write: impl FnOnce(Arc<Clients>, CallContext) -> Fut,
    ) -> impl Future<Output = Result<T, UpstreamError>> + Send + 'static
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        let cx = call_context(&self.request, Some(&self.caller));
        let writing = write(Arc::clone(&self.api.typed().clients), cx);
        let (api, me) = (self.api.clone(), self.me().clone());
        async move {
            let written = writing.await;
            // A write that failed for want of an answer may have been carried out all the same.
            if !written.as_ref().is_err_and(was_refused) {
                let Changes { mine, mut everybodys, gone } = changes(written.as_ref().ok());
                if written.as_ref().is_err_and(|error| !may_be_done(error)) {
                    // It was not this write that deleted it, and for others it may be there.
                    everybodys.extend(gone);
                    api.bus.written(&me, &mine, &everybodys).await;
                } else {
                    api.bus.deleted(&me, &mine, &everybodys, &gone).await;
                }
            }
            written
        }
    }
}

impl Api {
    /// A caller that hangs up stops no write: one that reached its upstream must not leave old documents behind.
    pub(super) async fn to_its_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.runtime.spawn(work).await.map_err(|_| ApiError::Interrupted("a write was lost"))
    }
}

/// 200 with something as it is after a write.
pub(super) fn changed(document: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(document)
}
