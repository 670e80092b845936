//! The answer to a POST that was carried out: all that is kept of it.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
};
use schemas::Id;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::edge::ApiError;

/// What is said of a POST that was carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Created {
    #[serde(default = "created", skip_serializing_if = "is_created")]
    pub status: u16,
    pub location: Option<String>,
    /// JSON; nothing with 204.
    pub body: Option<Box<RawValue>>,
}

const fn created() -> u16 {
    201
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_created(status: &u16) -> bool {
    *status == created()
}

impl Created {
    /// A 201 of something without a place of its own.
    ///
    /// # Errors
    /// None: an answer can be written as JSON.
    pub fn new(body: &impl Serialize) -> Result<Self, ApiError> {
        let body = to_raw_value(body).map_err(|_| ApiError::Internal("an answer cannot be written"))?;
        Ok(Self { status: created(), location: None, body: Some(body) })
    }

    /// A 201 of something that is found at `collection`, a slash, and its `id`.
    ///
    /// # Errors
    /// As [`Created::new`].
    pub fn at(collection: &str, id: &Id, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { location: Some(format!("{collection}/{id}")), ..Self::new(body)? })
    }

    /// The answer that callers get.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::CREATED);
        let mut response = HttpResponse::build(status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        match self.body {
            Some(body) => {
                response.content_type("application/json").body(String::from(Box::<str>::from(body)))
            }
            None => response.finish(),
        }
    }
}
