//! A finished document: the bytes that go out, with all that goes out beside them.

use std::{
    any::Any,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    digest::digest,
    encoding::{Encoding, Encodings},
    policy::Policy,
};
use crate::{
    compose::{Composed, MadeOf, engine::Kept},
    invalidation::{Generation, HashedTag, HashedUser, Invalidations, Validity},
};

/// Shorter documents are sent as they are: the frame around a compressed one would eat the gain.
const MIN_COMPRESSED: usize = 1024;

/// One representation: its bytes and its strong ETag, quotes included (RFC 9110 section 8.8.3).
#[derive(Debug)]
pub struct Representation {
    pub body: Bytes,
    pub etag: Bytes,
    beside: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Representation {
    fn new(body: Bytes, etag: Bytes) -> Self {
        Self { body, etag, beside: OnceLock::new() }
    }

    /// What whoever sends it makes of it once, and finds beside it from then on. Nothing where something of another
    /// type is there.
    pub fn beside<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.beside.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

/// A finished document.
#[derive(Debug)]
pub struct Document {
    identity: Representation,
    // Boxed: most documents are asked for in one encoding.
    gzip: OnceLock<Option<Box<Representation>>>,
    zstd: OnceLock<Option<Box<Representation>>>,
    brotli: OnceLock<Option<Box<Representation>>>,
    timings: Bytes,
    timings_of_a_hit: Bytes,
    pub(super) complete: bool,
    pub(super) withheld: bool,
    pub(super) made_at: Instant,
    pub(super) finished_at: Instant,
    pub(super) fresh_until: Instant,
    pub(super) stale_until: Instant,
    pub(super) usable_until: Instant,
    user: HashedUser,
    tags: Tags,
    begun: Generation,
    /// [`Invalidations::revision`] when it was last found intact.
    valid_at: AtomicU64,
}

impl Document {
    /// Finishes what a composition made. `begun` is [`Invalidations::generation`] from before the composition, `jitter`
    /// the factor for the fresh time, around 1.
    pub(super) fn finish(
        filled: Composed,
        user: HashedUser,
        invalidations: &Invalidations,
        begun: Generation,
        policy: &Policy,
        jitter: f64,
    ) -> Self {
        let digest = digest(&filled.body);
        let finished_at = Instant::now();
        // A degraded document has had its time when it is no longer fresh; counted from now, since its oldest
        // part may have been standing in for minutes. At most as long as the policy says: no jitter upwards.
        let fresh_until = if filled.complete {
            filled.made_at + policy.fresh.mul_f64(jitter)
        } else {
            finished_at + policy.degraded.mul_f64(jitter.min(1.0))
        };
        let stale_until = if filled.complete { fresh_until + policy.stale } else { fresh_until };
        let usable_until = if filled.complete { stale_until + policy.stale_if_error } else { fresh_until };
        let timings = |entry: &dyn Fn(&(&'static str, Duration)) -> String| {
            Bytes::from(filled.timings.iter().map(entry).collect::<Vec<_>>().join(", "))
        };
        Self {
            timings: timings(&|(part, took)| format!("{part};dur={:.1}", took.as_secs_f64() * 1e3)),
            timings_of_a_hit: timings(&|(part, _)| format!("{part};desc=cached;dur=0")),
            identity: Representation::new(filled.body, Bytes::from(format!("\"{digest}\""))),
            gzip: OnceLock::new(),
            zstd: OnceLock::new(),
            brotli: OnceLock::new(),
            complete: filled.complete,
            withheld: filled.withheld,
            made_at: filled.made_at,
            finished_at,
            fresh_until,
            stale_until,
            usable_until,
            user,
            tags: Tags::of(filled.tags, invalidations),
            begun,
            valid_at: AtomicU64::new(0),
        }
    }

    /// The representation for `encoding`. Made at the first call for it, then kept: not once for each
    /// request. Falls back to identity where the document is too short to be worth it.
    #[must_use]
    pub fn representation(&self, encoding: Encoding) -> (&Representation, Encoding) {
        if self.identity.body.len() < MIN_COMPRESSED {
            return (&self.identity, Encoding::Identity);
        }
        let place = match encoding {
            Encoding::Identity => return (&self.identity, encoding),
            Encoding::Gzip => &self.gzip,
            Encoding::Zstd => &self.zstd,
            Encoding::Brotli => &self.brotli,
        };
        match place.get_or_init(|| self.encode(encoding).map(Box::new)) {
            Some(encoded) => (encoded, encoding),
            None => (&self.identity, Encoding::Identity),
        }
    }

    pub(super) fn prepare(&self, wanted: Encodings) {
        for (is_wanted, encoding) in
            [(wanted.gzip, Encoding::Gzip), (wanted.zstd, Encoding::Zstd), (wanted.brotli, Encoding::Brotli)]
        {
            if is_wanted {
                let _ready = self.representation(encoding);
            }
        }
    }

    /// The encodings that somebody asked for.
    pub(super) fn encodings(&self) -> Encodings {
        Encodings {
            gzip: self.gzip.get().is_some(),
            zstd: self.zstd.get().is_some(),
            brotli: self.brotli.get().is_some(),
        }
    }

    /// `None` when an encoder refuses, which none does when it writes to memory.
    fn encode(&self, encoding: Encoding) -> Option<Representation> {
        let body = &self.identity.body;
        let encoded = encoding.compress(body)?;
        let unquoted = self.identity.etag.strip_suffix(b"\"")?;
        let etag = [unquoted, b"-", encoding.token()?.as_bytes(), b"\""].concat();
        // Encoders reserve for the worst case, and what is kept is counted by its length.
        let mut encoded = encoded.ok()?;
        encoded.shrink_to_fit();
        Some(Representation::new(encoded.into(), etag.into()))
    }

    /// `Server-Timing` for the request that had it composed: one entry for each part, in milliseconds.
    #[must_use]
    pub fn timings(&self) -> &Bytes {
        &self.timings
    }

    /// `Server-Timing` for everybody after: the parts cost nothing.
    #[must_use]
    pub fn timings_of_a_hit(&self) -> &Bytes {
        &self.timings_of_a_hit
    }

    /// Whole seconds since its oldest part was fetched.
    #[must_use]
    pub fn age(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.made_at).as_secs()
    }

    /// Seconds of fresh time left, negative when it has run out (RFC 9211 section 2.4).
    #[must_use]
    pub fn ttl(&self, now: Instant) -> i64 {
        let seconds = |d: Duration| i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        match self.fresh_until.checked_duration_since(now) {
            Some(left) => seconds(left),
            None => -seconds(now - self.fresh_until),
        }
    }

    /// Whether every part is there and current.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The document as it is, not encoded.
    pub(super) fn body(&self) -> &Bytes {
        &self.identity.body
    }

    /// Bytes that it takes in memory, its encodings counted by rule of thumb before they are made.
    pub(super) fn weight(&self) -> usize {
        let body = self.identity.body.len();
        body + body / 2 + self.tags.weight() + self.timings.len() * 2 + size_of::<Self>()
    }

    pub(super) fn validity(&self, invalidations: &Invalidations) -> Validity {
        let revision = invalidations.revision();
        if self.valid_at.load(Ordering::Relaxed) == revision {
            return Validity::Valid;
        }
        let validity = match &self.tags {
            Tags::Own(tags) => invalidations.validity(self.user, tags.iter().copied(), self.begun),
            Tags::Slices(kept) => {
                let tags = kept.tags().iter().copied().map(HashedTag::of_bits);
                invalidations.validity(self.user, tags, self.begun)
            }
        };
        if validity == Validity::Valid {
            self.valid_at.store(revision, Ordering::Relaxed);
        }
        validity
    }

    /// Whether something that it is made of was purged after its composition began, and not after `seen`.
    pub(super) fn is_older_than_a_purge_before(
        &self,
        seen: Generation,
        invalidations: &Invalidations,
    ) -> bool {
        self.begun < seen && self.validity(invalidations) != Validity::Valid
    }
}

/// What a document depends on.
#[derive(Debug)]
enum Tags {
    Own(Box<[HashedTag]>),
    Slices(Arc<Kept>),
}

impl Tags {
    fn of(made_of: MadeOf, invalidations: &Invalidations) -> Self {
        let tags = match made_of {
            MadeOf::Slices(kept) => return Self::Slices(kept),
            MadeOf::Tags(tags) => tags,
        };
        // Each once: what is looked up repeats within a document.
        let mut tags: Vec<HashedTag> = tags.iter().map(|tag| invalidations.hash_tag(tag.as_str())).collect();
        tags.sort_unstable();
        tags.dedup();
        Self::Own(tags.into())
    }

    /// Bytes on the heap that are the document's alone.
    fn weight(&self) -> usize {
        match self {
            Self::Own(tags) => size_of_val(&**tags),
            // They are counted with what is kept of the parts.
            Self::Slices(_) => 0,
        }
    }
}
