//! What replicas tell each other, as it travels: one byte that names the version of the format, then a JSON object.
//!
//! Rules for a rolling deploy, in which two releases share a store:
//! - A field that a reader does not know is ignored, and one that it misses is empty: a release may add fields. A message
//!   of which a reader knows no topic is acknowledged all the same, because that reader holds nothing that it is about.
//! - What cannot be understood by ignoring fields gets another version byte. A reader counts such a message as unreadable
//!   and ignores it. It never becomes a peer of its sender, so that neither waits for the other; what such a message would
//!   have invalidated ends with its fresh time, and an ended session by the store's own notice of its record.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use schemas::Id;
use serde::{Deserialize, Serialize};

use super::{Applied, EndedSessions, Tag};

/// The version of the format. Earlier releases used the letters `a`, `d` and `e`, for one topic each.
pub(super) const VERSION: u8 = b'1';

/// What one replica tells the others.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Message {
    /// The process that sends it.
    pub(super) origin: String,
    /// By which others acknowledge it; 0 where nobody waits for that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) number: u64,
    /// What the sender has applied of others.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) acks: Applied,
    /// The sender wants to know which other replicas there are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) asks: bool,
    /// The sender is not to be waited for: it is ending, or it receives nothing and believes nothing that it holds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) absent: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) purges: PurgesTold,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<EndedTold>,
}

/// The topic of invalidations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PurgesTold {
    /// Stale for everybody.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) soft: Vec<String>,
    /// Gone for `user`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) hard: Vec<String>,
    /// Exists no more.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) deleted: Vec<String>,
    /// Gone wherever it appears, for everybody.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) erased: Vec<String>,
    /// What `user` is refused for good; without a user, all who are not signed in are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) refused: Vec<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) user: Option<String>,
}

/// The topic of ended sessions: some of one user's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EndedTold {
    user: String,
    /// base64url.
    keys: Vec<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The names of `tags`, as they travel.
pub(super) fn names(tags: &[Tag]) -> Vec<String> {
    tags.iter().map(|tag| tag.as_str().to_owned()).collect()
}

impl Message {
    pub(super) fn encode(&self) -> Bytes {
        let mut payload = vec![VERSION];
        // Writing strings and numbers to memory does not fail.
        let _ = serde_json::to_writer(&mut payload, self);
        payload.into()
    }

    /// `None`: of another version, or not of a gateway.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let (&VERSION, json) = payload.split_first()? else { return None };
        serde_json::from_slice(json).ok()
    }
}

impl EndedTold {
    pub(super) fn new(user: &Id, keys: &[[u8; 32]]) -> Self {
        let keys = keys.iter().map(|key| URL_SAFE_NO_PAD.encode(key)).collect();
        Self { user: user.as_str().to_owned(), keys }
    }

    /// What is no key is left out; `None` where the user is none.
    pub(super) fn read(&self) -> Option<EndedSessions> {
        let user = Id::new(&self.user).ok()?;
        let key = |text: &String| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        Some(EndedSessions { user, keys: self.keys.iter().filter_map(key).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_is_written_and_says_only_what_there_is_to_say() {
        let bare = Message { origin: "o".into(), ..Message::default() };
        assert_eq!(&*bare.encode(), br#"1{"origin":"o"}"#);
        let ada = Id::new("ada").expect("an id");
        let keys: Vec<_> = (0..3).map(|n| [n; 32]).collect();
        let purges =
            PurgesTold { soft: vec!["a:1".into()], user: Some("ada".into()), ..PurgesTold::default() };
        let message = Message {
            number: 7,
            acks: [("p".into(), vec![1, 2])].into(),
            asks: true,
            absent: true,
            purges: purges.clone(),
            ended: Some(EndedTold::new(&ada, &keys)),
            ..bare
        };
        let read = Message::decode(&message.encode()).expect("a message");
        assert_eq!((&*read.origin, read.number, read.asks, read.absent), ("o", 7, true, true));
        assert_eq!((read.acks, read.purges), (message.acks, purges));
        assert_eq!(read.ended.expect("a topic").read(), Some(EndedSessions { user: ada, keys }));
    }

    #[test]
    fn what_cannot_be_understood_is_no_message_and_what_may_be_ignored_is() {
        for other in [
            &b""[..],
            b"1",
            b"1{}",
            b"1[]",
            b"1\xff",
            b"1{\"origin\":1}",
            b"1{\"origin\":\"o\",\"number\":-1}",
            b"1{\"origin\":\"o\",\"purges\":{\"soft\":1}}",
            b"1{\"origin\":\"o\",\"ended\":{\"user\":\"ada\"}}",
            b"2{\"origin\":\"o\"}",
            b"d{\"origin\":\"o\",\"soft\":[\"a:1\"]}",
            b"e{\"from\":1,\"user\":\"ada\",\"keys\":[]}",
            b"a{\"origin\":\"1\"}",
            b"{\"origin\":\"o\"}",
        ] {
            assert!(Message::decode(other).is_none(), "{}", String::from_utf8_lossy(other));
        }
        let later = br#"1{"origin":"o","number":3,"later":{"x":[1]},"purges":{"soft":["a:1"],"new":1}}"#;
        let later = Message::decode(later).expect("a message of a later release");
        assert_eq!((later.number, later.purges.soft), (3, vec!["a:1".to_owned()]));
        let ended = |user: &str| {
            let keys = vec!["AAAA".into(), "*".into(), String::new(), URL_SAFE_NO_PAD.encode([1; 32])];
            EndedTold { user: user.into(), keys }.read()
        };
        assert_eq!(ended("ada").expect("a user").keys, [[1; 32]], "what is no key is left out");
        assert_eq!(ended("a b"), None);
    }
}
