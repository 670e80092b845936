//! What is made of an upstream's answer: the route's engine checks, joins and writes it.

use std::time::Instant;

use bytes::Bytes;
use clients::{CallContext, RawAnswer};
use http::header::LOCATION;

use super::{Routes, asker::Answered, route::Route};
use crate::{
    compose::{
        AnswerError, PartFailure,
        backend::Backing,
        engine::{Asked, JOIN_TIMEOUT},
    },
    edge::ApiError,
};

/// An answer as it leaves the gateway.
#[derive(Debug)]
pub(super) struct Shaped {
    /// JSON; empty where the route's answers have no content.
    pub(super) body: Bytes,
    /// Whether everything that is to be joined could be looked up.
    pub(super) complete: bool,
    pub(super) answered: Answered,
}

impl Routes {
    /// Makes an answer of what the upstream of `route` said.
    ///
    /// # Errors
    /// 502: what it said is not what its contract says, or about something else.
    pub(super) async fn shape(
        &self,
        route: &Route,
        cx: &CallContext,
        asked: &Asked<'_>,
        answer: &RawAnswer,
    ) -> Result<Shaped, ApiError> {
        let location =
            answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(last_segment);
        let Some(engine) = &route.engine else {
            let answered = Answered { location, ..Answered::default() };
            return Ok(Shaped { body: Bytes::new(), complete: true, answered });
        };
        let upstream = self.upstream(route.call.upstream)?.name();
        // Look-ups end when nobody waits for them any more.
        let now = Instant::now();
        let wait = JOIN_TIMEOUT.min(cx.deadline.saturating_duration_since(now));
        let cx = CallContext { deadline: now + wait, ..cx.clone() };
        let host = self.backend.host(&cx, Backing::default());
        let made = engine.answer(&host, asked, answer.body.clone(), wait).await;
        let made = made.map_err(|failure| match failure {
            PartFailure::Invalid(source) => AnswerError::Invalid { upstream, source },
            PartFailure::Timeout | PartFailure::Upstream(_) | PartFailure::Mismatch => {
                AnswerError::Mismatch { upstream }
            }
        })?;
        let answered = Answered { found: made.found, location, ..Answered::default() };
        Ok(Shaped { body: made.body, complete: made.complete, answered })
    }
}

/// The last segment of a URL's path, where it is an id.
fn last_segment(location: &str) -> Option<Box<str>> {
    let path = location.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit('/').next()?;
    schemas::Id::new(last).ok().map(|id| id.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::last_segment;

    #[test]
    fn a_location_ends_with_the_id_of_what_was_made() {
        for location in ["/orders/7", "http://host/orders/7/", "7", "/orders/7?x=/9#/8"] {
            assert_eq!(last_segment(location).as_deref(), Some("7"), "{location}");
        }
        for none in ["", "/", "/orders/a%2Fb", "/orders/.."] {
            assert_eq!(last_segment(none), None, "{none}");
        }
    }
}
