//! The connections to one peer: a pool of them, and the way around it for a request that a pooled connection lost.
//!
//! A peer may close an idle connection at the moment a request is written to it (RFC 9112 section 9.3.1). The request
//! then ends without one byte of an answer, although the peer is well. What a peer may be asked twice without harm
//! (RFC 9110 section 9.2.2) is asked once more on a new connection, never on another pooled one: those are as
//! old, and close together.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{Extensions, Method};
use hyper_util::client::legacy::{
    self,
    connect::{Connection, HttpInfo},
};
use parking_lot::Mutex;
use reqwest::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

/// Of so many new connections the time of opening is remembered; those before them count as old.
const REMEMBERED: usize = 4096;

/// The HTTP clients of one peer. Cloning is cheap and shares connections.
#[derive(Clone, Debug)]
pub(crate) struct Connections {
    pooled: reqwest::Client,
    /// Opens a connection for each request and keeps none.
    fresh: reqwest::Client,
    opened: Opened,
}

impl Connections {
    /// `opened` is told of each connection of `pooled`: see [`Opened`].
    pub(super) fn new(pooled: reqwest::Client, fresh: reqwest::Client, opened: Opened) -> Self {
        Self { pooled, fresh, opened }
    }

    /// Sends `request`. Where it may be repeated, and a connection that was there before it closed without an answer,
    /// what `again` makes is sent once more on a new one, at once. Nothing is, where it makes nothing. Watches no deadline.
    ///
    /// # Errors
    /// As reqwest; of the second try where there was one.
    pub(super) async fn execute(
        &self,
        request: Request,
        again: impl FnOnce() -> Option<Request>,
    ) -> Result<Response, reqwest::Error> {
        let repeatable = matches!(*request.method(), Method::GET | Method::HEAD);
        let begun = Instant::now();
        match self.pooled.execute(request).await {
            Err(error) if repeatable && self.opened.lost_an_old_one(&error, begun) => match again() {
                Some(request) => self.fresh.execute(request).await,
                None => Err(error),
            },
            sent => sent,
        }
    }
}

/// Which connections were opened lately: a layer around the connector, which tells no more than that.
///
/// A request on a connection that was opened after the request began has not met the end of an idle time. That peer
/// closes every connection unanswered, and is not asked twice.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// In their order. A call lasts no longer than `lately`: what was opened before that is old for all.
    addresses: Arc<Mutex<VecDeque<(Instant, SocketAddr)>>>,
    lately: Duration,
}

impl Opened {
    /// `longest`: how long a call to this peer may take.
    pub(super) fn new(longest: Duration) -> Self {
        Self { addresses: Arc::default(), lately: longest }
    }

    fn note(&self, connection: &impl Connection) {
        let Some(address) = local_address(|extras| connection.connected().get_extras(extras)) else { return };
        let now = Instant::now();
        let mut addresses = self.addresses.lock();
        while addresses.front().is_some_and(|(at, _)| *at + self.lately < now)
            || addresses.len() >= REMEMBERED
        {
            addresses.pop_front();
        }
        addresses.push_back((now, address));
    }

    /// Whether a request that began at `begun` was lost, before an answer, by a connection that had been opened
    /// earlier. A head that was cut off counts as no answer: hyper does not tell the two apart.
    fn lost_an_old_one(&self, error: &reqwest::Error, begun: Instant) -> bool {
        if error.is_timeout() || error.is_connect() || !is_lost(error) {
            return false;
        }
        // Only where a connection was there to send it on.
        let connected = causes(error).find_map(|cause| cause.downcast_ref::<legacy::Error>()?.connect_info());
        let address = connected.and_then(|known| local_address(|extras| known.get_extras(extras)));
        address.is_some_and(|address| {
            let addresses = self.addresses.lock();
            !addresses.iter().rev().any(|(at, opened)| *at >= begun && *opened == address)
        })
    }
}

fn local_address(fill: impl FnOnce(&mut Extensions)) -> Option<SocketAddr> {
    let mut extras = Extensions::new();
    fill(&mut extras);
    extras.get::<HttpInfo>().map(HttpInfo::local_addr)
}

/// Whether the connection ended or broke under the request.
fn is_lost(error: &reqwest::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    causes(error).any(|cause| {
        let ended = cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed());
        // Without a closing alert, the end of a TLS connection is an UnexpectedEof.
        let broken = [ConnectionReset, ConnectionAborted, BrokenPipe, NotConnected, UnexpectedEof];
        ended || cause.downcast_ref::<io::Error>().is_some_and(|error| broken.contains(&error.kind()))
    })
}

fn causes<'e>(error: &'e reqwest::Error) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

impl<S> Layer<S> for Opened {
    type Service = Noting<S>;
    fn layer(&self, connector: S) -> Noting<S> {
        Noting { connector, opened: self.clone() }
    }
}

/// A connector whose connections are noted.
#[derive(Clone)]
pub(super) struct Noting<S> {
    connector: S,
    opened: Opened,
}

impl<S, T> Service<T> for Noting<S>
where
    S: Service<T>,
    S::Response: Connection,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let (connecting, opened) = (self.connector.call(target), self.opened.clone());
        Box::pin(async move {
            let connection = connecting.await?;
            opened.note(&connection);
            Ok(connection)
        })
    }
}
