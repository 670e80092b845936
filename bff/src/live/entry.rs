//! What an entry of the log says that replicas share.

use bytes::Bytes;
use schemas::Event;
use serde::{Deserialize, Serialize};

/// An entry as it is read. One without an event marks a place.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Entry {
    /// The process that wrote it.
    #[serde(default)]
    pub(super) origin: String,
    /// Counts the messages of the origin that it writes until they are taken, and so perhaps twice. 0: none of those.
    #[serde(default)]
    pub(super) number: u64,
    /// The message on the bus by which the origin told of the event's tags. 0: none, or an earlier release's.
    #[serde(default)]
    pub(super) message: u64,
    /// Messages were thrown away before this entry.
    #[serde(default)]
    pub(super) lost: bool,
    pub(super) event: Option<Event>,
}

/// An entry as it is written.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Writing<'a> {
    pub(super) origin: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) number: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) message: u64,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) lost: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<&'a Event>,
}

impl Writing<'_> {
    pub(super) fn payload(&self) -> Bytes {
        // Text keys, and no map or number that JSON does not know: it cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl Entry {
    /// Nothing, where it is another version's or nobody's.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_is_written() {
        let event: Event = serde_json::from_str(
            r#"{"topic":"order:r","type":"x","data":{"a": 1.50},"tags":["order:r","line:p"]}"#,
        )
        .expect("an event");
        let payload =
            Writing { origin: "o", number: 7, message: 9, lost: false, event: Some(&event) }.payload();
        let entry = Entry::read(&payload).expect("an entry");
        assert_eq!((&*entry.origin, entry.number, entry.message, entry.lost), ("o", 7, 9, false));
        let read = entry.event.expect("an event");
        assert_eq!((&*read.topic, &*read.kind, &read.tags), ("order:r", "x", &event.tags));
        assert_eq!(read.data.expect("data").get(), r#"{"a": 1.50}"#, "as it was, to the byte");

        let mark = Writing { origin: "o", lost: true, ..Writing::default() }.payload();
        assert_eq!(mark, r#"{"origin":"o","lost":true}"#);
        let mark = Entry::read(&mark).expect("an entry");
        assert!(mark.lost && mark.event.is_none());
        for other in ["", "{", r#"{"event":{"topic":"order:r"}}"#, r#"{"origin":1}"#] {
            assert!(Entry::read(other.as_bytes()).is_none(), "{other}");
        }
        assert!(Entry::read(br#"{"origin":"o","new":1}"#).is_some(), "a later version may say more");
    }
}
