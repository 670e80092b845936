//! HTTP/1.1 messages as they stand on the wire (RFC 9112): just enough to journal and to break them.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// No test sends more: a message that grows past it is a bug in the test.
const MAX_MESSAGE: usize = 256 << 20;

/// A connection and what was read from it ahead.
pub(crate) struct Wire {
    pub(super) stream: TcpStream,
    ahead: Vec<u8>,
}

/// What frames the body that follows a head.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Request,
    /// `to_head`: the answer to a HEAD, which has no body whatever it says.
    Answer {
        to_head: bool,
    },
}

/// A message.
pub(crate) struct Message {
    /// Request line or status line.
    pub(super) start: String,
    pub(super) headers: Vec<(String, String)>,
    /// Without its transfer coding.
    pub(super) body: Vec<u8>,
    /// As it came.
    pub(super) raw: Vec<u8>,
}

impl Message {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Whether the connection ends after it.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// The first header by that name, in any case.
pub(super) fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Waits until the other side has closed. What it sends until then is kept.
    pub(super) async fn closed(&mut self) {
        while let Ok(true) = self.fill().await {}
    }

    /// The next message; nothing when the connection ended between two.
    pub(crate) async fn read(&mut self, side: Side) -> io::Result<Option<Message>> {
        let head_len = loop {
            if let Some(end) = find(&self.ahead, b"\r\n\r\n") {
                break end + 4;
            }
            if !self.fill().await? {
                return if self.ahead.is_empty() { Ok(None) } else { Err(cut_off()) };
            }
        };
        let (start, headers) = parse_head(&self.ahead[..head_len])?;
        let (body, len) = self.body(head_len, side, &start, &headers).await?;
        let rest = self.ahead.split_off(len);
        let raw = std::mem::replace(&mut self.ahead, rest);
        Ok(Some(Message { start, headers, body, raw }))
    }

    /// The decoded body, and the length of the whole message.
    async fn body(
        &mut self,
        head_len: usize,
        side: Side,
        start: &str,
        headers: &[(String, String)],
    ) -> io::Result<(Vec<u8>, usize)> {
        let chunked = header(headers, "transfer-encoding").is_some();
        let announced = header(headers, "content-length").map(str::parse::<usize>);
        match (side, announced) {
            (Side::Answer { to_head }, _) if to_head || is_bodiless(start) => Ok((Vec::new(), head_len)),
            _ if chunked => self.chunks(head_len).await,
            (_, Some(Ok(length))) => {
                self.have(head_len + length).await?;
                Ok((self.ahead[head_len..head_len + length].to_vec(), head_len + length))
            }
            (_, Some(Err(_))) => Err(malformed("Content-Length")),
            (Side::Request, None) => Ok((Vec::new(), head_len)),
            (Side::Answer { .. }, None) => {
                while self.fill().await? {}
                Ok((self.ahead[head_len..].to_vec(), self.ahead.len()))
            }
        }
    }

    async fn chunks(&mut self, head_len: usize) -> io::Result<(Vec<u8>, usize)> {
        let (mut body, mut at) = (Vec::new(), head_len);
        loop {
            let line_end = loop {
                if let Some(end) = find(&self.ahead[at..], b"\r\n") {
                    break at + end;
                }
                self.have(self.ahead.len() + 1).await?;
            };
            let line = String::from_utf8_lossy(&self.ahead[at..line_end]).into_owned();
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| malformed("chunk size"))?;
            let (from, to) = (line_end + 2, line_end + 2 + size);
            self.have(to + 2).await?;
            body.extend_from_slice(&self.ahead[from..to]);
            at = to + 2;
            if size == 0 {
                return Ok((body, at));
            }
        }
    }

    async fn have(&mut self, length: usize) -> io::Result<()> {
        while self.ahead.len() < length {
            if !self.fill().await? {
                return Err(cut_off());
            }
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<bool> {
        if self.ahead.len() > MAX_MESSAGE {
            return Err(malformed("length"));
        }
        self.ahead.reserve(16 * 1024);
        Ok(self.stream.read_buf(&mut self.ahead).await? > 0)
    }
}

/// 1xx, 204 and 304 have no body (RFC 9112 section 6.3).
fn is_bodiless(status_line: &str) -> bool {
    let status = status_line.split(' ').nth(1).unwrap_or_default();
    status.starts_with('1') || matches!(status, "204" | "304")
}

fn parse_head(head: &[u8]) -> io::Result<(String, Vec<(String, String)>)> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let start = lines.next().ok_or_else(|| malformed("start line"))?.to_owned();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("header"))?;
        Ok((name.to_owned(), value.trim().to_owned()))
    });
    Ok((start, headers.collect::<io::Result<_>>()?))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed {what}"))
}
