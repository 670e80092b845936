//! How callers' connections are served: time limits, turns, and what is sent before and after answers.

mod draining;
mod expectations;
mod heads;
mod pipelining;
mod versions;

use std::net::SocketAddr;

use tests::soon;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// An answer as it came.
#[derive(Debug, Clone)]
struct Raw {
    head: String,
    body: String,
}

impl Raw {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    #[track_caller]
    fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status(), status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{self:?}");
        assert_eq!(problem["requestId"].as_str(), self.header("x-request-id"), "{self:?}");
    }
}

/// A connection on which bytes are sent as they are.
struct Wire {
    reading: OwnedReadHalf,
    /// Nothing: somebody else writes.
    writing: Option<OwnedWriteHalf>,
    came: Vec<u8>,
}

impl Wire {
    /// To the listener at `url`.
    async fn to(url: &str) -> Self {
        let address: SocketAddr = url.trim_start_matches("http://").parse().expect("an address");
        let stream = soon("a connection", TcpStream::connect(address)).await.expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let (reading, writing) = stream.into_split();
        Self { reading, writing: Some(writing), came: Vec::new() }
    }

    async fn send(&mut self, bytes: &str) {
        let writing = self.writing.as_mut().expect("nobody else writes");
        soon("room", writing.write_all(bytes.as_bytes())).await.expect("an open connection");
    }

    /// Whether more has come, and not the end. A reset is an end as well.
    async fn more(&mut self) -> bool {
        let read = soon("an answer", self.reading.read_buf(&mut self.came)).await;
        read.is_ok_and(|read| read > 0)
    }

    /// The next answer; nothing when the connection has ended before it was whole. Interim ones count.
    async fn answer(&mut self) -> Option<Raw> {
        let end = loop {
            if let Some(at) = self.came.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head = String::from_utf8(self.came[..end].to_vec()).expect("a head");
        let answer = Raw { head, body: String::new() };
        let chunked = answer.header("transfer-encoding").is_some();
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        let whole = |came: &[u8]| {
            let chunks = || came.windows(5).position(|window| window == b"0\r\n\r\n").map(|at| at + 5);
            if chunked { chunks() } else { (came.len() >= length).then_some(length) }
        };
        let length = loop {
            if let Some(length) = whole(&self.came[end..]) {
                break length;
            }
            if !self.more().await {
                return None;
            }
        };
        let body = String::from_utf8_lossy(&self.came[end..end + length]).into_owned();
        self.came.drain(..end + length);
        Some(Raw { body, ..answer })
    }

    async fn expect(&mut self, status: u16) -> Raw {
        let answer = self.answer().await.expect("an answer");
        assert_eq!(answer.status(), status, "{answer:?}");
        answer
    }

    /// The rest, until the gateway closes.
    async fn rest(mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&self.came).into_owned()
    }
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: bff\r\n{headers}\r\n")
}
