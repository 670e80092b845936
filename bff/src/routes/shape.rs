//! What is made of an upstream's answer: scanned once, held against what was asked, joined, and written once.

use std::time::Instant;

use bytes::Bytes;
use clients::{CallContext, RawAnswer};
use http::header::LOCATION;
use tokio::time::timeout;

use super::{
    Joined, Routes,
    join::{FoundId, JOIN_TIMEOUT},
    profile::card,
    values::{Answered, Values},
};
use crate::{
    compose::{
        AnswerError,
        plan::{RoutePlan, RouteShape, UserField, Value},
        scan::{Capture, Place, Scanned},
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
        route: &RoutePlan,
        cx: &CallContext,
        values: &Values<'_>,
        answer: &RawAnswer,
    ) -> Result<Shaped, ApiError> {
        let location =
            answer.headers.get(LOCATION).and_then(|value| value.to_str().ok()).and_then(last_segment);
        let Some(shape) = &route.shape else {
            let answered = Answered { found: Vec::new(), location };
            return Ok(Shaped { body: Bytes::new(), complete: true, answered });
        };
        let upstream = self.upstream(route.call.upstream)?.name();
        let scanned = shape.scan.scan(&answer.body);
        let (text, scanned) = scanned.map_err(|source| AnswerError::Invalid { upstream, source })?;
        if !is_expected(route, values, text, &scanned) {
            return Err(AnswerError::Mismatch { upstream }.into());
        }
        self.remember_pairs(route, text, &scanned);
        let answered = Answered { found: first_of_each(text, &scanned), location };
        if route.status == 204 {
            return Ok(Shaped { body: Bytes::new(), complete: true, answered });
        }
        let joined = self.joined(route, cx, text, &scanned).await;
        let body = self.written(route, shape, values, answer, text, &scanned, &joined);
        Ok(Shaped { body, complete: joined.complete, answered })
    }

    /// Remembers the pairs of an answer: each key with the value of the same object.
    fn remember_pairs(&self, route: &RoutePlan, text: &str, scanned: &Scanned<'_>) {
        let all = |capture: Capture| -> Vec<_> {
            scanned
                .found
                .iter()
                .filter(|found| found.capture == capture)
                .map(|found| found.text(text))
                .collect()
        };
        for memory in &route.remember {
            let (keys, values) = (all(memory.key), all(memory.value));
            // An object that lacks one of them would pair its neighbours wrongly.
            if keys.len() == values.len() {
                keys.iter().zip(&values).for_each(|(key, value)| self.remember(memory.table, key, value));
            }
        }
    }

    async fn joined(&self, route: &RoutePlan, cx: &CallContext, text: &str, scanned: &Scanned<'_>) -> Joined {
        let wanted = |capture: Capture| {
            route.joins.iter().flat_map(|join| &join.points).any(|point| point.ids == capture)
        };
        let found = scanned.found.iter().filter(|found| wanted(found.capture));
        let found: Vec<FoundId> = found.map(|found| (found.capture, found.text(text).into())).collect();
        if found.is_empty() {
            return Joined { complete: true, ..Joined::default() };
        }
        let deadline = cx.deadline.min(Instant::now() + JOIN_TIMEOUT);
        let joining = self.joiner.join(route, CallContext { deadline, ..cx.clone() }, &found);
        timeout(JOIN_TIMEOUT, joining).await.unwrap_or_default()
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `shape`, split off for its length")]
    fn written(
        &self,
        route: &RoutePlan,
        shape: &RouteShape,
        values: &Values<'_>,
        answer: &RawAnswer,
        text: &str,
        scanned: &Scanned<'_>,
        joined: &Joined,
    ) -> Bytes {
        if shape.verbatim && route.add.is_empty() && route.joins.is_empty() {
            return answer.body.clone();
        }
        let added: Vec<(Place, Vec<u8>)> = route
            .add
            .iter()
            .map(|added| match (added.value, values.caller) {
                (UserField::Card, Some(caller)) => (added.place, card(caller, &self.plan.card)),
                (field, _) => {
                    let mut json = Vec::new();
                    values.write_json(&Value::User(field), &mut json);
                    (added.place, json)
                }
            })
            .collect();
        let mut body = Vec::with_capacity(answer.body.len() + 512);
        scanned.write(text, &mut body, |place, id| {
            let added = added.iter().find(|(known, _)| *known == place).map(|(_, json)| &json[..]);
            added.or_else(|| {
                let at = joined.values.get(id)?;
                at.iter().find(|(known, _)| *known == place).map(|(_, json)| &json[..])
            })
        });
        body.into()
    }
}

/// Whether the answer is about what was asked for.
fn is_expected(route: &RoutePlan, values: &Values<'_>, text: &str, scanned: &Scanned<'_>) -> bool {
    route.expect.iter().all(|(capture, template)| {
        // What the caller left out is not asked for.
        let Some(expected) = values.template(template) else { return true };
        let mut at = scanned.found.iter().filter(|found| found.capture == *capture);
        at.all(|found| found.text(text) == *expected)
    })
}

fn first_of_each(text: &str, scanned: &Scanned<'_>) -> Vec<(Capture, Box<str>)> {
    let mut first: Vec<(Capture, Box<str>)> = Vec::new();
    for found in &scanned.found {
        if first.iter().all(|(known, _)| *known != found.capture) {
            first.push((found.capture, found.text(text).into()));
        }
    }
    first
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
