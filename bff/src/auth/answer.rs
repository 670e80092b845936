//! What answers about a sign-in have in common: that no cache may keep them, and how times are told.

use std::time::Duration;

use actix_web::{HttpResponseBuilder, http::header::CACHE_CONTROL};
use jiff::Timestamp;
use schemas::Rfc3339;

use crate::{edge::ApiError, telemetry::unix_ms};

/// An answer that bears a token, or a person's data: no cache may keep it.
pub(super) fn never_kept(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response.insert_header((CACHE_CONTROL, "no-store"))
}

/// How long a cookie lasts that ends with what it is for: whole seconds, and not the last one less.
pub(super) fn lasts(absolute_end_ms: u64) -> Duration {
    Duration::from_secs(absolute_end_ms.saturating_sub(unix_ms()).div_ceil(1000))
}

pub(super) fn time(unix_ms: u64) -> Result<Rfc3339, ApiError> {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    Ok(time.ok_or(ApiError::Internal("a session is outside of the calendar"))?.into())
}
