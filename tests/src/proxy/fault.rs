//! What can go wrong between gateway and upstream.

use std::time::Duration;

/// A way to fail. Applies to each request that comes while it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The answer comes so much later.
    Delay(Duration),
    /// The connection is reset (RST) instead of answered; the upstream never sees the request.
    Reset,
    /// A connection that has carried an answer before closes instead of answering; the upstream never sees the request.
    /// On a new one it is answered.
    CloseReused,
    /// The upstream does its work, then the connection is reset.
    LoseAnswer,
    /// The upstream does its work; its answer is held back until the fault is taken away.
    HoldAnswer,
    /// The upstream does its work, and then answers with this status instead, as with [`Fault::Status`].
    DoneThen(u16),
    /// The head and half of the body, then the connection closes.
    CutBody,
    /// The head and half of the body, then silence.
    Stall,
    /// Bytes that are not HTTP.
    Garbage,
    /// 200 with `application/json` and a body that is none.
    GarbageJson,
    /// 200 with JSON of another shape than agreed.
    WrongShape,
    /// 500 with [`PLANTED`] in it.
    Status500,
    /// Any other status, with a problem document that has [`PLANTED`] in it.
    Status(u16),
    /// The request is read and never answered.
    BlackHole,
    /// 64 MiB of well-formed JSON; `announced` says whether `Content-Length` tells so beforehand.
    Huge { announced: bool },
    /// 302 to that address.
    Redirect(String),
    /// Answered when the fault is taken away, as if it had never been there.
    Hold,
}

/// A text that only upstreams say: it must never reach a caller.
pub const PLANTED: &str = "upstream-says-secret-stack-trace";

/// Bytes of [`Fault::Huge`].
pub const HUGE: usize = 64 << 20;

/// Which faults apply.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    /// No connection is taken, and those that are open are reset.
    pub(super) refuse: bool,
    /// What the request's path and query begin with, and what becomes of it. The last that fits counts.
    pub(super) faults: Vec<(String, Fault)>,
}

impl Rules {
    pub(super) fn fault(&self, target: &str) -> Option<&Fault> {
        self.faults.iter().rev().find(|(prefix, _)| target.starts_with(prefix)).map(|(_, fault)| fault)
    }
}

/// A whole answer with a JSON body.
pub(super) fn answer(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Planted\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A refusal with [`PLANTED`] in it.
pub(super) fn problem(status: u16) -> Vec<u8> {
    let body = format!(
        r#"{{"type":"/problems/planted","title":"{PLANTED}","status":{status},"detail":"{PLANTED}","code":"planted","requestId":"x"}}"#
    );
    answer(status, "application/problem+json", &body)
}

/// The answer that a fault stands for, where it is a fixed one.
pub(super) fn fixed_answer(fault: &Fault) -> Option<Vec<u8>> {
    match fault {
        Fault::Garbage => Some(b"\x16\x03\x01 this is not HTTP at all\r\n\r\n".to_vec()),
        Fault::GarbageJson => Some(answer(200, "application/json", &format!("{{\"items\": [{PLANTED}"))),
        Fault::WrongShape => {
            Some(answer(200, "application/json", &format!("{{\"planted\": \"{PLANTED}\"}}")))
        }
        Fault::Status500 => Some(answer(500, "text/plain", &format!("{PLANTED}\n  at main.rs:1"))),
        Fault::Status(status) => Some(problem(*status)),
        Fault::Redirect(to) => {
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            Some(head.into_bytes())
        }
        _ => None,
    }
}
