//! Who calls, as the service token says.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::HttpMessage as _;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use schemas::Id;

use super::failure::Failure;

/// Who calls, as the service token says. Reads take the scope `read`, all else takes `write`; without: 403
/// `insufficient_scope`.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The acting user; `None` when the gateway calls for nobody.
    pub(crate) acting: Option<Id>,
    /// What the token is good for: words with spaces between (RFC 8693 section 4.2).
    pub(super) scope: Arc<str>,
}

impl Caller {
    pub(crate) fn new(acting: Option<Id>, scope: &str) -> Self {
        Self { acting, scope: scope.into() }
    }

    pub(super) fn allowed(self, scope: &'static str) -> Result<Self, Failure> {
        let has = self.scope.split(' ').any(|known| known == scope);
        if has { Ok(self) } else { Err(Failure::Scope(scope)) }
    }

    /// Whom the edge has let in.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let caller = request.extensions().get::<Self>().cloned();
        caller.ok_or(Failure::Token(crate::token::TokenError::Missing))
    }
}

/// A call that makes or verifies accounts, with a token for that alone (scope `accounts`): nobody has signed in yet, and
/// what callers do for themselves must not reach passwords.
pub(crate) struct Accounts;

/// The acting user of a call that needs one; without: 403 `no_acting_user`.
pub(crate) struct Acting(pub(crate) Id);

impl FromRequest for Caller {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let scope = if request.method().is_safe() { "read" } else { "write" };
        ready(Self::of(request).and_then(|caller| caller.allowed(scope)))
    }
}

impl FromRequest for Accounts {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Caller::of(request).and_then(|caller| caller.allowed("accounts")).map(|_| Self))
    }
}

impl FromRequest for Acting {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload).into_inner();
        ready(caller.and_then(|caller| caller.acting.map(Self).ok_or(Failure::no_acting_user())))
    }
}
