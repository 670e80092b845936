//! Which connections were opened lately: by that it is known whether a request was lost by an old one.

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

use http::Extensions;
use hyper_util::client::legacy::{
    self,
    connect::{Connection, HttpInfo},
};
use parking_lot::Mutex;
use tokio::time::timeout;
use tower_layer::Layer;
use tower_service::Service;

use super::send_error::SendError;

/// Of so many new connections the time of opening is remembered; those before them count as old.
const REMEMBERED: usize = 4096;

/// Which connections were opened lately: a layer around the connector, which tells no more than that.
///
/// A request on a connection that was opened after the request began has not met the end of an idle time. That peer
/// closes every connection unanswered, and is not asked twice.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// In their order. A call lasts no longer than `lately`: what was opened before that is old for all.
    addresses: Arc<Mutex<VecDeque<(Instant, SocketAddr)>>>,
    lately: Duration,
    /// How long opening one may take, where the client does not watch that.
    connect_timeout: Option<Duration>,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Opened {
    /// `longest`: how long a call to this peer may take.
    pub(super) fn new(longest: Duration) -> Self {
        Self { addresses: Arc::default(), lately: longest, connect_timeout: None }
    }

    /// The same, and opening a connection takes no longer than `limit`.
    pub(super) fn within(&self, limit: Duration) -> Self {
        Self { connect_timeout: Some(limit), ..self.clone() }
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
    pub(super) fn lost_an_old_one(&self, error: &SendError, begun: Instant) -> bool {
        if error.is_timeout() || error.is_connect() || !is_lost(error) {
            return false;
        }
        // Only where a connection was there to send it on.
        let connected = error.hyper().and_then(legacy::Error::connect_info);
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
fn is_lost(error: &SendError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    error.causes().any(|cause| {
        let ended = cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed());
        // Without a closing alert, the end of a TLS connection is an UnexpectedEof.
        let broken = [ConnectionReset, ConnectionAborted, BrokenPipe, NotConnected, UnexpectedEof];
        ended || cause.downcast_ref::<io::Error>().is_some_and(|error| broken.contains(&error.kind()))
    })
}

impl<S> Layer<S> for Opened {
    type Service = Opening<S>;
    fn layer(&self, connector: S) -> Opening<S> {
        Opening { connector, opened: self.clone() }
    }
}

/// A connector whose connections are noted.
#[derive(Clone, Debug)]
pub(super) struct Opening<S> {
    connector: S,
    opened: Opened,
}

impl<S, T> Service<T> for Opening<S>
where
    S: Service<T>,
    S::Response: Connection,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let (connecting, opened) = (self.connector.call(target), self.opened.clone());
        Box::pin(async move {
            let connection = match opened.connect_timeout {
                Some(limit) => {
                    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
                    timeout(limit, connecting).await.map_err(late)?
                }
                None => connecting.await,
            };
            let connection = connection.map_err(Into::into)?;
            opened.note(&connection);
            Ok(connection)
        })
    }
}
