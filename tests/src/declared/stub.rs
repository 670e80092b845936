//! An upstream that a test writes: fixed answers by request line, or a function of the request.

use std::{net::Ipv4Addr, sync::Arc};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    Proxy, Recorded,
    proxy::{Side, Wire},
};

/// An answer of a [`Stub`].
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    /// 200 with a JSON body.
    #[must_use]
    pub fn json(body: &Value) -> Self {
        Self::raw(body.to_string())
    }

    /// 200 with these bytes as `application/json`, whatever they are.
    #[must_use]
    pub fn raw(body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status: 200, headers, body: body.into() }
    }

    /// A status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A refusal. Its detail must never reach a caller.
    #[must_use]
    pub fn problem(status: u16, code: &str) -> Self {
        let body =
            json!({ "status": status, "code": code, "title": crate::PLANTED, "detail": crate::PLANTED });
        Self { status, ..Self::json(&body) }.header("content-type", "application/problem+json")
    }

    /// The same answer with another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Stub\r\n", self.status);
        self.headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        if !matches!(self.status, 204 | 304) {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

type Answering = Arc<dyn Fn(&Recorded) -> Option<Reply> + Send + Sync>;

/// The upstream. Clones are the same one; answers can be changed while it is called. It runs once a gateway is built
/// over it, behind a [`Proxy`] with its journal and its faults.
#[derive(Clone, Default)]
pub struct Stub {
    /// The last that has an answer counts.
    answers: Arc<Mutex<Vec<Answering>>>,
}

impl Stub {
    /// One that answers 404.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers what this function has an answer to.
    pub fn with(&self, answering: impl Fn(&Recorded) -> Option<Reply> + Send + Sync + 'static) {
        self.answers.lock().push(Arc::new(answering));
    }

    /// Answers a request line: `GET /books/1`, whatever its query, or `GET /books?limit=2` with just that one.
    pub fn on(&self, line: &str, reply: Reply) {
        let line = line.to_owned();
        self.with(move |request| {
            let asked = if line.contains('?') { request.line() } else { request.line_without_query() };
            (asked == line).then(|| reply.clone())
        });
    }

    /// Answers a request line with JSON.
    pub fn json(&self, line: &str, body: &Value) {
        self.on(line, Reply::json(body));
    }

    /// Answers `GET PATH?ids=a,b` with `{"items": […]}`: what `one` knows of these ids, in the order in which they were
    /// asked for.
    pub fn many(&self, path: &str, one: impl Fn(&str) -> Option<Value> + Send + Sync + 'static) {
        let path = path.to_owned();
        self.with(move |request| {
            let ids = (request.path == path).then(|| request.query_value("ids")).flatten()?;
            let items: Vec<_> = ids.split(',').filter_map(&one).collect();
            Some(Reply::json(&json!({ "items": items })))
        });
    }

    fn answer(&self, request: &Recorded) -> Reply {
        let answers = self.answers.lock().clone();
        let found = answers.iter().rev().find_map(|answering| answering(request));
        found.unwrap_or_else(|| Reply::problem(404, "not_found"))
    }

    /// Listens on a free loopback port, behind a proxy. Ends with the runtime.
    ///
    /// # Panics
    /// Without a port.
    pub async fn start(&self) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let proxy = Proxy::before(listener.local_addr().expect("its address")).await.expect("a port");
        tokio::spawn(self.clone().serve(listener));
        proxy
    }

    async fn serve(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let stub = self.clone();
            let _ = stream.set_nodelay(true);
            connections.spawn(async move {
                let mut wire = Wire::new(stream);
                while let Ok(Some(message)) = wire.read(Side::Request).await {
                    let reply = stub.answer(&Recorded::of(&message));
                    if wire.write(&reply.to_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    }

    /// The accounts of whoever signs up: the id of `ada` is `id-ada`.
    #[must_use]
    pub fn people() -> Self {
        let stub = Self::new();
        stub.with(|request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let known = |name: &str| Reply::json(&person(name));
            match request.line_without_query().as_str() {
                "POST /members" => Some(known(body["username"].as_str()?).with_status(201)),
                "POST /members/verify" => Some(known(body["login"].as_str()?)),
                _ => None,
            }
        });
        stub
    }
}

fn person(name: &str) -> Value {
    json!({
        "id": format!("id-{name}"), "username": name, "displayName": name.to_uppercase(), "avatarUrl": null,
        "email": crate::email(name),
    })
}
