//! `POST /events` on the internal listener: an upstream tells that something changed.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header::AUTHORIZATION},
    web,
};
use schemas::{Event, EventAccepted, FieldError};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    Hub, Topic,
    message::{OWN_TYPES, is_type},
};
use crate::{
    edge::{ApiError, FieldErrors, JsonBody, Validate},
    invalidation::{InvalidationBus, Tag},
    telemetry::Metrics,
};

const MAX_TAGS: usize = 100;

/// Who may send events: the tokens of the upstreams, as SHA-256 digests.
#[derive(Clone, Default)]
pub struct SenderTokens(Vec<(&'static str, [u8; 32])>);

impl SenderTokens {
    /// Names an upstream and its token. An empty token lets nobody in.
    #[must_use]
    pub fn with(mut self, upstream: &'static str, token: &str) -> Self {
        if !token.is_empty() {
            self.0.push((upstream, Sha256::digest(token.as_bytes()).into()));
        }
        self
    }

    /// Whose token it is. Takes the same time whichever it is, and whether it is one.
    fn owner(&self, presented: &str) -> Option<&'static str> {
        let presented: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        let same = |digest: &[u8; 32]| bool::from(digest.ct_eq(&presented));
        self.0
            .iter()
            .fold(None, |owner, (upstream, digest)| if same(digest) { Some(*upstream) } else { owner })
    }
}

/// What the handler needs. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    pub hub: Hub,
    pub bus: Arc<InvalidationBus>,
    pub senders: Arc<SenderTokens>,
    pub metrics: Arc<Metrics>,
}

/// The upstream that sends. Asking for one answers 401 to everybody else, before the body is read.
#[derive(Debug, Clone, Copy)]
pub struct EventSender(&'static str);

impl FromRequest for EventSender {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(events) = request.app_data::<web::Data<Events>>() else {
            return ready(Err(ApiError::Internal("the application was built without its events")));
        };
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // RFC 9110 section 11.1: the scheme's name has no case.
        let token = header
            .and_then(|header| header.split_once(' '))
            .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start()));
        let owner = token.and_then(|token| events.senders.owner(token));
        ready(owner.map(Self).ok_or(ApiError::Refused {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_token",
            detail: "Events are taken from upstreams that present their token.",
        }))
    }
}

/// `POST /events`: 202 with the message's id. When this is answered no document that bears one of the tags is
/// served as current any more, and the message is on its way to its subscribers, on every replica. Where replicas share
/// a store that is away, documents are stale on this one alone, nobody is told, and the sender is to try again.
///
/// # Errors
/// 401 `invalid_token`, 413, 415, 422, 503 `store_unavailable`.
pub async fn receive_event(
    sender: EventSender,
    event: JsonBody<Event>,
    events: web::Data<Events>,
) -> Result<HttpResponse, ApiError> {
    let JsonBody(event) = event;
    if events.hub.topic_rules().parse(&event.topic).is_none() {
        let message = events.hub.topic_rules().forms();
        let unknown = FieldError { field: "topic".into(), code: "invalid".into(), message };
        return Err(ApiError::Invalid(vec![unknown]));
    }
    // Validation has refused what is no tag.
    let tags: Vec<Tag> = event.tags.iter().filter_map(|tag| Tag::parse(tag)).collect();
    // Before anybody is told: who hears of it and asks at once must not get the old document as current.
    let message = events.bus.happened(&tags).await;
    let announced = events.hub.announce_purged(&event, message).await;
    // Keepers of copies ask any replica: after all of them know.
    events.bus.tell(&tags);
    let id = announced?.ok_or(ApiError::Internal("an event passed its validation unsound"))?;
    events.metrics.event(sender.0);
    Ok(HttpResponse::Accepted().json(EventAccepted { id }))
}

impl Validate for Event {
    fn validate(&self, errors: &mut FieldErrors) {
        if Topic::parse(&self.topic).is_none() {
            errors.add("topic", "invalid", "expected KIND:ID");
        }
        if OWN_TYPES.contains(&&*self.kind) {
            errors.add("type", "reserved", "is reserved");
        } else if !is_type(&self.kind) {
            errors.add("type", "invalid", "a to z first, then a-z 0-9 _ . - alone, at most 64 characters");
        }
        if self.tags.len() > MAX_TAGS {
            errors.add("tags", "too_long", "at most 100 tags");
        }
        for (place, tag) in self.tags.iter().enumerate().take(MAX_TAGS) {
            if Tag::parse(tag).is_none() {
                errors.add(format!("tags[{place}]"), "invalid", "expected kind:ID");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_upstream_and_an_empty_one_to_nobody() {
        let tokens = SenderTokens::default().with("profile", "").with("basket", "t-1").with("order", "r-1");
        assert_eq!(tokens.owner("t-1"), Some("basket"));
        assert_eq!(tokens.owner("r-1"), Some("order"));
        for other in ["", "t-", "t-1 ", "T-1", "t-11"] {
            assert_eq!(tokens.owner(other), None, "{other}");
        }
        assert_eq!(SenderTokens::default().owner(""), None);
    }

    #[test]
    fn every_mistake_of_an_event_is_named() {
        let event = |json: serde_json::Value| serde_json::from_value::<Event>(json).expect("an event");
        let mistakes = |event: &Event| {
            let mut errors = FieldErrors::default();
            event.validate(&mut errors);
            let errors = errors.into_result().err().unwrap_or_default();
            errors.into_iter().map(|error| (error.field, error.code)).collect::<Vec<_>>()
        };
        let sound = event(serde_json::json!({
            "topic": "order:r", "type": "note.created", "data": {"a": [1]}, "tags": ["order:r", "line:p"],
        }));
        assert_eq!(mistakes(&sound), []);
        let wrong = event(serde_json::json!({
            "topic": "orders", "type": "Ready", "tags": ["order:r", "x", "order:", "everything", "a:b:c"],
        }));
        let named = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(
            mistakes(&wrong),
            [
                named("topic", "invalid"),
                named("type", "invalid"),
                named("tags[1]", "invalid"),
                named("tags[2]", "invalid"),
                named("tags[3]", "invalid"),
                named("tags[4]", "invalid"),
            ]
        );
        let reserved =
            event(serde_json::json!({"topic": "user:u", "type": "reset", "tags": vec!["a:b"; 101]}));
        assert_eq!(mistakes(&reserved), [named("type", "reserved"), named("tags", "too_long")]);
    }
}
