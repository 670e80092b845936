//! What all POSTs have in common: they are carried out at most once for each `Idempotency-Key`, and answer 201
//! with what they made.

use std::future::Future;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, RETRY_AFTER},
};
use clients::UpstreamError;
use schemas::Id;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Api,
    idempotency::{Begun, IN_FLIGHT, Keyed, State},
    refusals::{may_be_done, refusal},
};
use crate::edge::ApiError;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What a POST made: all that is said of it in a 201.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Made {
    location: Option<String>,
    body: Box<RawValue>,
}

impl Made {
    /// Something without a place of its own.
    pub(super) fn new(body: &impl Serialize) -> Result<Self, ApiError> {
        let body = to_raw_value(body).map_err(|_| ApiError::Internal("an answer cannot be written"))?;
        Ok(Self { location: None, body })
    }

    /// Something that is found at `collection`, a slash, and its `id`.
    pub(super) fn at(collection: &str, id: &Id, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { location: Some(format!("{collection}/{id}")), ..Self::new(body)? })
    }

    fn response(self) -> HttpResponse {
        let mut response = HttpResponse::Created();
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        response.content_type("application/json").body(String::from(Box::<str>::from(self.body)))
    }
}

impl Api {
    /// Carries out a POST to its end, whether the caller waits or not, and at most once for its key. Answers with
    /// what `made` says of the upstream's answer. What is kept of it is durable before it is sent.
    pub(super) async fn create<T: Send + 'static>(
        &self,
        keyed: Option<Keyed>,
        writing: impl Future<Output = Result<T, UpstreamError>> + Send + 'static,
        made: impl FnOnce(&T) -> Result<Made, ApiError> + Send + 'static,
    ) -> Result<HttpResponse, ApiError> {
        let Some(keyed) = keyed else {
            let written = self.to_its_end(writing).await?.map_err(refusal)?;
            return Ok(made(&written)?.response());
        };
        let api = self.clone();
        let once = async move {
            let begun = api.idempotency.begin(&keyed).await?;
            let Begun::First(attempt) = begun else { return Ok::<_, ApiError>((begun, true)) };
            let (answer, state) = ending(writing.await, made);
            api.idempotency.end(&keyed, attempt, state).await;
            Ok((Begun::Answered(answer), false))
        };
        let (begun, replayed) = self.to_its_end(once).await??;
        let mut response = match begun {
            Begun::Answered(answer) => answer.map_or_else(HttpResponse::from_error, Made::response),
            Begun::First(_) | Begun::InFlight => {
                let mut response = HttpResponse::from_error(IN_FLIGHT);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                return Ok(response);
            }
        };
        if replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }
}

/// The answer to a POST, and what is kept of it. Nothing is kept where nothing was carried out.
fn ending<T>(
    written: Result<T, UpstreamError>,
    made: impl FnOnce(&T) -> Result<Made, ApiError>,
) -> (Result<Made, ApiError>, Option<State>) {
    match written {
        Ok(written) => {
            let made = made(&written);
            let state = made.as_ref().map_or(State::Unknown, |made| State::Made(made.clone()));
            (made, Some(state))
        }
        Err(error) => {
            let state = may_be_done(&error).then_some(State::Unknown);
            (Err(refusal(error)), state)
        }
    }
}
