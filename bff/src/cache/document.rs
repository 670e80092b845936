//! A finished document: the bytes that go out, with all that goes out beside them.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    digest::digest_of,
    encoding::{Encoding, Encodings},
    etag::Etag,
    policy::Policy,
    timings::Timings,
};
use crate::{
    compose::{Composed, MadeOf, Packed, engine::Kept},
    invalidation::{Generation, HashedTag, HashedUser, Invalidations, Validity},
};

/// Shorter documents are sent as they are: the frame around a compressed one would eat the gain.
const MIN_COMPRESSED: usize = 1024;

/// One representation.
#[derive(Debug)]
pub struct Representation {
    pub body: Packed,
    pub etag: Etag,
}

/// The representations in other codings that callers asked for; `None` where an encoder refused.
#[derive(Debug, Default)]
struct Encoded {
    gzip: OnceLock<Option<Representation>>,
    zstd: OnceLock<Option<Representation>>,
    brotli: OnceLock<Option<Representation>>,
}

/// A finished document.
#[derive(Debug)]
pub struct Document {
    identity: Representation,
    // Boxed: most documents are asked for in one encoding.
    encoded: OnceLock<Box<Encoded>>,
    timings: Timings,
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
        timings: Timings,
        user: HashedUser,
        invalidations: &Invalidations,
        begun: Generation,
        policy: &Policy,
        jitter: f64,
    ) -> Self {
        let etag = Etag::new(&digest_of(&filled.body), Encoding::Identity);
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
        Self {
            timings,
            identity: Representation { body: filled.body, etag },
            encoded: OnceLock::new(),
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
            Encoding::Gzip => &self.encoded.get_or_init(Box::default).gzip,
            Encoding::Zstd => &self.encoded.get_or_init(Box::default).zstd,
            Encoding::Brotli => &self.encoded.get_or_init(Box::default).brotli,
        };
        match place.get_or_init(|| self.encode(encoding)) {
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
        let Some(Encoded { gzip, zstd, brotli }) = self.encoded.get().map(|encoded| &**encoded) else {
            return Encodings::default();
        };
        let made = |place: &OnceLock<Option<Representation>>| place.get().is_some();
        Encodings { gzip: made(gzip), zstd: made(zstd), brotli: made(brotli) }
    }

    /// `None` when an encoder refuses, which none does when it writes to memory.
    fn encode(&self, encoding: Encoding) -> Option<Representation> {
        let body = &self.identity.body;
        let encoded = encoding.compress(&body.in_a_row())?;
        let etag = self.identity.etag.of_encoding(encoding);
        // Encoders reserve for the worst case, and what is kept is counted by its length.
        Some(Representation { body: Packed::copy_of(&encoded.ok()?), etag })
    }

    /// How long its parts took.
    #[must_use]
    pub fn timings(&self) -> &Timings {
        &self.timings
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
    pub(super) fn body(&self) -> &Packed {
        &self.identity.body
    }

    /// Bytes that it takes in memory, its encodings counted by rule of thumb before they are made.
    pub(super) fn weight(&self) -> usize {
        let body = self.identity.body.len();
        body + body / 2 + self.tags.weight() + self.timings.weight() + size_of::<Self>()
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
