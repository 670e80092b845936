//! The connections to one peer: a pool of them, and the way around it for a request that a pooled connection lost.
//!
//! A peer may close an idle connection at the moment a request is written to it (RFC 9112 section 9.3.1). The request
//! then ends without one byte of an answer, although the peer is well. What a peer may be asked twice without harm
//! (RFC 9110 section 9.2.2) is asked once more on a new connection, never on another pooled one: those are as
//! old, and close together.

use std::{sync::Arc, time::Instant};

use http::{Method, Request};
use reqwest::Body;

pub(crate) use super::plain::Response;
use super::{opened::Opened, plain::PlainClient, send_error::SendError};

/// The HTTP clients of one peer. Cloning is cheap and shares connections.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pooled: Client,
    /// Opens a connection for each request and keeps none.
    fresh: Client,
    opened: Opened,
}

/// What sends requests.
#[derive(Clone, Debug)]
pub(super) enum Client {
    Plain(Arc<PlainClient>),
    Tls(reqwest::Client),
}

impl Client {
    async fn send(&self, request: Request<Body>) -> Result<Response, SendError> {
        match self {
            Self::Plain(client) => client.send(request).await,
            Self::Tls(client) => {
                let request = reqwest::Request::try_from(request).map_err(SendError::of_reqwest)?;
                client.execute(request).await.map(Into::into).map_err(SendError::of_reqwest)
            }
        }
    }
}

impl Connections {
    /// `opened` is told of each connection of `pooled`: see [`Opened`].
    pub(super) fn new(pooled: Client, fresh: Client, opened: Opened) -> Self {
        Self { pooled, fresh, opened }
    }

    /// Sends `request`, whose URI is absolute. Where it may be repeated, and a connection that was there before it closed
    /// without an answer, what `again` makes is sent once more on a new one, at once. Nothing is, where it makes nothing.
    /// Watches no deadline.
    ///
    /// # Errors
    /// [`SendError`]; of the second try where there was one.
    pub(super) async fn execute(
        &self,
        request: Request<Body>,
        again: impl FnOnce() -> Option<Request<Body>>,
    ) -> Result<Response, SendError> {
        let repeatable = matches!(*request.method(), Method::GET | Method::HEAD);
        let begun = Instant::now();
        match self.pooled.send(request).await {
            Err(error) if repeatable && self.opened.lost_an_old_one(&error, begun) => match again() {
                Some(request) => self.fresh.send(request).await,
                None => Err(error),
            },
            sent => sent,
        }
    }
}
