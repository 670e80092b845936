//! Rate limits as callers meet them: who is charged for a request, 429 where that is too often, and what is left in
//! headers. Between the identity stage and the routes, and behind CORS: preflights are exempt, and pages of other origins
//! can read a refusal.

use std::net::IpAddr;

use super::{
    ApiError, Edge, RequestContext,
    authentication::Authentication,
    callers::caller_service,
    client_address,
    credentials::Unread,
    rate_limits::{RateLimits, seconds},
};
use crate::identity::{Charge, Principal};
use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

impl RateLimits {
    /// Charges whoever `request` is from, unless the identity stage has done so. Neither borrows the request across an
    /// await nor looks anybody up.
    async fn admit(&self, request: &HttpRequest) -> Result<Charge, (Charge, ApiError)> {
        let charged = match chargeable(request) {
            Chargeable::Charged(charge) if charge.allowed => Ok(charge),
            Chargeable::Charged(charge) => Err(charge),
            Chargeable::To(principal) => self.charge(principal).await,
        };
        charged.map_err(too_often)
    }

    /// Has the store say what credentials are worth, for the identity stage. Before that a server-side caller is charged by
    /// its name, and everybody else by their address, for each credential: inventions cost the store no more than the
    /// address may ask. It is given back of a caller who is signed in and is charged for themselves. Nothing where that is
    /// refused: the store is not asked, and [`limit`] answers 429.
    pub(super) async fn look_up(&self, request: &HttpRequest, unread: Unread) -> Option<Authentication> {
        let looked_up = match caller_service(request) {
            Some(name) => match self.charge(Principal::caller(&name)).await {
                Ok(charge) => Ok((Some(charge), unread.read().await)),
                Err(refused) => Err(refused),
            },
            None => self.reserve_and_read(client_address(request), unread).await,
        };
        let (charge, authentication) = match looked_up {
            Ok((charge, authentication)) => (charge, Some(authentication)),
            Err(refused) => (Some(refused), None),
        };
        RequestContext::note(request, |context| context.charge = charge);
        authentication
    }

    async fn reserve_and_read(
        &self,
        address: IpAddr,
        mut unread: Unread,
    ) -> Result<(Option<Charge>, Authentication), Charge> {
        let mut reserved = self.limits().reserve(Principal::at(address)).await?;
        loop {
            let Some(authentication) = unread.try_next().await else {
                reserved.charge_again().await?;
                continue;
            };
            if authentication.session().is_none() {
                return Ok((Some(*reserved.charge()), authentication));
            }
            reserved.give_back().await;
            return Ok((None, authentication));
        }
    }
}

/// Charges whoever a request is from, before anything is done for it: a server-side caller by its name, a signed-in user by
/// their id, and everybody else, also with credentials that are not valid, by their address. Behind the identity stage,
/// which has charged those whose credentials were not in memory. Nobody for what is exempt.
///
/// # Errors
/// Those of what is within.
pub async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let edge = Edge::held(request.request())?;
    let charged = |_: &&RateLimits| !RequestContext::exempt(request.request()).rate_limit_exempt;
    let Some(limits) = edge.limits.as_ref().filter(charged) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    match limits.admit(request.request()).await {
        Ok(charge) => {
            let mut response = next.call(request).await?;
            limits.tell(&charge, response.headers_mut());
            Ok(response.map_into_left_body())
        }
        Err((charge, refused)) => {
            let mut response = request.error_response(refused);
            limits.tell(&charge, response.headers_mut());
            Ok(response.map_into_right_body())
        }
    }
}

/// The answer to a request that comes no further than the gate. Its address is charged for it.
pub(super) async fn refuse(request: ServiceRequest, refused: ApiError) -> ServiceResponse<BoxBody> {
    let limits = Edge::of(request.request()).ok().and_then(|edge| edge.limits.clone());
    let Some(limits) = limits else { return request.error_response(refused) };
    let (charge, refused) = match limits.charge(Principal::at(client_address(request.request()))).await {
        Ok(charge) => (charge, refused),
        Err(charge) => too_often(charge),
    };
    let mut response = request.error_response(refused);
    limits.tell(&charge, response.headers_mut());
    response
}

fn too_often(charge: Charge) -> (Charge, ApiError) {
    (charge, ApiError::RateLimited { retry_after_s: seconds(&charge) })
}

/// Who is to be charged for a request.
enum Chargeable {
    To(Principal),
    /// The identity stage has charged for it.
    Charged(Charge),
}

fn chargeable(request: &HttpRequest) -> Chargeable {
    let extensions = request.extensions();
    let context = extensions.get::<RequestContext>();
    if let Some(charge) = context.and_then(|context| context.charge) {
        return Chargeable::Charged(charge);
    }
    if let Some(name) = context.and_then(|context| context.service.as_deref()) {
        return Chargeable::To(Principal::caller(name));
    }
    let session = context.and_then(|context| context.authentication.as_ref()?.session());
    if let (Some(session), Ok(edge)) = (session, Edge::of(request)) {
        return Chargeable::To(Principal::user(session.log_name(&edge.users)));
    }
    drop(extensions);
    Chargeable::To(Principal::at(client_address(request)))
}
