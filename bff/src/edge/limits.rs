//! Rate limits as callers meet them: who is charged for a request, 429 where that is too often, and what is left in
//! headers. Between the identity stage and the routes, and behind CORS: preflights are exempt, and pages of other origins
//! can read a refusal.

use std::{net::IpAddr, sync::Arc};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use bytes::Bytes;

use super::{
    ApiError, Edge, RequestContext, authentication::Authentication, callers::caller_service, client_address,
    credentials::Unread,
};
use crate::identity::{Charge, Limit, Limits, Principal, Tier};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Limits, and the headers in which they are told (draft-ietf-httpapi-ratelimit-headers-10).
#[derive(Debug, Clone)]
pub struct RateLimits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    /// `RateLimit-Policy` of each tier.
    policies: [HeaderValue; 3],
}

impl RateLimits {
    /// The headers are made here, once.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let policies = Tier::ALL.map(|tier| policy(tier, limits.policy().of(tier)));
        Self(Arc::new(Inner { limits, policies }))
    }

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

    async fn charge(&self, principal: Principal) -> Result<Charge, Charge> {
        let charge = self.0.limits.charge(principal).await;
        if charge.allowed { Ok(charge) } else { Err(charge) }
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
        let mut reserved = self.0.limits.reserve(Principal::at(address)).await?;
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

    fn tell(&self, charge: &Charge, headers: &mut HeaderMap) {
        headers.insert(RATELIMIT_POLICY, self.0.policies[charge.tier as usize].clone());
        headers.insert(RATELIMIT, state(charge));
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
    let charged = |_: &&RateLimits| !RequestContext::exempt(request.request()).free;
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

/// `"user";q=100;w=2`: so many requests within so many seconds, which is how long an empty bucket takes to fill.
fn policy(tier: Tier, limit: Limit) -> HeaderValue {
    let (burst, per_second) = (limit.burst.get(), limit.per_second.get());
    let text = format!("\"{}\";q={burst};w={}", tier.as_str(), burst.div_ceil(per_second));
    // Letters, digits and `";=`: always a header value.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// `"user";r=99;t=1`: so many more now, and more than that after so many seconds.
fn state(charge: &Charge) -> HeaderValue {
    let (mut remaining, mut within) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (remaining, within) = (remaining.format(charge.remaining), within.format(seconds(charge)));
    let text = ["\"", charge.tier.as_str(), "\";r=", remaining, ";t=", within].concat();
    // As above.
    HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Rounded up, and at least one: who comes earlier comes too early.
fn seconds(charge: &Charge) -> u64 {
    let whole = charge.more_after.as_secs();
    (whole + u64::from(charge.more_after.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::{Charge, Limit, Tier, policy, state};

    fn limit(per_second: u32, burst: u32) -> Limit {
        let number = |number| NonZeroU32::new(number).expect("not 0");
        Limit { per_second: number(per_second), burst: number(burst) }
    }

    #[test]
    fn a_policy_is_how_much_within_how_long() {
        for (tier, limit, header) in [
            (Tier::User, limit(50, 100), r#""user";q=100;w=2"#),
            (Tier::Anonymous, limit(20, 40), r#""anonymous";q=40;w=2"#),
            (Tier::Caller, limit(1_000_000, 1), r#""caller";q=1;w=1"#),
            (Tier::User, limit(3, 10), r#""user";q=10;w=4"#),
            (Tier::Anonymous, limit(1, 1_000_000), r#""anonymous";q=1000000;w=1000000"#),
        ] {
            assert_eq!(policy(tier, limit), header);
        }
    }

    #[test]
    fn what_is_left_is_told_in_whole_seconds() {
        for (tier, remaining, more_after_us, header) in [
            (Tier::User, 99, 20_000, r#""user";r=99;t=1"#),
            (Tier::Caller, 1_000_000, 1, r#""caller";r=1000000;t=1"#),
            (Tier::Anonymous, 0, 0, r#""anonymous";r=0;t=1"#),
            (Tier::Anonymous, 0, 1_000_000, r#""anonymous";r=0;t=1"#),
            (Tier::Anonymous, 0, 1_000_001, r#""anonymous";r=0;t=2"#),
        ] {
            let more_after = Duration::from_micros(more_after_us);
            assert_eq!(state(&Charge { tier, allowed: remaining > 0, remaining, more_after }), header);
        }
    }
}
