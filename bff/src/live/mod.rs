//! What front-ends are told while it happens. Beside the request's way, not on it: an upstream's event comes in on
//! the internal listener, drops cached documents, and goes out on the connections of `/bff/notify`.
//!
//! ```text
//! POST /events -> Drops::soft -> Hub::publish -> Log -> dispatcher -> Inbox -> Feed -> WebSocket or SSE
//! ```
//!
//! A message is written as JSON once. The [`Hub`] appends it to a bounded log and is done; one dispatcher carries
//! it, in the log's order, to the inbox of each connection that subscribed to its topic. An inbox is bounded: a
//! reader too slow for it is cut off, comes back with the last id it saw, and gets the rest out of the log.

mod command;
mod events;
mod feed;
mod hub;
mod inbox;
mod index;
mod log;
mod message;
mod notify;
mod revalidate;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod topic;
mod words;

pub use events::{EventSender, Events, SenderTokens, receive_event};
pub use hub::{Hub, LiveSettings};
pub use notify::notify;
pub use revalidate::Revalidator;
pub use topic::Topic;
