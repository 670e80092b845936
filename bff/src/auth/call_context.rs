//! What every handler makes of its request before an upstream is called.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use clients::CallContext;
use schemas::Id;

use crate::{
    edge::{ApiError, RequestContext},
    identity::{Caller, nobodys_call_context},
};

/// What a call to an upstream may take at most here; an upstream's own timeout is usually shorter.
pub(super) const BUDGET: Duration = Duration::from_secs(10);

/// The circumstances of calls on behalf of `caller`, or of nobody.
pub(super) fn call_context(request: &HttpRequest, caller: Option<&Caller>) -> CallContext {
    let context = RequestContext::of(request);
    match caller {
        Some(caller) => caller.call_context(context.request_id(), context.traceparent(), BUDGET),
        None => nobodys_call_context(context.request_id(), context.traceparent(), BUDGET),
    }
}

/// The id in a path that has one parameter. What cannot be an id names nothing: 404.
#[derive(Debug, Clone)]
pub(super) struct PathId(pub Id);

impl FromRequest for PathId {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = web::Path::<String>::extract(request).into_inner();
        let id = text.ok().and_then(|text| Id::new(&text).ok());
        ready(id.map(Self).ok_or(ApiError::NotFound))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::{FromRequest, PathId};

    #[actix_web::test]
    async fn an_id_is_taken_from_the_path_and_nothing_else_is() {
        let id = async |text: &'static str| {
            let request = TestRequest::default().param("memberId", text).to_http_request();
            PathId::extract(&request).await.ok().map(|PathId(id)| id.to_string())
        };
        assert_eq!(id("a~b.c-1").await.as_deref(), Some("a~b.c-1"));
        for bad in ["", "a/b", "a%2Fb", "..", "a b", "%00", "%ff"] {
            assert_eq!(id(bad).await, None, "{bad}");
        }
    }
}
