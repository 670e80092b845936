//! What a front-end says on its WebSocket.

use schemas::LiveCommand;

use super::{
    feed::Feed,
    message::EncodedMessage,
    words::{self, Fault},
};

/// Carries out `text` on `feed`; what is to be said about it.
pub(super) fn obey(feed: &mut Feed, text: &str) -> Vec<EncodedMessage> {
    let Ok(LiveCommand { subscribe, unsubscribe }) = serde_json::from_str(text) else {
        return vec![words::error(Fault::InvalidCommand, None)];
    };
    if subscribe.is_empty() && unsubscribe.is_empty() {
        return vec![words::error(Fault::InvalidCommand, None)];
    }
    // First out, then in: a page change in one message stays within the limit.
    let mut said = if unsubscribe.is_empty() { Vec::new() } else { feed.unsubscribe(&unsubscribe) };
    if !subscribe.is_empty() {
        said.extend(feed.subscribe(&subscribe));
    }
    said
}
