//! What was sent to an upstream.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::wire::{Message, header};

/// A request as the upstream gets it.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Without the `?`; empty where there is none.
    pub query: String,
    /// In their order, names as they were written.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// When its last byte was here.
    pub at: Instant,
}

impl Recorded {
    pub(crate) fn of(request: &Message) -> Self {
        let mut words = request.start.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            at: Instant::now(),
        }
    }

    /// Method and path: `GET /members`.
    #[must_use]
    pub fn line_without_query(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The first value of a query parameter, decoded.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The first header by that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    /// Method, path and query: `GET /members?ids=a`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target())
    }

    /// The bearer token.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

/// The requests that came so far. Clones are the same journal.
#[derive(Debug, Clone)]
pub struct Journal {
    requests: Arc<Mutex<Vec<Recorded>>>,
    count: watch::Sender<usize>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { requests: Arc::default(), count: watch::Sender::new(0) }
    }
}

impl Journal {
    pub(super) fn push(&self, request: Recorded) {
        let mut requests = self.requests.lock();
        requests.push(request);
        self.count.send_replace(requests.len());
    }

    /// All of them, in the order in which they came.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().clone()
    }

    /// Forgets them.
    pub fn clear(&self) {
        let mut requests = self.requests.lock();
        requests.clear();
        self.count.send_replace(0);
    }

    /// Waits until at least `count` requests have come. Bound it with a timeout.
    pub async fn wait_for(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self.count.subscribe().wait_for(|now| *now >= count).await;
    }
}
