//! What front-ends are told while it happens. Beside the request's way, not on it: an upstream's event comes in on
//! the internal listener, drops cached documents, and goes out on the connections of `/bff/notify`.
//!
//! ```text
//! POST /events -> Relay -> Hub -> Log -> dispatcher -> Inbox -> Feed -> WebSocket or SSE
//!                           \-> shared log -> follower of each replica -> Log -> …
//! ```
//!
//! A message is written as JSON once. The [`Hub`] appends it to a bounded log and is done; one dispatcher carries
//! it, in the log's order, to the inbox of each connection that subscribed to its topic. An inbox is bounded: a
//! reader too slow for it is cut off, comes back with the last id it saw, and gets the rest out of the log.
//!
//! Where replicas share a store, the log is filled from a stream in there alone (see `replicas`): a message's id is its
//! place in the stream, so that a connection resumes on any replica, and after a restart of all of them.
//!
//! # What a front-end sees
//!
//! `GET /bff/notify?topics=order:a,member:b` is a WebSocket, or an event stream with `Accept: text/event-stream`.
//! Either carries messages `{id, type, topic, data}`:
//!
//! - `ready` comes first, with the topics and with the id where the connection begins. Whoever gives the last id
//!   back (`Last-Event-ID`, or `lastEventId` in the query) hears all that came since, each message once.
//! - `reset` says that this cannot be told any more: what depends on messages is to be read anew.
//! - `subscribed`, `unsubscribed` and `error` answer `{"subscribe": […], "unsubscribe": […]}` on a WebSocket, and
//!   have no id. `error` also says which topics of the query are refused.
//! - everything else is an upstream's or the gateway's own news. One's own topic `user:ID` is always there.
//!
//! A query, and each command, may name at most 100 topics; beyond them one `too_many_topics` is said. A WebSocket may say
//! 60 messages at once and ten more each second; beyond that one `too_many_commands` is said.
//!
//! A WebSocket ends with 1001 (stopping: come back), 1003 or 1009 (not a text of at most 4 KiB), 1008 (went on beyond its
//! rate), 1013 (too slow, or the store is away for longer than `store.grace_ms`: come back) or 4401 (not signed in any
//! more); an event stream says the same in a last message `end`. Nothing is told before the session was looked at: in
//! memory, or in the store where memory cannot know (see `look`).

mod command;
mod contract;
mod dispatcher;
mod entry;
mod events;
mod feed;
mod follower;
mod hub;
mod inbox;
mod index;
mod log;
mod look;
mod message;
mod notify;
mod outbox;
mod pace;
mod replicas;
mod revalidate;
mod settings;
mod socket;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod topic;
mod words;

pub use contract::serve;
pub use events::{EventSender, Events, SenderTokens, receive_event};
pub use hub::Hub;
pub use revalidate::Revalidator;
pub use settings::LiveSettings;
pub use topic::{Topic, TopicRules};
