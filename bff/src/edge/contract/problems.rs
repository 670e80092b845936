//! Which problem documents an operation may answer with.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use clients::UpstreamError;
use utoipa::openapi::{Header, HeaderBuilder};

use super::{number, text};
use crate::{
    edge::ApiError,
    identity::{CsrfRefusal, IdentityError},
    store::StoreError,
};

/// Codes and what is said of them, by status.
#[derive(Debug, Default)]
pub(super) struct Problems(BTreeMap<u16, BTreeMap<&'static str, &'static str>>);

impl Problems {
    pub(super) fn add(&mut self, error: &ApiError) {
        let face = error.face();
        self.0.entry(face.status.as_u16()).or_default().insert(face.code, face.detail);
    }

    pub(super) fn extend(&mut self, errors: impl IntoIterator<Item = ApiError>) {
        errors.into_iter().for_each(|error| self.add(&error));
    }

    pub(super) fn by_status(&self) -> impl Iterator<Item = (u16, Vec<(&'static str, &'static str)>)> {
        self.0
            .iter()
            .map(|(status, codes)| (*status, codes.iter().map(|(code, detail)| (*code, *detail)).collect()))
    }
}

/// What any request may end like.
pub(super) fn everywhere() -> [ApiError; 4] {
    [
        ApiError::BadRequest,
        ApiError::RateLimited { retry_after_s: 1 },
        ApiError::Internal(""),
        ApiError::Interrupted(""),
    ]
}

/// Where a session or a token is looked at; `needed`: nobody else gets an answer.
pub(super) fn of_sessions(needed: bool) -> Vec<ApiError> {
    let mut errors = vec![ApiError::Identity(IdentityError::Store(StoreError::Closed))];
    errors.extend([ApiError::InvalidToken, ApiError::InvalidCallerToken]);
    errors.extend(needed.then_some(ApiError::Unauthenticated));
    errors
}

/// Where a cookie stands for the caller and something changes.
pub(super) fn of_forgery() -> [ApiError; 1] {
    [ApiError::Csrf(CsrfRefusal::Token)]
}

/// Where a body is read.
pub(super) fn of_bodies() -> [ApiError; 5] {
    [
        ApiError::InvalidBody,
        ApiError::BodyTimeout,
        ApiError::BodyTooLarge(0),
        ApiError::UnsupportedMediaType,
        ApiError::Invalid(Vec::new()),
    ]
}

/// Where a service behind the gateway is asked.
#[must_use]
pub fn upstream_problems() -> [ApiError; 3] {
    let upstream = "";
    [
        ApiError::Upstream(UpstreamError::Redirect { upstream }),
        ApiError::Upstream(UpstreamError::Timeout { upstream }),
        ApiError::Upstream(UpstreamError::Overloaded { upstream }),
    ]
}

/// The header that belongs to a status.
pub(super) fn header_of(status: u16) -> Option<(&'static str, Header)> {
    let said = |about: &str, shape| HeaderBuilder::new().description(Some(about)).schema(Some(shape)).build();
    match StatusCode::from_u16(status).ok()? {
        StatusCode::UNAUTHORIZED => {
            Some(("WWW-Authenticate", said("`Bearer`, and why a token was refused.", text(200))))
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Some(("Retry-After", said("Seconds after which it is worth trying again.", number(0, 86_400, 1))))
        }
        _ => None,
    }
}
