//! What is told while it happens: events of upstreams, and the messages that front-ends receive on `/bff/notify`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /events` of the internal listener: an upstream tells that something changed.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Event {
    /// Who is told: the subscribers of `KIND:ID`.
    #[schema(max_length = 160, example = "item:0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10")]
    pub topic: String,
    /// What happened, in the upstream's own word: `order.changed`.
    #[serde(rename = "type")]
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_.-]*$")]
    pub kind: String,
    /// What subscribers get to see of it. They are not the acting user: nothing personal belongs in here.
    #[serde(default)]
    #[schema(value_type = serde_json::Value)]
    pub data: Option<Box<RawValue>>,
    /// `kind:ID` of what changed: cached documents made of any of these are old from now on.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub tags: Vec<String>,
}

/// The answer to an [`Event`]: the drops have taken effect, and the message is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventAccepted {
    /// The `id` of the [`LiveMessage`].
    pub id: String,
}

/// One message on `/bff/notify`, the same on a WebSocket and in a `data:` line of server-sent events.
///
/// The gateway's own messages: `ready` (the first one), `reset` (messages may have been missed: read everything
/// anew), `subscribed`, `unsubscribed`, `error`, `end`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LiveMessage {
    /// To be given back as `Last-Event-ID` or `?lastEventId=`. Absent where it marks no place to resume from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub topic: Option<String>,
    /// Whatever the sender tells of it, null where that is nothing. What the gateway itself says is an object.
    #[serde(default)]
    #[schema(value_type = serde_json::Value)]
    pub data: Option<Box<RawValue>>,
}

/// What a front-end may say on the WebSocket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiveCommand {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscribe: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsubscribe: Vec<String>,
}

/// The body of the webhook at `events.revalidate_url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Revalidation {
    /// Tags of what changed, each once.
    #[schema(min_items = 1, max_items = 100)]
    pub tags: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::Event;

    #[test]
    fn an_event_needs_a_topic_and_a_type() {
        let event: Event = serde_json::from_str(r#"{"topic":"order:a","type":"changed"}"#).expect("an event");
        assert!(event.data.is_none() && event.tags.is_empty());
        for broken in [r#"{"topic":"order:a"}"#, r#"{"topic":"order:a","type":"x","tag":[]}"#] {
            assert!(serde_json::from_str::<Event>(broken).is_err(), "{broken}");
        }
    }
}
