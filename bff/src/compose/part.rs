//! A part that is one thing, fetched with one call.

use std::{future::Future, sync::Arc, time::Duration, time::Instant};

use clients::{Refusal, UpstreamError};
use schemas::{DegradedPart, PartStatus};
use serde::Serialize;

use super::{
    ComposeError, PartFailure, Run,
    run::{outcome_of, weight},
};
use crate::invalidation::Tag;

/// A part under declaration. Ends with [`Part::required`] or [`Part::optional`].
pub struct Part<'r, T> {
    run: &'r Run,
    name: &'static str,
    budget: Option<f64>,
    is_required: bool,
    has_cursor: bool,
    tags: Vec<Tag>,
    tags_of: fn(&T) -> Vec<Tag>,
}

impl<T> std::fmt::Debug for Part<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Run {
    /// Declares a part: one thing, fetched with one call.
    pub fn part<T>(&self, name: &'static str) -> Part<'_, T> {
        Part::new(self, name)
    }
}

impl<'r, T> Part<'r, T> {
    fn new(run: &'r Run, name: &'static str) -> Self {
        Self {
            run,
            name,
            budget: None,
            is_required: false,
            has_cursor: false,
            tags: Vec::new(),
            tags_of: |_| Vec::new(),
        }
    }

    /// Its own timeout, as a share (0 to 1) of the screen's: what others wait for must leave them time.
    #[must_use]
    pub fn within(mut self, share: f64) -> Self {
        self.budget = Some(share);
        self
    }

    /// It is a page that begins at a cursor, if there is one: nothing else in the call is unchecked and the caller's. When
    /// the upstream refuses what it is asked, there is no such page.
    #[must_use]
    pub fn from_cursor(mut self, cursor: Option<&str>) -> Self {
        self.has_cursor = cursor.is_some();
        self
    }

    /// Something that it depends on, whatever comes: of a required part, what it is about.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// What it depends on by what came.
    #[must_use]
    pub fn tags_of(mut self, tags_of: fn(&T) -> Vec<Tag>) -> Self {
        self.tags_of = tags_of;
        self
    }
}

impl<T: Serialize + Send + Sync + 'static> Part<'_, T> {
    /// Fetches it; without it there is no document.
    ///
    /// # Errors
    /// [`ComposeError::Refused`] where its upstream has a definite answer instead, else [`ComposeError::Required`].
    pub async fn required(
        mut self,
        fetch: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<Arc<T>, ComposeError> {
        self.is_required = true;
        let part = self.name;
        self.fetch(fetch).await.map_err(|(source, _)| match source.refusal() {
            Some(refusal) => ComposeError::Refused { part, refusal, subjects: self.tags },
            None => ComposeError::Required { part, source },
        })
    }

    /// Fetches it; where that fails, its last good copy stands in, else there is none. No copy stands in for what is
    /// refused for good.
    pub async fn optional(self, fetch: impl Future<Output = Result<T, UpstreamError>>) -> Option<Arc<T>> {
        let Self { run, name, .. } = self;
        match self.fetch(fetch).await {
            Ok(value) => Some(value),
            Err((failure, took)) => {
                if self.has_cursor && is_refused_question(&failure) {
                    run.note_unknown_cursor();
                }
                if withholds(&failure) {
                    run.parts.forget(name);
                    run.note_withheld();
                }
                let copy = run.parts.last_good::<T>(name, Instant::now());
                let status = if copy.is_some() { PartStatus::Stale } else { PartStatus::Missing };
                let degraded = DegradedPart { part: name, status, reason: failure.reason() };
                let tags = copy.as_ref().map_or_else(|| self.tags.clone(), |(value, _)| self.all_tags(value));
                let fetched_at = copy.as_ref().map(|(_, fetched_at)| *fetched_at);
                run.note_degraded(degraded, fetched_at, took, &tags);
                copy.map(|(value, _)| value)
            }
        }
    }

    async fn fetch(
        &self,
        fetch: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<Arc<T>, (PartFailure, Duration)> {
        let Self { run, name, .. } = self;
        let began = Instant::now();
        if let Some((value, fetched_at)) = run.parts.fresh::<T>(name, began) {
            run.note_fetched(name, Some(fetched_at), Duration::ZERO, &self.all_tags(&value));
            run.observe(name, "kept", Duration::ZERO);
            return Ok(value);
        }
        let fetched = within(self.time_left(began), fetch).await;
        let took = began.elapsed();
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                let tags = self.all_tags(&value);
                run.parts.put(name, Arc::clone(&value), Instant::now(), &tags, weight(&*value));
                run.note_fetched(name, None, took, &tags);
                run.observe(name, "ok", took);
                Ok(value)
            }
            Err(failure) => {
                run.observe(name, outcome_of(failure.reason()), took);
                Err((failure, took))
            }
        }
    }

    fn all_tags(&self, value: &T) -> Vec<Tag> {
        let mut tags = (self.tags_of)(value);
        tags.extend_from_slice(&self.tags);
        if self.is_required {
            tags.extend(self.tags.iter().map(Tag::as_subject));
        }
        tags
    }

    fn time_left(&self, now: Instant) -> Duration {
        time_left(self.run, self.budget, now)
    }
}

/// Whether an optional part is refused in a way for which no copy may stand in. A 404 is not: such parts are mostly lists,
/// which name nothing that could be missing, so that it tells of a service that is not where it should be.
pub(super) fn withholds(failure: &PartFailure) -> bool {
    match failure.refusal() {
        Some(Refusal::Forbidden | Refusal::Gone | Refusal::LegalReasons) => true,
        Some(Refusal::NotFound) | None => false,
    }
}

pub(super) fn is_refused_question(failure: &PartFailure) -> bool {
    let PartFailure::Upstream(error) = failure else { return false };
    error.status().is_some_and(|status| status == 400 || status == 422)
}

/// What a part may take: its share of the whole, and never more than what is left of the whole.
pub(super) fn time_left(run: &Run, share: Option<f64>, now: Instant) -> Duration {
    let left = run.deadline().saturating_duration_since(now);
    match share {
        Some(share) => {
            let end = run.begun + run.deadline().saturating_duration_since(run.begun).mul_f64(share);
            left.min(end.saturating_duration_since(now))
        }
        None => left,
    }
}

/// Awaits `fetch` for at most `limit`; past it the call is dropped, and so cancelled.
pub(super) async fn within<T>(
    limit: Duration,
    fetch: impl Future<Output = Result<T, UpstreamError>>,
) -> Result<T, PartFailure> {
    match tokio::time::timeout(limit, fetch).await {
        Ok(fetched) => Ok(fetched?),
        Err(_) => Err(PartFailure::Timeout),
    }
}
