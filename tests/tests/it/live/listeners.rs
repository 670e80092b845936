//! Front-ends that listen, over either transport.

use std::{net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName},
};
use serde_json::Value;
use tests::{Actor, Answer, Replica, TestBff, contract::hold_message, soon};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::HeaderValue},
};

/// What a front-end hears.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Message(Value),
    /// A Close frame with that code, or the event that stands for one.
    Closed(u16),
    /// The end of the connection.
    Gone,
}

impl Heard {
    #[track_caller]
    pub(crate) fn message(self) -> Value {
        match self {
            Self::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }
}

/// Holds the beginning of a connection against the contract.
fn hold_head(bff: &Replica, status: StatusCode, headers: &HeaderMap) {
    let (headers, body, took) = (headers.clone(), Bytes::new(), Duration::ZERO);
    bff.hold(&Method::GET, "/bff/notify", &Answer { status, headers, body, took });
}

/// What was told, which is what the contract says of messages.
fn message(text: &str) -> Value {
    let message = serde_json::from_str(text).expect("JSON");
    hold_message(&message);
    message
}

/// A front-end on a WebSocket.
pub(crate) struct Socket(pub(super) WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one with the actor's cookie and those headers; the status where it is refused.
    pub(crate) async fn try_open(
        bff: &Replica,
        actor: &Actor,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let stream = connect(bff, None).await;
        let url = format!("{}/bff/notify{query}", bff.url().replace("http://", "ws://"));
        let mut request = url.into_client_request().expect("a request");
        let cookie = actor.cookie();
        let all = cookie.iter().map(|cookie| ("cookie", &**cookie)).chain(headers.iter().copied());
        for (name, value) in all {
            request.headers_mut().append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        match soon("the handshake", client_async(request, stream)).await {
            Ok((socket, opened)) => {
                hold_head(bff, opened.status(), opened.headers());
                Ok(Self(socket))
            }
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens one from a page of an allowed origin, and takes the first message.
    pub(crate) async fn open(bff: &Replica, actor: &Actor, query: &str) -> Self {
        let mut socket = Self::opening(bff, actor, query).await;
        assert_eq!(socket.next().await.message()["type"], "ready");
        socket
    }

    /// The same, before the first message.
    pub(crate) async fn opening(bff: &Replica, actor: &Actor, query: &str) -> Self {
        Self::try_open(bff, actor, query, &[("origin", TestBff::ORIGIN)]).await.expect("it is let in")
    }

    /// What is heard next; pings are answered and passed over.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            match soon("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Message(message(&text));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Gone,
            }
        }
    }

    pub(crate) async fn say(&mut self, message: Message) {
        self.0.send(message).await.expect("it is sent");
    }

    pub(crate) async fn command(&mut self, command: &Value) -> Value {
        self.say(Message::text(command.to_string())).await;
        self.next().await.message()
    }
}

/// A front-end on an event stream.
pub(crate) struct EventStream {
    stream: TcpStream,
    raw: BytesMut,
    /// Without the framing of the transfer.
    text: String,
    /// The value of the last `id:` line, as browsers keep it.
    pub(crate) last_id: Option<String>,
    /// The value of the last `retry:` line.
    pub(crate) retry: Option<u64>,
}

impl EventStream {
    /// Opens one with the actor's cookie and those headers; head and status where it is refused.
    pub(crate) async fn try_open(
        bff: &Replica,
        actor: &Actor,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let mut stream = connect(bff, None).await;
        let mut head = format!("GET /bff/notify{query} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n");
        if let Some(cookie) = actor.cookie() {
            head += &format!("cookie: {cookie}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await.expect("it is sent");
        let mut raw = BytesMut::new();
        let end = loop {
            if let Some(end) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            let read = soon("a head", stream.read_buf(&mut raw)).await.expect("an answer");
            assert_ne!(read, 0, "it was cut off");
        };
        let head = String::from_utf8_lossy(&raw.split_to(end + 4)).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        if status != 200 {
            return Err(status);
        }
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        let headers = head.lines().filter_map(|line| line.split_once(": ")).map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            (name, HeaderValue::from_str(value).expect("a value"))
        });
        hold_head(bff, StatusCode::OK, &headers.collect());
        assert!(head.contains("cache-control: no-store"), "{head}");
        Ok(Self { stream, raw, text: String::new(), last_id: None, retry: None })
    }

    /// Opens one, and takes the first message.
    pub(crate) async fn open(bff: &Replica, actor: &Actor, query: &str) -> Self {
        let mut stream = Self::resume(bff, actor, query, None).await;
        assert_eq!(stream.next().await.message()["type"], "ready");
        stream
    }

    /// Opens one as a browser that comes back does.
    pub(crate) async fn resume(bff: &Replica, actor: &Actor, query: &str, last: Option<&str>) -> Self {
        let headers: Vec<_> = last.iter().map(|last| ("last-event-id", *last)).collect();
        Self::try_open(bff, actor, query, &headers).await.expect("it is let in")
    }

    /// What is heard next; comments are passed over.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(heard) = self.event(&event) {
                    return heard;
                }
            } else if !soon("an event", self.read()).await {
                return Heard::Gone;
            }
        }
    }

    /// Reads it as WHATWG HTML section 9.2.6 says.
    fn event(&mut self, event: &str) -> Option<Heard> {
        let mut data = None;
        for line in event.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("id", id) => self.last_id = Some(id.to_owned()),
                ("retry", millis) => self.retry = Some(millis.parse().expect("digits")),
                ("data", json) => {
                    assert!(data.is_none(), "one line of data: {event}");
                    data = Some(message(json));
                }
                (other, _) => assert!(other.starts_with(':'), "{event}"),
            }
        }
        let message = data?;
        if message["type"] == "end" {
            return Some(Heard::Closed(message["data"]["code"].as_u64().expect("a code") as u16));
        }
        let id = message["id"].as_str();
        assert!(id.is_none() || id == self.last_id.as_deref(), "{message}");
        Some(Heard::Message(message))
    }

    /// Takes one chunk in (RFC 9112 section 7.1); `false`: there are no more.
    async fn read(&mut self) -> bool {
        loop {
            if let Some(end) = self.raw.windows(2).position(|window| window == b"\r\n") {
                let size = std::str::from_utf8(&self.raw[..end]).expect("a size");
                let size = usize::from_str_radix(size, 16).expect("a size");
                if size == 0 {
                    return false;
                }
                if self.raw.len() >= end + 2 + size + 2 {
                    let chunk = self.raw.split_to(end + 2 + size + 2);
                    self.text += std::str::from_utf8(&chunk[end + 2..end + 2 + size]).expect("UTF-8");
                    return true;
                }
            }
            if !matches!(self.stream.read_buf(&mut self.raw).await, Ok(1..)) {
                return false;
            }
        }
    }
}

/// A front-end that listens and does not care how.
pub(crate) enum Listener {
    Socket(Box<Socket>),
    Stream(Box<EventStream>),
}

impl Listener {
    pub(crate) async fn next(&mut self) -> Heard {
        match self {
            Self::Socket(socket) => socket.next().await,
            Self::Stream(stream) => stream.next().await,
        }
    }
}

/// A connection to the gateway, with a small window where one is given.
pub(crate) async fn connect(bff: &Replica, window: Option<u32>) -> TcpStream {
    let address: SocketAddr = bff.url().trim_start_matches("http://").parse().expect("an address");
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(window) = window {
        socket.set_recv_buffer_size(window).expect("a window");
    }
    let stream = soon("a connection", socket.connect(address)).await.expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Time in which something that must not come would have come.
pub(crate) const A_WHILE: Duration = Duration::from_millis(150);
