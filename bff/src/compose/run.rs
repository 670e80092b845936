//! One composition.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use schemas::{DegradedPart, PartStatus, Reason};
use serde::Serialize;

use super::{ComposeError, Composed, Field, MadeOf, Packed, PartCache, View};
use crate::{invalidation::Tag, telemetry::Metrics};

/// One composition: its deadline, and the log of what became of each part.
#[derive(Debug)]
pub struct Run {
    screen: &'static str,
    pub(super) parts: PartCache,
    pub(super) begun: Instant,
    deadline: Instant,
    metrics: Arc<Metrics>,
    view: View,
    log: Mutex<Log>,
    /// Finished fields that wait for the first of [`Run::emit`]; `None`: it has come.
    held: Mutex<Option<Vec<Field>>>,
}

#[derive(Debug, Default)]
struct Log {
    timings: Vec<(&'static str, Duration)>,
    degraded: Vec<DegradedPart>,
    tags: Vec<Tag>,
    has_unknown_cursor: bool,
    /// A part is missing because it was refused for good.
    withheld: bool,
    /// When the oldest of the parts was fetched that were kept from before.
    oldest: Option<Instant>,
}

impl Run {
    /// A composition of `screen` in the shape `view`, that begins now and must end within `budget`.
    #[must_use]
    pub fn new(
        screen: &'static str,
        view: View,
        budget: Duration,
        parts: PartCache,
        metrics: Arc<Metrics>,
    ) -> Self {
        let begun = Instant::now();
        metrics.composing.inc();
        Self {
            screen,
            parts,
            begun,
            deadline: begun + budget,
            metrics,
            view,
            log: Mutex::default(),
            held: Mutex::new(Some(Vec::new())),
        }
    }

    /// When it must end.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it is for a small screen.
    #[must_use]
    pub fn is_compact(&self) -> bool {
        self.view.is_compact()
    }

    /// Whether somebody reads along: then it is worth a call more to finish fields one by one.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.parts.progress().is_followed()
    }

    /// Hands a finished field of the document to those who read along, before the rest is there. It must be what
    /// the document will say. With the first one the answer's status is decided: it is for what the screen requires.
    pub fn emit(&self, field: &'static str, value: &impl Serialize) {
        let line = self.line(field, value);
        let mut held = self.held.lock();
        for (field, json) in line.into_iter().chain(held.take().unwrap_or_default()) {
            self.parts.progress().add(field, json);
        }
    }

    /// The same for what is optional: it waits for the first [`Run::emit`], since without that there may be no
    /// document at all.
    pub fn emit_deferred(&self, field: &'static str, value: &impl Serialize) {
        let Some((field, json)) = self.line(field, value) else { return };
        match &mut *self.held.lock() {
            Some(held) => held.push((field, json)),
            None => self.parts.progress().add(field, json),
        }
    }

    /// A field as those who read along see it; `None`: nobody does.
    fn line(&self, field: &'static str, value: &impl Serialize) -> Option<Field> {
        // What does not serialise fails where the document is written.
        let json = self.is_followed().then(|| self.view.to_json(field, value).ok())??;
        Some((field, json.into()))
    }

    /// What is not as it should be, each part once.
    #[must_use]
    pub fn degraded(&self) -> Vec<DegradedPart> {
        self.log.lock().degraded.clone()
    }

    /// Ends the composition when none of the parts that make the screen worth showing is there.
    ///
    /// # Errors
    /// [`ComposeError::NothingLeft`]: for want of time, where no part failed for another reason;
    /// [`ComposeError::UnknownCursor`].
    pub fn at_least_one(&self, any_is_there: bool) -> Result<(), ComposeError> {
        if any_is_there {
            return Ok(());
        }
        self.known_cursor()?;
        let log = self.log.lock();
        let timed_out = log.degraded.iter().all(|part| part.reason == Reason::Timeout);
        let reason = if timed_out { Reason::Timeout } else { Reason::Unavailable };
        Err(ComposeError::NothingLeft { reason, withheld: log.withheld })
    }

    /// Serialises the document and hands it over with all that the cache must know of it.
    ///
    /// # Errors
    /// [`ComposeError::Serialise`]; [`ComposeError::UnknownCursor`] where the caller has to be told so.
    pub fn finish(self, document: &impl Serialize) -> Result<Composed, ComposeError> {
        self.known_cursor()?;
        let body =
            self.view.to_json("", document).map_err(|error| ComposeError::Serialise(Arc::new(error)))?;
        let log = std::mem::take(&mut *self.log.lock());
        Ok(Composed {
            body: Packed::copy_of(&body),
            tags: MadeOf::Tags(log.tags),
            complete: log.degraded.is_empty(),
            withheld: log.withheld,
            // What was fetched just now counts from now on, however long it took: from its request on, a
            // document that is slow to make would be stale on arrival, and be made again and again.
            made_at: log.oldest.unwrap_or_else(Instant::now),
            timings: log.timings,
        })
    }

    /// Notes a part that is as it should be, and since when it has been kept, if it was not fetched now.
    pub(super) fn note_fetched(
        &self,
        part: &'static str,
        kept_since: Option<Instant>,
        took: Duration,
        tags: &[Tag],
    ) {
        let mut log = self.log.lock();
        log.tags.extend_from_slice(tags);
        log.oldest = log.oldest.into_iter().chain(kept_since).min();
        note_time(&mut log.timings, part, took);
    }

    /// Notes a part that is not. A part is named once: the graver word stands.
    /// `fetched_at` is that of the copy that stands in.
    pub(super) fn note_degraded(
        &self,
        degraded: DegradedPart,
        fetched_at: Option<Instant>,
        took: Duration,
        tags: &[Tag],
    ) {
        let mut log = self.log.lock();
        log.tags.extend_from_slice(tags);
        log.oldest = log.oldest.into_iter().chain(fetched_at).min();
        note_time(&mut log.timings, degraded.part, took);
        match log.degraded.iter_mut().find(|known| known.part == degraded.part) {
            Some(known) if known.status == PartStatus::Stale => *known = degraded,
            Some(_) => {}
            None => log.degraded.push(degraded),
        }
    }

    /// Notes that a part is missing because it was refused for good.
    pub(super) fn note_withheld(&self) {
        self.log.lock().withheld = true;
    }

    /// Notes that there is no page where the caller wants one: that is no part that failed.
    pub(super) fn note_unknown_cursor(&self) {
        self.log.lock().has_unknown_cursor = true;
    }

    fn known_cursor(&self) -> Result<(), ComposeError> {
        if self.log.lock().has_unknown_cursor { Err(ComposeError::UnknownCursor) } else { Ok(()) }
    }

    /// Counts what became of a part.
    pub(super) fn observe(&self, part: &'static str, outcome: &'static str, took: Duration) {
        self.metrics.part_outcome(self.screen, part, outcome, took);
    }
}

/// Whether it ended well, failed, or was dropped on the way.
impl Drop for Run {
    fn drop(&mut self) {
        self.metrics.composing.dec();
    }
}

/// A part that takes two calls has one entry: the longer of the two.
fn note_time(timings: &mut Vec<(&'static str, Duration)>, part: &'static str, took: Duration) {
    match timings.iter_mut().find(|(known, _)| *known == part) {
        Some((_, longest)) => *longest = took.max(*longest),
        None => timings.push((part, took)),
    }
}

/// The size of `value` as JSON: what a copy of it weighs in the cache, about.
pub(super) fn weight(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail; a value that does not serialise fails where the document is written.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

/// The word for a reason in metrics.
pub(super) const fn outcome_of(reason: Reason) -> &'static str {
    match reason {
        Reason::Timeout => "timeout",
        Reason::Unavailable => "unavailable",
        Reason::Invalid => "invalid",
        Reason::Rejected => "rejected",
        Reason::Overloaded => "overloaded",
    }
}
