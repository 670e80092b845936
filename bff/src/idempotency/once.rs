//! A POST around its key: begun, carried out, ended, and answered.

use actix_web::{
    HttpResponse,
    http::header::{HeaderName, HeaderValue, RETRY_AFTER},
};

use super::{Begun, Created, IN_FLIGHT, Idempotency, Keyed, State};
use crate::edge::ApiError;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What became of a POST that bears a key.
#[derive(Debug)]
pub struct Once {
    begun: Begun,
    replayed: bool,
}

impl Idempotency {
    /// Carries `work` out, unless that was done before: its answer, and what is kept of it (nothing where nothing was carried
    /// out). What is kept is durable when this is done. To be run detached from the caller.
    ///
    /// # Errors
    /// As [`Idempotency::begin`].
    pub async fn once(
        &self,
        keyed: &Keyed,
        work: impl Future<Output = (Result<Created, ApiError>, Option<State>)>,
    ) -> Result<Once, ApiError> {
        let begun = self.begin(keyed).await?;
        let Begun::First(attempt) = begun else { return Ok(Once { begun, replayed: true }) };
        let (answer, state) = work.await;
        self.end(keyed, attempt, state).await;
        Ok(Once { begun: Begun::Answered(answer), replayed: false })
    }
}

impl Once {
    /// The answer that the caller gets, marked where it is another request's.
    #[must_use]
    pub fn response(self) -> HttpResponse {
        let mut response = match self.begun {
            Begun::Answered(answer) => answer.map_or_else(HttpResponse::from_error, Created::response),
            Begun::First(_) | Begun::InFlight => {
                let mut response = HttpResponse::from_error(IN_FLIGHT);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                return response;
            }
        };
        if self.replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
