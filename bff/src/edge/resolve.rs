//! The stage that finds out what a request has come to, before anybody finds out who calls: who is charged for it and
//! whether its caller matters is said by its endpoint. What is served can be exchanged while requests are under way; each
//! ends on what it began with.

use std::{
    any::Any,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::Method,
};
use arc_swap::ArcSwap;

use super::{
    RequestContext,
    dispatch::Dispatched,
    place::{Exempt, Resolved},
};

/// The stage as middleware.
pub struct Resolve<D> {
    pub served: Arc<ArcSwap<D>>,
    /// Whether a request (method, path as it was sent) that comes to nothing in the table is exempt from everything: it reads a
    /// file that is the same for all.
    pub beside: Option<fn(&Method, &str) -> bool>,
}

impl<D> Clone for Resolve<D> {
    fn clone(&self) -> Self {
        Self { served: Arc::clone(&self.served), beside: self.beside }
    }
}

/// [`Resolve`] in front of `S`.
pub struct ResolveService<S, D> {
    stage: Resolve<D>,
    service: S,
}

impl<S, B, D: Dispatched> Transform<S, ServiceRequest> for Resolve<D>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = ResolveService<S, D>;
    type InitError = ();
    type Future = Ready<Result<ResolveService<S, D>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(ResolveService { stage: self.clone(), service }))
    }
}

impl<S, B, D: Dispatched> Service<ServiceRequest> for ResolveService<S, D>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = S::Future;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let served = self.stage.served.load();
        match served.table().find(&mut request) {
            Some(place) => {
                let (route, exempt) = served.table().about(place);
                let served = Arc::clone(&served) as Arc<dyn Any + Send + Sync>;
                RequestContext::begin(request.request(), |context| {
                    context.route = Some(route);
                    context.exempt = exempt;
                    context.resolved = Some(Resolved { served, place });
                });
            }
            None => {
                let is_beside = |is: fn(&Method, &str) -> bool| is(request.method(), request.path());
                if self.stage.beside.is_some_and(is_beside) {
                    RequestContext::note(request.request(), |context| {
                        context.exempt = Exempt { rate_limit_exempt: true, caller_independent: true };
                    });
                }
            }
        }
        self.service.call(request)
    }
}
