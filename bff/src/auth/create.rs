//! What all POSTs have in common: they are carried out at most once for each `Idempotency-Key`, and answer 201
//! with what they made.

use std::{future::Future, sync::Arc};

use actix_web::HttpResponse;
use clients::UpstreamError;

use super::{
    Api,
    refusals::{may_be_done, refusal},
};
use crate::{
    edge::ApiError,
    idempotency::{Created, Keyed, State},
};

impl Api {
    /// Carries out a POST to its end, whether the caller waits or not, and at most once for its key. Answers with
    /// what `made` says of the upstream's answer. What is kept of it is durable before it is sent.
    pub(super) async fn create<T: Send + 'static>(
        &self,
        keyed: Option<Keyed>,
        writing: impl Future<Output = Result<T, UpstreamError>> + Send + 'static,
        made: impl FnOnce(&T) -> Result<Created, ApiError> + Send + 'static,
    ) -> Result<HttpResponse, ApiError> {
        let Some(keyed) = keyed else {
            let written = self.run_detached(writing).await?.map_err(refusal)?;
            return Ok(made(&written)?.response());
        };
        let idempotency = Arc::clone(&self.idempotency);
        let once = async move { idempotency.once(&keyed, async { ending(writing.await, made) }).await };
        Ok(self.run_detached(once).await??.response())
    }
}

/// The answer to a POST, and what is kept of it. Nothing is kept where nothing was carried out.
fn ending<T>(
    written: Result<T, UpstreamError>,
    made: impl FnOnce(&T) -> Result<Created, ApiError>,
) -> (Result<Created, ApiError>, Option<State>) {
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
