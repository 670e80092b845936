//! A caller's connection, beneath the HTTP parser. The parser (actix-http) takes whatever a socket has and limits the
//! time of a connection's first head alone; here each connection takes turns, and every head has its time.
//!
//! - One request is handed over at a time, and the next one after its answer, when all other connections of the
//!   worker have had their turn: pipelined requests (RFC 9112 section 9.3.2) hold up nobody but each other.
//! - The time of a head begins with its first byte and ends with its last one, for every request. So does the time
//!   in which the rest of a body is discarded that nothing reads any more.
//! - An idle connection is not looked at here: the keep-alive time of the parser ends it.

mod framing;
mod server;
mod service;
mod turn;

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

pub use self::server::{Serving, serve};
use self::{
    framing::{Body, Part},
    turn::{Turns, after_the_others},
};

/// Bytes that are kept of requests whose turn has not come; more wait in the kernel.
const WAITING_BYTES: usize = 8 * 1024;
/// Reads that are discarded before a connection is closed: what lies unread in the kernel would turn the close
/// into a reset, which can take the answer along.
const LAST_READS: usize = 64;
const PIECE: usize = 1024;

/// What is sent to a caller whose head did not come in time.
type TooLate = Rc<dyn Fn() -> Vec<u8>>;

/// A socket that hands over one request at a time. Not `Send`: it lives on one worker, as its service does.
struct Connection {
    socket: TcpStream,
    turns: Turns,
    /// Was read, and waits for its turn.
    waiting: BytesMut,
    /// Whether the others had their turn since the last head.
    yielded: bool,
    /// For [`turn::State::deadline`].
    timer: Option<Pin<Box<Sleep>>>,
    head_timeout: Duration,
    too_late: TooLate,
    /// The socket takes no more at the moment: an answer is not over.
    write_blocked: bool,
    over: bool,
}

impl Connection {
    fn new(socket: TcpStream, head_timeout: Duration, too_late: TooLate) -> Self {
        Self {
            socket,
            turns: Turns::new(Instant::now() + head_timeout),
            waiting: BytesMut::new(),
            yielded: false,
            timer: None,
            head_timeout,
            too_late,
            write_blocked: false,
            over: false,
        }
    }

    fn turns(&self) -> Turns {
        self.turns.clone()
    }

    /// Hands over what belongs to the part that is being read, and keeps what is behind it.
    fn hand_over(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.waiting.is_empty() {
            let most = self.waiting.len().min(buffer.remaining());
            let taken = self.advance(&self.waiting[..most]);
            buffer.put_slice(&self.waiting[..taken]);
            self.waiting.advance(taken);
            if self.waiting.is_empty() {
                // An idle connection holds no buffer.
                self.waiting = BytesMut::new();
                self.turns.waiting.set(false);
            }
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        if Pin::new(&mut self.socket).poll_read(cx, buffer)?.is_pending() {
            return self.wait(cx);
        }
        let came = &buffer.filled()[before..];
        if came.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let taken = self.advance(came);
        if taken < came.len() {
            self.waiting.extend_from_slice(&came[taken..]);
            self.turns.waiting.set(true);
            buffer.set_filled(before + taken);
        }
        Poll::Ready(Ok(()))
    }

    fn advance(&self, bytes: &[u8]) -> usize {
        let (taken, behind) = self.turns.part.get().advance(bytes);
        self.turns.part.set(behind);
        taken
    }

    /// Reads ahead while it is not the next request's turn. Ready: the caller is gone.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.waiting.len() < WAITING_BYTES {
            let mut space = [const { MaybeUninit::uninit() }; PIECE];
            let mut piece = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.waiting.extend_from_slice(piece.filled());
            self.turns.waiting.set(true);
        }
        Poll::Pending
    }

    /// Nothing has come. Ready, as at the end of a connection: it has not come in time.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let part = self.turns.part.get();
        let body = matches!(part, Part::Body(_));
        if body {
            // What is left of it then has a time of its own.
            self.turns.wake_at_end(cx.waker());
        }
        let limited = matches!(part, Part::Head(_)) || body && !self.turns.answering.get();
        if limited && self.turns.deadline.get().is_none() {
            self.turns.deadline.set(Some(Instant::now() + self.head_timeout));
        }
        let Some(deadline) = self.turns.deadline.get() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        self.end(cx)
    }

    fn end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.over = true;
        // Whose body is discarded has got its answer. Behind an answer that is not over nothing can be said.
        if !matches!(self.turns.part.get(), Part::Body(_)) && !self.write_blocked {
            // All of it or nothing: nobody waits for a caller that is late.
            let _ = Pin::new(&mut self.socket).poll_write(cx, &(self.too_late)());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(Ok(()));
        }
        if let Some(timer) = &mut this.timer {
            if this.turns.deadline.get().is_none() {
                this.timer = None;
            } else if timer.as_mut().poll(cx).is_ready() {
                return this.end(cx);
            }
        }
        let answering = this.turns.answering.get();
        match this.turns.part.get() {
            // Whether the head is one is said after this read. There is nobody to be kept waiting but the others.
            Part::Decision if !this.yielded => {
                let ended = this.read_ahead(cx);
                if !this.waiting.is_empty() {
                    this.yielded = true;
                    after_the_others(cx.waker());
                }
                ended
            }
            Part::Idle if answering => {
                this.yielded = false;
                let ended = this.read_ahead(cx);
                if !this.waiting.is_empty() {
                    this.turns.wake_at_end(cx.waker());
                }
                ended
            }
            Part::Body(Body::Chunked(_)) if !answering && this.turns.abandoned.get() => {
                this.over = true;
                Poll::Ready(Ok(()))
            }
            _ => {
                this.yielded = false;
                this.hand_over(cx, buffer)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes);
        this.write_blocked = written.is_pending();
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        for _ in 0..LAST_READS {
            let mut space = [const { MaybeUninit::uninit() }; PIECE];
            let mut piece = ReadBuf::uninit(&mut space);
            match Pin::new(&mut this.socket).poll_read(cx, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() => {}
                _ => break,
            }
        }
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}
