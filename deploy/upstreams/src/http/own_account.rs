//! Calls about a whole account: the member in the path is the acting user.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode};
use schemas::Id;

use super::{Acting, Caller, Failure, PathId};

const NOT_OWN: Failure =
    Failure::refused(StatusCode::FORBIDDEN, "not_own_account", "That is not the acting user's account.");

/// The acting user, whose account the path names; of anybody else's: 403 `not_own_account`.
pub(crate) struct Own(pub(crate) Id);

/// The same with a token for deleting the account (scope `delete_account`): one for ordinary writes must not reach it.
pub(crate) struct Leaving(pub(crate) Id);

impl FromRequest for Own {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let acting = Acting::from_request(request, payload).into_inner();
        ready(acting.and_then(|Acting(me)| named(request, payload, me)).map(Self))
    }
}

impl FromRequest for Leaving {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::of(request).and_then(|caller| caller.allowed("delete_account"));
        let acting = caller.and_then(|caller| caller.acting.ok_or(Failure::no_acting_user()));
        ready(acting.and_then(|me| named(request, payload, me)).map(Self))
    }
}

/// `me`, if the path names them.
fn named(request: &HttpRequest, payload: &mut Payload, me: Id) -> Result<Id, Failure> {
    let PathId(named) = PathId::from_request(request, payload).into_inner()?;
    if named == me { Ok(me) } else { Err(NOT_OWN) }
}
