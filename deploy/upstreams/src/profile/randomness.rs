//! Random bytes for secrets.

use actix_web::http::StatusCode;

use crate::http::Failure;

/// Fills `bytes` from the system's generator; 503 where it has none.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|_| {
        Failure::refused(StatusCode::SERVICE_UNAVAILABLE, "no_randomness", "No random numbers can be had.")
    })
}
