//! What browsers may do from other origins (WHATWG Fetch, "CORS protocol").

use std::rc::Rc;

use actix_cors::{Cors, CorsMiddleware};
use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{Method, header::ORIGIN},
};
use futures_util::{
    TryFutureExt,
    future::{Either, LocalBoxFuture, MapOk},
};

use crate::identity::AllowedOrigins;

/// Headers that browsers may send across origins.
const CORS_REQUEST_HEADERS: [&str; 10] = [
    "accept",
    "content-type",
    "authorization",
    "cache-control",
    "if-none-match",
    "idempotency-key",
    "last-event-id",
    "traceparent",
    "x-csrf-token",
    "x-request-id",
];
/// Headers that scripts may read across origins.
const CORS_ANSWER_HEADERS: [&str; 11] = [
    "age",
    "cache-status",
    "etag",
    "idempotency-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "server-timing",
    "x-csrf-token",
    "x-request-id",
];

/// For the configured origins, with their cookies.
pub(super) fn cors(origins: &AllowedOrigins) -> CrossOrigin {
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let cors = Cors::default()
        .allowed_methods(methods)
        .allowed_headers(CORS_REQUEST_HEADERS)
        .expose_headers(CORS_ANSWER_HEADERS)
        .supports_credentials()
        .max_age(600)
        // The answers name `Origin` in their own `Vary`.
        .disable_vary_header();
    CrossOrigin(origins.iter().fold(cors, Cors::allowed_origin))
}

/// The rules of [`Cors`] for requests that name an origin. All others, which are most, pass it by: it has nothing to
/// say to them.
pub(super) struct CrossOrigin(Cors);

/// [`CrossOrigin`] before a service.
pub(super) struct BesideCors<S> {
    cors: CorsMiddleware<Rc<S>>,
    service: Rc<S>,
}

type Unruled<B> = fn(ServiceResponse<B>) -> ServiceResponse<EitherBody<B>>;

impl<S, B> Transform<S, ServiceRequest> for CrossOrigin
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = BesideCors<S>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<BesideCors<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let service = Rc::new(service);
        let cors = self.0.new_transform(Rc::clone(&service));
        Box::pin(cors.map_ok(|cors| BesideCors { cors, service }))
    }
}

impl<S, B> Service<ServiceRequest> for BesideCors<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future =
        Either<<CorsMiddleware<Rc<S>> as Service<ServiceRequest>>::Future, MapOk<S::Future, Unruled<B>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // A preflight without an origin is refused.
        if request.headers().contains_key(ORIGIN) || request.method() == Method::OPTIONS {
            return Either::Left(self.cors.call(request));
        }
        let unruled: Unruled<B> = ServiceResponse::map_into_left_body;
        Either::Right(self.service.call(request).map_ok(unruled))
    }
}
