//! Declared screens: who asks, and for what; then the cache, and behind it the engine.

use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use smallvec::SmallVec;

use super::{
    answer::Question, composition::Composition, declared_screen::DeclaredScreen, response::accepted,
};
use crate::{
    cache::DocumentKey,
    compose::{
        PartCache,
        params::{self, Params, Sources},
        plan::{Access, ParamValue, ScreenPlan},
    },
    edge::{ApiError, MaybeSignedIn, Query, RequestContext, SignedIn},
    identity::Caller,
};

/// Answers a request for `screen`.
///
/// # Errors
/// 401, 404, 406, 422, and those of the screen's documents.
pub async fn answer(screen: Arc<DeclaredScreen>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let MaybeSignedIn(caller) = MaybeSignedIn::from_request(&request, &mut dev::Payload::None).await?;
    let caller = caller.as_ref().map(SignedIn::caller);
    let plan = screen.plan();
    if caller.is_none() && plan.access == Access::SignedIn {
        return Err(ApiError::Unauthenticated);
    }
    let format = accepted(&request)?;
    let compact = is_compact(request.query_string())?;
    let params: Arc<Params> = Arc::new(params::read(&plan.params, &Asking(&request), compact)?);
    let key = key(plan, caller, compact, &params);
    // What a composition needs is its own: one behind a stale document may begin after this request has ended.
    let prepare = || {
        let context = RequestContext::of(&request);
        let composition = Composition {
            screen: Arc::clone(&screen),
            caller: caller.cloned(),
            params: Arc::clone(&params),
            compact,
            request_id: context.request_id().to_owned(),
            traceparent: context.traceparent(),
        };
        move |parts: PartCache| composition.compose(parts)
    };
    let question = Question {
        request: &request,
        caller,
        name: plan.name,
        policy: screen.settings.policy,
        key,
        format,
        vary: screen.vary.as_ref(),
    };
    screen.documents.answer(question, prepare).await
}

/// Whether the query asks for the shape for small screens.
fn is_compact(query: &str) -> Result<bool, ApiError> {
    // Nearly all ask for nothing.
    if query.is_empty() {
        return Ok(false);
    }
    let mut query = Query::of(query);
    let compact = query.choice("view", [("full", false), ("compact", true)]);
    query.done()?;
    Ok(compact)
}

/// What the document is kept by: all that it depends on.
fn key(plan: &ScreenPlan, caller: Option<&Caller>, compact: bool, params: &Params) -> DocumentKey {
    let view: &[u8] = if compact { b"compact" } else { b"full" };
    let mut key = DocumentKey::new(plan.name, caller.map(|caller| &caller.user)).with(view);
    for value in params {
        key = match value {
            // No value is empty: blank ones count as absent.
            None => key.with(b""),
            Some(ParamValue::Text(text)) => key.with(text.as_bytes()),
            Some(ParamValue::Integer(number)) => key.with(&number.to_be_bytes()),
            Some(ParamValue::Boolean(one)) => key.with(&[u8::from(*one)]),
        };
    }
    match caller.filter(|_| plan.vary_by_session) {
        // Two browsers of one user have two sessions, and each sees its own.
        Some(caller) => key.with(&caller.session.key),
        None => key,
    }
}

/// Where parameters are read.
struct Asking<'r>(&'r HttpRequest);

impl Sources for Asking<'_> {
    fn path(&self, name: &str) -> Option<&str> {
        self.0.match_info().get(name)
    }

    fn query(&self) -> &str {
        self.0.query_string()
    }

    fn header(&self, name: &str) -> SmallVec<[&str; 2]> {
        self.0.headers().get_all(name).map(|value| value.to_str().unwrap_or_default()).collect()
    }
}
