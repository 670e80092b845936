//! Writes: carried out to their end, and what they make old is invalidated before they are answered.

use std::sync::Arc;

use actix_web::{HttpResponse, dev::Payload, http::header::IF_MATCH};
use bytes::Bytes;
use clients::{CallContext, RawAnswer, RawCall, UpstreamError};
use http::{HeaderValue, Method, StatusCode as UpstreamStatus};
use schemas::Event;
use serde_json::{Value, value::RawValue};

use super::{
    Routes,
    asked::Asked,
    asker::{Answered, Asker},
    body,
    call::call_of,
    files,
    invalidates::Invalidates,
    refusal::{may_be_done, was_refused},
    route::Route,
    shape::Shaped,
    stream::has_body,
};
use crate::{
    compose::{
        engine::Values,
        params::Params,
        plan::{ParamSource, ParamValue},
    },
    edge::{ApiError, ended_meanwhile, read_body},
    idempotency::{Created, State},
};

/// Serves a write.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn write(asked: Asked, mut payload: Payload) -> Result<HttpResponse, ApiError> {
    let Asked { request, route, .. } = &asked;
    let mut call = call_of(route, &asked.values(), request.query_string())?;
    let mut input = Value::Null;
    if let Some(plan) = route.body.as_ref().filter(|plan| plan.required || has_body(request)) {
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
    let keyed = if route.idempotent_key && route.method == Method::POST {
        let input = (&input, query_params(&asked));
        let user = asked.asker.user();
        // What has no such parameters is told apart by its body alone.
        if input.1.is_empty() {
            asked.routes.idempotency.keyed(request, user, input.0)?
        } else {
            asked.routes.idempotency.keyed(request, user, &input)?
        }
    } else {
        None
    };
    let named = files::named(route, &input);
    let (request, routes, caller) = (asked.request.clone(), asked.routes.clone(), asked.asker.caller.clone());
    let is_own = route.profile;
    let mutation = Mutation::of(asked, call, named);
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

/// What the caller gave in the query: with another value it is another request.
fn query_params(asked: &Asked) -> Vec<(&str, String)> {
    let given = asked.route.params.iter().zip(&asked.params).filter_map(|(plan, value)| {
        let is_given = plan.source == ParamSource::Query;
        let text = match value.as_ref().filter(|_| is_given)? {
            ParamValue::Text(text) => text.to_string(),
            ParamValue::Integer(number) => number.to_string(),
            ParamValue::Boolean(one) => one.to_string(),
        };
        Some((&*plan.name, text))
    });
    given.collect()
}

fn media_type(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::Internal("a media type of the plan is no header"))
}

/// A write, apart from the request that it came with.
struct Mutation {
    routes: Routes,
    route: Arc<Route>,
    asker: Asker,
    params: Params,
    cx: CallContext,
    call: RawCall,
    /// Keys of files in the body.
    named: Vec<String>,
}

impl Mutation {
    fn of(asked: Asked, call: RawCall, named: Vec<String>) -> Self {
        let Asked { routes, route, asker, params, cx, .. } = asked;
        Self { routes, route, asker, params, cx, call, named }
    }

    /// Its answer, and what is kept of it for its key: nothing where nothing was carried out.
    async fn carry_out(mut self) -> (Result<Created, ApiError>, Option<State>) {
        // A refusal leaves an `Idempotency-Key` free; a replay is not checked again.
        let named = std::mem::take(&mut self.named);
        if let Err(error) =
            files::check(&self.routes, &self.route, self.asker.user().map(schemas::Id::as_str), named).await
        {
            return (Err(error), None);
        }
        let call = std::mem::replace(&mut self.call, RawCall::get("", String::new()));
        let upstream = match self.routes.upstream(self.route.call.upstream) {
            Ok(upstream) => upstream.clone(),
            Err(error) => return (Err(error), None),
        };
        match upstream.call(&self.cx, call).await {
            Ok(answer) => match self.shape(&answer).await {
                Ok(shaped) => self.succeeded(shaped, &answer.body).await,
                Err(error) => {
                    self.invalidate(&mut Answered::default(), true).await;
                    (Err(error), Some(State::Unknown))
                }
            },
            Err(error) => self.failed(error).await,
        }
    }

    async fn succeeded(&self, shaped: Shaped, came: &[u8]) -> (Result<Created, ApiError>, Option<State>) {
        let Shaped { body, mut answered, .. } = shaped;
        let body = match document(&body) {
            Ok(body) => body,
            Err(error) => {
                self.invalidate(&mut answered, true).await;
                return (Err(error), Some(State::Unknown));
            }
        };
        if let Some(caller) = self.asker.caller.as_ref().filter(|_| self.route.profile && body.is_some()) {
            self.routes.take_over(caller, came).await;
        }
        let invalidates = self.invalidate(&mut answered, true).await;
        let asked = self.asker.asked(&self.params);
        let values = Values { asked: &asked, answers: &answered };
        if let Some(announcement) = &self.route.announce
            && let Some(topic) = values.template(&announcement.topic)
        {
            let tags = invalidates.everybodys().iter().map(|tag| tag.as_str().to_owned()).collect();
            let (topic, kind) = (topic.into_owned(), announcement.kind.to_string());
            (self.routes.announce)(Event { topic, kind, data: body.clone(), tags });
        }
        let location = self.route.location.as_ref().and_then(|location| values.path(&location.0));
        let created = Created { status: self.route.status, location, body };
        (Ok(created.clone()), Some(State::Made(created)))
    }

    async fn failed(&self, error: UpstreamError) -> (Result<Created, ApiError>, Option<State>) {
        let is_done = may_be_done(&error);
        let is_missing = matches!(error.status(), Some(UpstreamStatus::NOT_FOUND | UpstreamStatus::GONE));
        if let Some(caller) = self.asker.caller.as_ref().filter(|_| is_missing && self.route.profile) {
            self.routes.ask_for_account(caller, &self.cx).await;
        }
        if !was_refused(&error) {
            self.invalidate(&mut Answered::default(), is_done).await;
        }
        (Err(self.routes.refused(&self.route, error)), is_done.then_some(State::Unknown))
    }

    async fn shape(&self, answer: &RawAnswer) -> Result<Shaped, ApiError> {
        self.routes.shape(&self.route, &self.cx, &self.asker.asked(&self.params), answer).await
    }

    /// Invalidates what the write made old, as far as it is known what that is.
    async fn invalidate(&self, answered: &mut Answered, is_done: bool) -> Invalidates {
        let asked = self.asker.asked(&self.params);
        let invalidates = Invalidates::of(&self.routes, &self.route, &asked, answered);
        invalidates.apply(&self.routes, &self.route, self.asker.user(), is_done).await;
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
