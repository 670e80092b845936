//! What all writes have in common: they run to their end whatever the caller does, and drop what they made old.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use clients::{CallContext, ClientKind, Clients, UpstreamError};
use schemas::{FieldError, Id};
use serde::Serialize;
use tokio::runtime::Handle;

use crate::{
    cache::{Drops, Tag},
    edge::{ApiError, RequestContext, SignedIn},
};

/// What a call to an upstream may take at most here; an upstream's own timeout is usually shorter.
const BUDGET: Duration = Duration::from_secs(10);

/// What the handlers are made with.
pub struct ApiParts {
    pub clients: Arc<Clients>,
    pub drops: Arc<Drops>,
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

/// What a write changes.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The writer's documents that depend on these are gone.
    pub(super) mine: Vec<Tag>,
    /// Everybody's documents that depend on these are stale.
    pub(super) everybodys: Vec<Tag>,
}

impl Api {
    /// One for all workers.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Carries out a write for `caller`, then drops what `changes` names. A caller that hangs up stops
    /// neither: a write that reached its upstream must not leave old documents behind.
    pub(super) async fn write<T, Fut>(
        &self,
        request: &HttpRequest,
        caller: &SignedIn,
        write: impl FnOnce(Arc<Clients>, CallContext) -> Fut,
        changes: impl FnOnce(Option<&T>) -> Changes + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, UpstreamError>> + Send + 'static,
    {
        let context = RequestContext::of(request);
        let caller = caller.caller();
        let cx = caller.call_context(context.request_id(), context.traceparent(), BUDGET);
        let writing = write(Arc::clone(&self.clients), cx);
        let (drops, user) = (Arc::clone(&self.drops), caller.user.clone());
        let task = self.runtime.spawn(async move {
            let written = writing.await;
            // A write that failed for want of an answer may have been carried out all the same.
            if !written.as_ref().is_err_and(was_refused) {
                let changes = changes(written.as_ref().ok());
                drops.hard(&user, &changes.mine);
                drops.soft(&changes.everybodys);
            }
            written
        });
        task.await.map_err(|_| ApiError::Internal("a write was lost"))?.map_err(refusal)
    }
}

/// The context of a call on behalf of somebody who is not signed in.
pub(super) fn nobodys_context(request: &HttpRequest) -> CallContext {
    let context = RequestContext::of(request);
    CallContext {
        acting: None,
        client: ClientKind::Web,
        request_id: context.request_id().into(),
        traceparent: context.traceparent(),
        deadline: Instant::now() + BUDGET,
    }
}

/// An id out of the path; what cannot be one names nothing.
pub(super) fn id(path: &web::Path<String>) -> Result<Id, ApiError> {
    Id::new(path).map_err(|_| ApiError::NotFound)
}

/// 201 with what was made and where it is.
pub(super) fn created(location: String, made: &impl Serialize) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(made)
}

fn was_refused(error: &UpstreamError) -> bool {
    error.status().is_some_and(|status| status.is_client_error())
}

/// Codes of upstreams that callers are to see, and what is said of them. Everything else that an upstream
/// refuses is the gateway's fault or secret.
const REFUSALS: [(StatusCode, &str, &str); 6] = [
    (StatusCode::CONFLICT, "email_taken", "Another account has this e-mail address."),
    (StatusCode::CONFLICT, "username_taken", "Another account has this user name."),
    (StatusCode::FORBIDDEN, "own_recipe", "One's own recipe cannot be liked."),
    (StatusCode::FORBIDDEN, "not_author", "Only the author may do this."),
    (StatusCode::NOT_FOUND, "not_found", "There is nothing here by that name."),
    (StatusCode::FORBIDDEN, "forbidden", "This is not yours to do."),
];

/// What callers see of an upstream's refusal.
pub(super) fn refusal(error: UpstreamError) -> ApiError {
    let (Some(status), code) = (error.status(), error.problem_code()) else {
        return ApiError::Upstream(error);
    };
    if status.as_u16() == 422 && !error.field_errors().is_empty() {
        return ApiError::Invalid(error.field_errors().iter().map(in_our_words).collect());
    }
    let known = REFUSALS.iter().find(|(known, name, _)| known.as_u16() == status && Some(*name) == code);
    match known {
        Some((status, code, detail)) => ApiError::Refused { status: *status, code, detail },
        None => ApiError::Upstream(error),
    }
}

/// An upstream's word on a field: which one and the code pass, where they are plain; its prose does not.
fn in_our_words(error: &FieldError) -> FieldError {
    let plain = |text: &str, extra: &[u8]| {
        text.len() <= 100
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || extra.contains(&b))
    };
    let field = if plain(&error.field, b".[]-") { error.field.as_str() } else { "" };
    let code = if plain(&error.code, b"") { error.code.as_str() } else { "invalid" };
    FieldError {
        field: field.into(),
        code: code.into(),
        message: "refused by the service that keeps it".into(),
    }
}
