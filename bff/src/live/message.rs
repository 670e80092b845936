//! One message, written once and shared by all connections that it goes to.

use bytes::Bytes;
use bytestring::ByteString;
use schemas::Event;
use serde_json::value::RawValue;

use super::Topic;
use crate::store::LogId;

/// What is said on a connection, in the form of both transports. They share their bytes; so do clones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EncodedMessage {
    /// The JSON object: one text message of a WebSocket.
    pub(super) text: ByteString,
    /// The same as one event of an event stream (WHATWG HTML section 9.2), with its `id` line where there is one.
    pub(super) frame: Bytes,
}

impl EncodedMessage {
    /// `fields` are the object's fields after `id`, as JSON in one line, without braces.
    pub(super) fn new(id: Option<LogId>, fields: &str) -> Self {
        let mut frame = String::with_capacity(fields.len() + 96);
        if let Some(id) = id {
            frame.push_str(&format!("id: {id}\n"));
        }
        frame.push_str("data: ");
        let start = frame.len();
        frame.push('{');
        if let Some(id) = id {
            frame.push_str(&format!("\"id\":\"{id}\","));
        }
        frame.push_str(fields);
        frame.push('}');
        let end = frame.len();
        frame.push_str("\n\n");
        let frame = Bytes::from(frame);
        // A slice of a `String` between two ASCII characters is UTF-8.
        let text = ByteString::try_from(frame.slice(start..end)).unwrap_or_default();
        Self { text, frame }
    }
}

/// A message before it has its place in the log.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) topic: Topic,
    fields: String,
}

impl Draft {
    /// `kind` is a plain word (see `events`): it needs no escape.
    pub(super) fn new(topic: &Topic, kind: &str, data: Option<&RawValue>) -> Self {
        let data = data.map_or("null", RawValue::get);
        let mut fields = String::with_capacity(data.len() + topic.as_str().len() + kind.len() + 40);
        fields.push_str(r#""type":""#);
        fields.push_str(kind);
        fields.push_str(r#"","topic":""#);
        fields.push_str(topic.as_str());
        fields.push_str(r#"","data":"#);
        // Within JSON strings line breaks are escaped; between tokens they mean nothing, but would end a `data:` line.
        fields.extend(data.chars().filter(|c| !matches!(c, '\n' | '\r')));
        Self { topic: topic.clone(), fields }
    }

    /// Of an event; nothing, where its topic or its type is none.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let topic = Topic::parse(&event.topic)?;
        is_type(&event.kind).then(|| Self::new(&topic, &event.kind, event.data.as_deref()))
    }

    pub(super) fn at(self, position: LogId) -> Message {
        let words = EncodedMessage::new(Some(position), &self.fields);
        Message { position, topic: self.topic, words }
    }
}

/// A message in the log.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) position: LogId,
    pub(super) topic: Topic,
    pub(super) words: EncodedMessage,
}

impl Message {
    /// What it costs to keep, about.
    pub(super) fn bytes(&self) -> usize {
        self.words.frame.len() + 200
    }
}

/// Types that upstreams may not use: a front-end must be able to tell who speaks.
pub(super) const OWN_TYPES: [&str; 6] = ["ready", "reset", "subscribed", "unsubscribed", "error", "end"];

const MAX_TYPE: usize = 64;

/// Whether a text can be the type of a message: one plain word, and none of the gateway's own.
pub(super) fn is_type(kind: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-');
    kind.len() <= MAX_TYPE
        && kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind.bytes().all(plain)
        && !OWN_TYPES.contains(&kind)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Draft, EncodedMessage, LogId, Topic};

    #[test]
    fn a_message_is_the_same_on_both_transports() {
        let data: Box<RawValue> = serde_json::from_str("{\"a\":\n \"b\\nc\",\r\n\"ä\": 1.50}").expect("JSON");
        let topic = Topic::parse("order:r").expect("a topic");
        let message = Draft::new(&topic, "changed", Some(&data)).at(LogId { ms: 7, seq: 3 });
        assert_eq!(
            &message.words.text[..],
            r#"{"id":"7-3","type":"changed","topic":"order:r","data":{"a": "b\nc","ä": 1.50}}"#
        );
        assert_eq!(message.words.frame, format!("id: 7-3\ndata: {}\n\n", message.words.text));
        let bare = EncodedMessage::new(None, r#""type":"ready""#);
        assert_eq!(bare.frame, "data: {\"type\":\"ready\"}\n\n");
        let empty = Draft::new(&topic, "gone", None).at(LogId { ms: 7, seq: 4 });
        assert!(empty.words.text.ends_with(r#""data":null}"#));
    }
}
