//! The identity stage: finds out who calls, once for each request, between CORS and the rate limits. What it finds is
//! kept in the [`RequestContext`] for the stages and handlers behind it; it answers nothing itself.
//!
//! A caller in the near cache costs one parse of the header and one look-up, and the request goes on in the same poll.
//! Credentials that the near cache does not know are charged to the caller's address before the store is asked, so that
//! invented ones cost the store no more than the address may ask.

#[cfg(test)]
mod tests;

use std::{
    future::{Ready, ready},
    rc::Rc,
};

use actix_web::{
    Error, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use futures_util::future::{Either, FutureExt, LocalBoxFuture};

use super::{
    Edge, RequestContext,
    authentication::Authentication,
    credentials::{Peeked, Unread, peek},
};
use crate::telemetry::unix_ms;

/// The identity stage as middleware.
#[derive(Debug, Clone, Copy)]
pub struct Identify;

/// [`Identify`] in front of `S`.
#[derive(Debug)]
pub struct IdentifyService<S> {
    service: Rc<S>,
}

impl<S, B> Transform<S, ServiceRequest> for Identify
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = IdentifyService<S>;
    type InitError = ();
    type Future = Ready<Result<IdentifyService<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(IdentifyService { service: Rc::new(service) }))
    }
}

impl<S, B> Service<ServiceRequest> for IdentifyService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = Either<S::Future, LocalBoxFuture<'static, Result<ServiceResponse<B>, Error>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let unread = match Edge::of(request.request()) {
            Err(error) => return Either::Right(ready(Err(error.into())).boxed_local()),
            Ok(_) if RequestContext::exempt(request.request()).caller_independent => {
                return Either::Left(self.service.call(request));
            }
            Ok(edge) => match peek(request.request(), edge, unix_ms()) {
                Peeked::Known(authentication) => {
                    note(request.request(), authentication);
                    return Either::Left(self.service.call(request));
                }
                Peeked::Unknown(unread) => unread,
            },
        };
        let service = Rc::clone(&self.service);
        Either::Right(Box::pin(async move {
            look_up(request.request(), unread).await?;
            service.call(request).await
        }))
    }
}

/// Asks the store what the credentials of `request` are worth, unless that is refused by the rate limits.
async fn look_up(request: &HttpRequest, unread: Unread) -> Result<(), Error> {
    let edge = Edge::held(request)?;
    let authentication = match &edge.limits {
        Some(limits) => limits.look_up(request, unread).await,
        None => Some(unread.read().await),
    };
    if let Some(authentication) = authentication {
        note(request, authentication);
    }
    Ok(())
}

fn note(request: &HttpRequest, authentication: Authentication) {
    RequestContext::note(request, |context| context.authentication = Some(authentication));
}
