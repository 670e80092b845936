//! What a connection and the service behind its parser know of each other: which part of a request is read, and
//! whether one is being answered.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    task::{Context, Waker},
};

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use tokio::time::Instant;

use super::framing::{Body, Chunk, Part};

/// After so many refusals in a row (429), each with the next request waiting behind it already, the connection
/// closes. A caller that waits for an answer before it sends the next request never comes near.
const REFUSALS: u32 = 16;

/// One for each connection; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Turns(Rc<State>);

#[derive(Debug)]
pub(super) struct State {
    pub(super) part: Cell<Part>,
    /// A request is being answered: the next one waits.
    pub(super) answering: Cell<bool>,
    /// Bytes wait for their turn.
    pub(super) waiting: Cell<bool>,
    /// When what is being read must be there.
    pub(super) deadline: Cell<Option<Instant>>,
    /// The rest of the body will not be read: its sender was told not to send it.
    pub(super) abandoned: Cell<bool>,
    refusals: Cell<u32>,
    reader: RefCell<Option<Waker>>,
}

impl std::ops::Deref for Turns {
    type Target = State;
    fn deref(&self) -> &State {
        &self.0
    }
}

impl Turns {
    /// Of a connection whose first head must be there at `deadline`.
    pub(super) fn new(deadline: Instant) -> Self {
        Self(Rc::new(State {
            part: Cell::new(Part::Idle),
            answering: Cell::new(false),
            waiting: Cell::new(false),
            deadline: Cell::new(Some(deadline)),
            abandoned: Cell::new(false),
            refusals: Cell::new(0),
            reader: RefCell::new(None),
        }))
    }

    /// A request was read whose head said `body`. It is being answered until the turn is dropped.
    pub(super) fn begin(&self, body: Body) -> Turn {
        self.part.set(if body == Body::None { Part::Idle } else { Part::Body(body) });
        self.deadline.set(None);
        self.answering.set(true);
        Turn(self.clone())
    }

    /// Whoever reads waits for the end of the answer.
    pub(super) fn wake_at_end(&self, reader: &Waker) {
        let mut known = self.reader.borrow_mut();
        match &mut *known {
            Some(known) => known.clone_from(reader),
            None => *known = Some(reader.clone()),
        }
    }
}

/// The time in which a request is answered: from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct Turn(Turns);

impl Turn {
    /// Notes that the answer is a refusal or none. True: the connection is to be closed behind it.
    pub(super) fn refused(&self, refused: bool) -> bool {
        let row = if refused && self.0.waiting.get() { self.0.refusals.get() + 1 } else { 0 };
        self.0.refusals.set(row);
        row >= REFUSALS
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.answering.set(false);
        if let Some(reader) = self.0.reader.take() {
            after_the_others(&reader);
        }
    }
}

/// Wakes a task after the tasks that can run now have run, and the sockets have been looked at: one that woke
/// itself at once would be run up to 61 times before any other caller's bytes are noticed.
pub(super) fn after_the_others(waker: &Waker) {
    // What tokio does for a task that yields; dropping the future takes nothing back.
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(waker));
}

/// How long the body is that follows this head, for which the parser expects one.
pub(super) fn body_of(headers: &HeaderMap) -> Body {
    if headers.contains_key(TRANSFER_ENCODING) {
        return Body::Chunked(Chunk::FIRST);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.trim().parse().ok());
    let upgrade = headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    match length {
        Some(length) if upgrade.is_none_or(|to| !to.trim().eq_ignore_ascii_case("websocket")) => {
            Body::Length(length)
        }
        _ => Body::Endless,
    }
}
