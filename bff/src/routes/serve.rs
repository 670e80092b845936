//! The beginning of every request to a declared route: who asks, and for what.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, dev::Payload};
use smallvec::SmallVec;

use super::{Routes, asked::Asked, asker::Asker, read, route::Route, stream, write};
use crate::{
    compose::{
        params::{self, Sources},
        plan::Access,
    },
    edge::{ApiError, MaybeSignedIn, RequestContext, SignedIn, accepts_json},
    identity::{Caller, nobodys_call_context},
};

/// What a call to an upstream may take at most here; an upstream's own timeout is usually shorter.
const BUDGET: Duration = Duration::from_secs(10);

/// Answers a request to `route`, one of [`Routes::all`]. In this order it is looked at who asks (401, 403), what they accept (406), parameters (404, 422),
/// and the body (415, 413, 400, 422); then the upstream is called.
///
/// # Errors
/// [`ApiError`].
pub async fn answer(
    routes: Routes,
    route: Arc<Route>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let caller = identify(&route, &request)?;
    if answers_json(&route) {
        accepts_json(&request)?;
    }
    let params = params::read(&route.params, &Request(&request), false)?;
    let context = RequestContext::of(&request);
    let cx = match &caller {
        Some(caller) => caller.call_context(context.request_id(), context.traceparent(), BUDGET),
        None => nobodys_call_context(context.request_id(), context.traceparent(), BUDGET),
    };
    let asker = Asker::new(caller, &route, &routes.backend.plan().card);
    let asked = Asked { request, routes, route, asker, params, cx };
    if asked.route.stream.is_some() {
        stream::stream(asked, payload).await
    } else if asked.route.is_read() {
        read::read(asked).await
    } else {
        write::write(asked, payload).await
    }
}

/// Whether what is answered is JSON. A write must not be carried out for an answer that its caller does not take; where there is
/// none there is nothing to take.
fn answers_json(route: &Route) -> bool {
    let takes_body = route.body.as_ref().is_some_and(|body| body.required);
    route.stream.is_none() && (route.is_read() || takes_body || route.status != 204)
}

/// The caller. An unsafe method of one with a cookie is checked for forgery.
fn identify(route: &Route, request: &HttpRequest) -> Result<Option<Caller>, ApiError> {
    match route.access {
        Access::SignedIn => SignedIn::of(request).map(|signed_in| Some(signed_in.caller().clone())),
        Access::Open => {
            let MaybeSignedIn(caller) = MaybeSignedIn::of(request)?;
            Ok(caller.map(|signed_in| signed_in.caller().clone()))
        }
    }
}

/// Where parameters are read.
struct Request<'r>(&'r HttpRequest);

impl Sources for Request<'_> {
    /// The router has decoded the path but for `%`, `/` and `+`: what is decoded once more is what the caller wrote.
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
