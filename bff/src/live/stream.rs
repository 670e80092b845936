//! A feed as server-sent events (WHATWG HTML section 9.2).

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{Stream, stream::unfold};

use super::{
    feed::{Feed, Step},
    inbox::End,
    words,
};

/// A comment: says that the connection lives, and finds out whether it does.
const BEAT: Bytes = Bytes::from_static(b":\n\n");

/// The bytes of an event stream. It ends when the feed does; a front-end that hung up drops it.
pub(super) fn body(feed: Feed) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(Some(feed), |state| async move {
        let mut feed = state?;
        Some(match feed.next().await {
            Step::Say(words) => (Ok(words.frame), Some(feed)),
            Step::Beat => (Ok(BEAT), Some(feed)),
            Step::End(end) => (Ok(farewell(end)), None),
        })
    })
}

/// The last event, and when to come back. Browsers do so by themselves; who is not signed in any more then gets a
/// 401, which tells them to stay away.
fn farewell(end: End) -> Bytes {
    let last = words::end(end).frame;
    let mut frame = Vec::with_capacity(last.len() + 16);
    frame.extend_from_slice(b"retry: 1000\n");
    frame.extend_from_slice(&last);
    frame.into()
}
