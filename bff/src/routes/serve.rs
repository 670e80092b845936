//! The beginning of every request to a declared route: who asks, and for what.

use std::{sync::Arc, time::Duration};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use clients::CallContext;
use smallvec::SmallVec;

use super::{Routes, read, stream, values::Values, write};
use crate::{
    compose::{
        params::{self, Params, Sources},
        plan::{Access, RoutePlan},
    },
    edge::{ApiError, MaybeSignedIn, RequestContext, SignedIn, accepts_json},
    identity::{Caller, nobodys_call_context},
};

/// What a call to an upstream may take at most here; an upstream's own timeout is usually shorter.
const BUDGET: Duration = Duration::from_secs(10);

/// A request whose caller and parameters are known.
pub(super) struct Asked {
    pub(super) request: HttpRequest,
    pub(super) routes: Routes,
    pub(super) route: Arc<RoutePlan>,
    pub(super) caller: Option<Caller>,
    pub(super) params: Params,
    pub(super) cx: CallContext,
}

impl Asked {
    pub(super) fn values(&self) -> Values<'_> {
        Values::of(&self.params, self.caller.as_ref())
    }
}

/// Serves a request to `route`.
///
/// # Errors
/// [`ApiError`].
pub async fn answer(
    routes: Routes,
    route: Arc<RoutePlan>,
    request: HttpRequest,
    payload: dev::Payload,
) -> Result<HttpResponse, ApiError> {
    let reads_json = route.is_read() && route.stream.is_none();
    // Whoever may not ask learns that first.
    if reads_json && route.access == Access::Open {
        accepts_json(&request)?;
    }
    let caller = identify(&route, &request).await?;
    if reads_json && route.access == Access::SignedIn {
        accepts_json(&request)?;
    }
    let params = params::read(&route.params, &Request(&request), false)?;
    let context = RequestContext::of(&request);
    let cx = match &caller {
        Some(caller) => caller.call_context(context.request_id(), context.traceparent(), BUDGET),
        None => nobodys_call_context(context.request_id(), context.traceparent(), BUDGET),
    };
    let asked = Asked { request, routes, route, caller, params, cx };
    if asked.route.stream.is_some() {
        stream::stream(asked, payload).await
    } else if asked.route.is_read() {
        read::read(asked).await
    } else {
        write::write(asked, payload).await
    }
}

/// The caller. An unsafe method of one with a cookie is checked for forgery.
async fn identify(route: &RoutePlan, request: &HttpRequest) -> Result<Option<Caller>, ApiError> {
    let nothing = &mut dev::Payload::None;
    match route.access {
        Access::SignedIn => {
            SignedIn::from_request(request, nothing).await.map(|signed_in| Some(signed_in.caller().clone()))
        }
        Access::Open => {
            let MaybeSignedIn(caller) = MaybeSignedIn::from_request(request, nothing).await?;
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
