//! Where a request's head and body end in the bytes of a connection (RFC 9112 sections 2.2, 6 and 7.1). The parser
//! behind it judges the bytes; this only counts them, so that time limits and turns can be held to messages.

/// Which part of a request comes next on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing of a request yet.
    Idle,
    /// Bytes of a head.
    Head(Line),
    /// A whole head was handed over; what the parser makes of it says what follows.
    Decision,
    /// Bytes of a body.
    Body(Body),
}

/// Where in its lines a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Before the request line: empty lines are skipped (RFC 9112 section 2.2).
    Leading,
    Within,
    /// Behind a line feed.
    Ended,
    /// Behind a line feed and a carriage return.
    EndedCr,
}

/// How long a body is (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Chunk),
    /// Until the connection closes: after an upgrade.
    Endless,
}

/// Where in a chunked body the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the line that says how long the chunk is; `closed` behind the digits.
    Size {
        bytes: u64,
        closed: bool,
    },
    Data(u64),
    /// Behind the data, before the end of its line.
    DataEnd,
    /// In a line behind the last chunk.
    Trailer {
        empty: bool,
    },
}

impl Chunk {
    pub(super) const FIRST: Self = Self::Size { bytes: 0, closed: false };

    /// The state behind `byte`, which is no data; nothing when the body ends with it.
    fn behind(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Size { bytes: 0, .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Size { bytes, .. }, b'\n') => Self::Data(bytes),
            (Self::Size { bytes, closed: false }, digit) if digit.is_ascii_hexdigit() => {
                let digit = char::from(digit).to_digit(16).unwrap_or_default();
                Self::Size { bytes: bytes.saturating_mul(16).saturating_add(digit.into()), closed: false }
            }
            (Self::Size { bytes, .. }, _) => Self::Size { bytes, closed: true },
            (Self::DataEnd, b'\n') => Self::FIRST,
            (Self::Trailer { empty: true }, b'\n') => return None,
            (Self::Trailer { .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Trailer { .. }, byte) if byte != b'\r' => Self::Trailer { empty: false },
            (same, _) => same,
        })
    }
}

impl Part {
    /// How many of `bytes` belong to this part, and the part behind those. At least one, where there is one.
    pub(super) fn advance(self, bytes: &[u8]) -> (usize, Self) {
        match self {
            Self::Idle | Self::Decision => head(Line::Leading, bytes),
            Self::Head(line) => head(line, bytes),
            Self::Body(Body::None) => (0, Self::Idle),
            Self::Body(Body::Length(rest)) => {
                let taken = usize::try_from(rest).map_or(bytes.len(), |rest| rest.min(bytes.len()));
                match rest - taken as u64 {
                    0 => (taken, Self::Idle),
                    rest => (taken, Self::Body(Body::Length(rest))),
                }
            }
            Self::Body(Body::Chunked(chunk)) => chunked(chunk, bytes),
            Self::Body(Body::Endless) => (bytes.len(), self),
        }
    }
}

fn head(mut line: Line, bytes: &[u8]) -> (usize, Part) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        line = match (line, byte) {
            (Line::Leading, b'\r' | b'\n') => Line::Leading,
            (Line::Ended | Line::EndedCr, b'\n') => return (at, Part::Decision),
            (Line::Ended, b'\r') => Line::EndedCr,
            // From here on only the end of the line matters.
            _ => match memchr::memchr(b'\n', &bytes[at - 1..]) {
                Some(found) => {
                    at += found;
                    Line::Ended
                }
                None => return (bytes.len(), Part::Head(Line::Within)),
            },
        };
    }
    (at, Part::Head(line))
}

fn chunked(mut chunk: Chunk, bytes: &[u8]) -> (usize, Part) {
    let mut at = 0;
    while at < bytes.len() {
        if let Chunk::Data(rest) = chunk {
            let left = bytes.len() - at;
            let taken = usize::try_from(rest).map_or(left, |rest| rest.min(left));
            at += taken;
            chunk = match rest - taken as u64 {
                0 => Chunk::DataEnd,
                rest => Chunk::Data(rest),
            };
            continue;
        }
        let byte = bytes[at];
        at += 1;
        match chunk.behind(byte) {
            Some(next) => chunk = next,
            None => return (at, Part::Idle),
        }
    }
    (at, Part::Body(Body::Chunked(chunk)))
}

#[cfg(test)]
mod tests {
    use super::{Body, Chunk, Line, Part};

    /// Where the part that begins `bytes` ends, however they are cut into pieces.
    fn ends_at(part: Part, bytes: &[u8], end: Part) -> Option<usize> {
        let mut found = Vec::new();
        for piece in 1..=bytes.len() {
            let (mut at, mut now) = (0, part);
            while at < bytes.len() && (now != end || at == 0) {
                let (taken, next) = now.advance(&bytes[at..bytes.len().min(at + piece)]);
                assert!(taken > 0);
                (at, now) = (at + taken, next);
            }
            found.push((now == end).then_some(at));
        }
        found.dedup();
        assert_eq!(found.len(), 1, "in pieces it is another");
        found[0]
    }

    #[test]
    fn a_head_ends_with_an_empty_line() {
        for (bytes, end) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", Some(27)),
            ("GET / HTTP/1.1\nHost: a\n\nGET", Some(24)),
            ("GET / HTTP/1.1\r\nHost: a\n\r\nGET", Some(26)),
            ("\r\n\r\n\r\n\nGET / HTTP/1.0\r\n\r\nGET", Some(25)),
            ("\r\n\r\n\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r", None),
            ("GET / HTTP/1.1\r\nA: \r\r\r\r\r\r\nB: c\r\n \r\n", None),
            ("x\n\n", Some(3)),
        ] {
            assert_eq!(ends_at(Part::Idle, bytes.as_bytes(), Part::Decision), end, "{bytes:?}");
        }
    }

    #[test]
    fn a_body_ends_where_its_head_said() {
        let chunked = Part::Body(Body::Chunked(Chunk::FIRST));
        for (part, bytes, end) in [
            (Part::Body(Body::Length(3)), "abcGET", Some(3)),
            (Part::Body(Body::Length(7)), "abcGET", None),
            (Part::Body(Body::Endless), "abcGET", None),
            (chunked, "0\r\n\r\nGET", Some(5)),
            (chunked, "3\r\nabc\r\n00\r\n\r\nGET", Some(14)),
            (chunked, "a;x=\"1\"\r\n0\r\n\r\n45678\r\n0\r\n\r\nGET", Some(26)),
            (chunked, "1\r\n0\r\n0\r\nA: b\r\nC:\r\n\r\nGET", Some(21)),
            (chunked, "1 \r\n0\r\n0\r\n\r\r\nGET", Some(13)),
            (chunked, "ffffffffffffffffffff\r\n0\r\n\r\n", None),
            (chunked, "3\r\nabc\r\n", None),
        ] {
            assert_eq!(ends_at(part, bytes.as_bytes(), Part::Idle), end, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_left_open_is_remembered() {
        assert_eq!(Part::Idle.advance(b"GET").1, Part::Head(Line::Within));
        assert_eq!(Part::Idle.advance(b"\r\n").1, Part::Head(Line::Leading));
        assert_eq!(Part::Body(Body::Length(9)).advance(b"1234").1, Part::Body(Body::Length(5)));
    }
}
