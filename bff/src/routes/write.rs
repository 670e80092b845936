//! Writes: carried out to their end, and what they make old is invalidated before they are answered.

use std::sync::Arc;

use actix_web::{HttpResponse, dev::Payload, http::header::IF_MATCH};
use bytes::Bytes;
use clients::{CallContext, RawCall, UpstreamError};
use http::{HeaderValue, Method, StatusCode as UpstreamStatus};
use schemas::Event;
use serde_json::{Value, value::RawValue};

use super::{
    Routes, body,
    call::prepare,
    invalidates::Invalidates,
    refusal::{may_be_done, was_refused},
    serve::Asked,
    shape::Shaped,
    values::{Answered, Values},
};
use crate::{
    compose::{params::Params, plan::RoutePlan},
    edge::{ApiError, accepts_json, ended_meanwhile, read_body},
    idempotency::{Created, State},
    identity::Caller,
};

/// Serves a write.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn write(asked: Asked, mut payload: Payload) -> Result<HttpResponse, ApiError> {
    let Asked { request, route, .. } = &asked;
    let mut call = prepare(route, &asked.values(), "")?;
    // A write must not be carried out for an answer that its caller does not take.
    if route.body.is_some() || route.status != 204 {
        accepts_json(request)?;
    }
    let mut input = Value::Null;
    if let Some(plan) = &route.body {
        let bytes = read_body(request, &mut payload, &plan.media_type)?.await?;
        input = body::canonical(&body::checked(plan, &bytes)?);
        call.headers.insert(http::header::CONTENT_TYPE, media_type(&plan.media_type)?);
        call.body = Some(bytes);
    }
    if let Some(wanted) = request.headers().get(IF_MATCH).filter(|_| route.if_match)
        && let Ok(wanted) = HeaderValue::from_bytes(wanted.as_bytes())
    {
        call.headers.insert(http::header::IF_MATCH, wanted);
    }
    let user = asked.caller.as_ref().map(|caller| caller.user.clone());
    let keyed = if route.idempotent_key && route.method == Method::POST {
        asked.routes.idempotency.keyed(request, user.as_ref(), &input)?
    } else {
        None
    };
    let (request, routes, caller) = (asked.request.clone(), asked.routes.clone(), asked.caller.clone());
    let is_own = route.profile;
    let mutation = Mutation::of(asked, call);
    let answered = match keyed {
        Some(keyed) => {
            let idempotency = Arc::clone(&routes.idempotency);
            let once = async move { idempotency.once(&keyed, mutation.carry_out()).await };
            routes.run_detached(once).await?.map(crate::idempotency::Once::response)
        }
        None => routes.run_detached(mutation.carry_out()).await?.0.map(Created::response),
    };
    match (answered, caller) {
        (Err(error), Some(caller)) if is_own => {
            Err(ended_meanwhile(&request, &caller).await.unwrap_or(error))
        }
        (answered, _) => answered,
    }
}

fn media_type(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::Internal("a media type of the plan is no header"))
}

/// A write, apart from the request that it came with.
struct Mutation {
    routes: Routes,
    route: Arc<RoutePlan>,
    caller: Option<Caller>,
    params: Params,
    cx: CallContext,
    call: RawCall,
}

impl Mutation {
    fn of(asked: Asked, call: RawCall) -> Self {
        let Asked { routes, route, caller, params, cx, .. } = asked;
        Self { routes, route, caller, params, cx, call }
    }

    /// Its answer, and what is kept of it for its key: nothing where nothing was carried out.
    async fn carry_out(mut self) -> (Result<Created, ApiError>, Option<State>) {
        let call = std::mem::replace(&mut self.call, RawCall::get("", String::new()));
        let upstream = match self.routes.upstream(self.route.call.upstream) {
            Ok(upstream) => upstream.clone(),
            Err(error) => return (Err(error), None),
        };
        let before = Values::of(&self.params, self.caller.as_ref());
        match upstream.call(&self.cx, call).await {
            Ok(answer) => match self.routes.shape(&self.route, &self.cx, &before, &answer).await {
                Ok(shaped) => self.succeeded(shaped).await,
                Err(error) => {
                    self.invalidate(None, true).await;
                    (Err(error), Some(State::Unknown))
                }
            },
            Err(error) => self.failed(error).await,
        }
    }

    async fn succeeded(&self, shaped: Shaped) -> (Result<Created, ApiError>, Option<State>) {
        let Shaped { body, answered, .. } = shaped;
        let body = match document(&body) {
            Ok(body) => body,
            Err(error) => {
                self.invalidate(Some(&answered), true).await;
                return (Err(error), Some(State::Unknown));
            }
        };
        if let Some(profile) = body.as_deref().filter(|_| self.route.profile) {
            self.routes.take_over(profile).await;
        }
        let invalidates = self.invalidate(Some(&answered), true).await;
        let values = Values { answered: Some(&answered), ..Values::of(&self.params, self.caller.as_ref()) };
        if let Some(announcement) = &self.route.announce
            && let Some(topic) = values.template(&announcement.topic)
        {
            let tags = invalidates.everybodys().iter().map(|tag| tag.as_str().to_owned()).collect();
            let (topic, kind) = (topic.into_owned(), announcement.kind.to_string());
            (self.routes.announce)(Event { topic, kind, data: body.clone(), tags });
        }
        let location = self.route.location.as_ref();
        let location =
            location.and_then(|location| values.template(&location.0)).map(std::borrow::Cow::into_owned);
        let created = Created { status: self.route.status, location, body };
        (Ok(created.clone()), Some(State::Made(created)))
    }

    async fn failed(&self, error: UpstreamError) -> (Result<Created, ApiError>, Option<State>) {
        let is_done = may_be_done(&error);
        let is_missing = matches!(error.status(), Some(UpstreamStatus::NOT_FOUND | UpstreamStatus::GONE));
        if let Some(caller) = self.caller.as_ref().filter(|_| is_missing && self.route.profile) {
            self.routes.ask_for_account(caller, &self.cx).await;
        }
        if !was_refused(&error) {
            self.invalidate(None, is_done).await;
        }
        (Err(self.routes.refused(&self.route, error)), is_done.then_some(State::Unknown))
    }

    /// Invalidates what the write made old, as far as it is known what that is.
    async fn invalidate(&self, answered: Option<&Answered>, is_done: bool) -> Invalidates {
        let values = Values { answered, ..Values::of(&self.params, self.caller.as_ref()) };
        let recalled: Vec<Option<Box<str>>> = self
            .route
            .recall
            .iter()
            .map(|recall| self.routes.recall(recall.table, &values.text(&recall.key)?))
            .collect();
        let forgot = recalled.iter().any(Option::is_none);
        let invalidates = Invalidates::of(&self.route, &Values { recalled: &recalled, ..values }, forgot);
        let user = self.caller.as_ref().map(|caller| &caller.user);
        invalidates.apply(&self.routes, user, is_done).await;
        invalidates
    }
}

/// The answer as it is kept; nothing where it has no content.
fn document(body: &Bytes) -> Result<Option<Box<RawValue>>, ApiError> {
    if body.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(body).map(Some).map_err(|_| ApiError::Internal("an answer cannot be kept"))
}
