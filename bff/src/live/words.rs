//! What the gateway itself says on a connection.

use serde_json::{Value, json};

use super::{Topic, inbox::End, message::EncodedMessage};
use crate::store::LogId;

/// The first message. `position` is where the connection begins, so that whoever is cut off before anything else
/// came can resume as well.
pub(super) fn ready(position: LogId, topics: &[Topic], resumed: bool) -> EncodedMessage {
    say(Some(position), "ready", topics.first(), &json!({ "topics": names(topics), "resumed": resumed }))
}

/// Messages may have been missed: everything that depends on them is to be read anew.
pub(super) fn reset(position: LogId) -> EncodedMessage {
    say(Some(position), "reset", None, &Value::Null)
}

pub(super) fn subscribed(topics: &[Topic]) -> EncodedMessage {
    say(None, "subscribed", None, &json!({ "topics": names(topics) }))
}

pub(super) fn unsubscribed(topics: &[Topic]) -> EncodedMessage {
    say(None, "unsubscribed", None, &json!({ "topics": names(topics) }))
}

/// Something that the front-end asked for is not done. `about` is what it wrote.
pub(super) fn error(fault: Fault, about: Option<&str>) -> EncodedMessage {
    let (code, message) = fault.problem_spec();
    let mut data = json!({ "code": code, "message": message });
    if let Some(about) = about {
        data["about"] = about.chars().take(ECHO).collect::<String>().into();
    }
    say(None, "error", None, &data)
}

/// The last message of an event stream, where a WebSocket would say it in its Close frame.
pub(super) fn end(end: End) -> EncodedMessage {
    let (code, reason) = close_code(end);
    say(None, "end", None, &json!({ "code": code, "reason": reason }))
}

/// Close code (RFC 6455 section 7.4; 4000 and above are ours) and reason.
pub(super) const fn close_code(end: End) -> (u16, &'static str) {
    match end {
        End::TooSlow => (1013, "too slow: come back with the last id"),
        End::StoreAway => (1013, "the store is away: come back with the last id"),
        End::SignedOut => (4401, "not signed in any more"),
        End::GoingAway => (1001, "going away: come back with the last id"),
    }
}

/// Of what a front-end wrote, so many characters are repeated to it.
const ECHO: usize = 160;

/// What a front-end did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The message is no command.
    InvalidCommand,
    /// No topic has this form.
    UnknownTopic,
    /// The topic is somebody else's.
    ForbiddenTopic,
    /// The connection has as many topics as it may have, or the list names more than it may; the rest is not done.
    TooManyTopics,
    /// The connection says more than it may.
    TooManyCommands,
    /// One's own topic cannot be left.
    OwnTopic,
}

impl Fault {
    const fn problem_spec(self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidCommand => {
                ("invalid_command", "expected {\"subscribe\": [topics]} or {\"unsubscribe\": [topics]}")
            }
            Self::UnknownTopic => {
                ("unknown_topic", "expected user:ID, or KIND:ID of a kind of topic that is served here")
            }
            Self::ForbiddenTopic => ("forbidden_topic", "this topic is somebody else's"),
            Self::TooManyTopics => (
                "too_many_topics",
                "at most 100 topics on one connection and in one list: the rest is left out",
            ),
            Self::TooManyCommands => {
                ("too_many_commands", "at most ten messages a second: further ones are ignored, then it ends")
            }
            Self::OwnTopic => ("own_topic", "every connection listens to its own user's topic"),
        }
    }
}

fn names(topics: &[Topic]) -> Vec<&str> {
    topics.iter().map(Topic::as_str).collect()
}

fn say(id: Option<LogId>, kind: &str, topic: Option<&Topic>, data: &Value) -> EncodedMessage {
    let topic = topic.map_or_else(String::new, |topic| format!(r#""topic":"{}","#, topic.as_str()));
    EncodedMessage::new(id, &format!(r#""type":"{kind}",{topic}"data":{data}"#))
}

#[cfg(test)]
mod tests {
    use schemas::LiveMessage;

    use super::*;
    use crate::live::message::OWN_TYPES;

    #[test]
    fn the_gateways_own_words_have_the_shape_of_every_message() {
        let topics = [Topic::parse("user:ada").expect("a topic"), Topic::parse("order:r").expect("a topic")];
        let position = LogId { ms: 1, seq: 2 };
        let all = [
            ready(position, &topics, false),
            reset(position),
            subscribed(&topics[1..]),
            unsubscribed(&[]),
            error(Fault::UnknownTopic, Some(&"\"\n".repeat(200))),
            end(End::SignedOut),
        ];
        for (words, kind) in all.iter().zip(OWN_TYPES) {
            let message: LiveMessage = serde_json::from_str(&words.text).expect("a message");
            assert_eq!(message.kind, kind);
            assert_eq!(message.id.is_some(), matches!(kind, "ready" | "reset"));
            let frame = std::str::from_utf8(&words.frame).expect("text");
            assert_eq!(frame.trim_end().lines().count(), if message.id.is_some() { 2 } else { 1 }, "{frame}");
        }
        assert_eq!(
            &all[0].text[..],
            r#"{"id":"1-2","type":"ready","topic":"user:ada","data":{"resumed":false,"topics":["user:ada","order:r"]}}"#
        );
    }
}
