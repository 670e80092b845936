//! How long the parts of a document took: `Server-Timing` (W3C, Server Timing).

use std::{collections::HashMap, fmt::Write, sync::Arc, time::Duration};

use foldhash::quality::RandomState;
use parking_lot::Mutex;

use super::beside::Beside;

/// The names of a document's parts, in alphabetical order, and what is said of parts that came out of the cache.
#[derive(Debug)]
pub struct Parts {
    names: Box<[&'static str]>,
    cached: String,
    beside: Beside,
}

impl Parts {
    /// `Server-Timing` of a document that is there: its parts cost nothing.
    #[must_use]
    pub fn cached(&self) -> &str {
        &self.cached
    }

    /// Where a caller keeps what it derives from these names once.
    #[must_use]
    pub fn beside(&self) -> &Beside {
        &self.beside
    }
}

type ByNames = HashMap<Box<[&'static str]>, Arc<Parts>, RandomState>;

/// Names that all documents share. A screen has as many sets of them as it has ways to be composed: few.
#[derive(Debug, Default)]
pub(super) struct KnownParts(Mutex<ByNames>);

impl KnownParts {
    /// Of what took how long.
    pub(super) fn timings(&self, mut took: Vec<(&'static str, Duration)>) -> Timings {
        took.sort_unstable_by_key(|(name, _)| *name);
        let names: Box<[&'static str]> = took.iter().map(|(name, _)| *name).collect();
        let tenths = took.iter().map(|(_, took)| tenths(*took)).collect();
        let mut known = self.0.lock();
        if let Some(parts) = known.get(&names) {
            return Timings { parts: Arc::clone(parts), tenths };
        }
        let each = names.iter().map(|name| format!("{name};desc=cached;dur=0"));
        let cached = each.collect::<Vec<_>>().join(", ");
        let parts = Arc::new(Parts { names: names.clone(), cached, beside: Beside::default() });
        known.insert(names, Arc::clone(&parts));
        Timings { parts, tenths }
    }
}

/// Tenths of a millisecond, to the nearest.
fn tenths(took: Duration) -> u32 {
    u32::try_from((took.as_micros() + 50) / 100).unwrap_or(u32::MAX)
}

/// How long each part of a document took.
#[derive(Debug)]
pub struct Timings {
    parts: Arc<Parts>,
    tenths: Box<[u32]>,
}

impl Timings {
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// `Server-Timing` for the request that had the document composed: one entry for each part, in milliseconds.
    #[must_use]
    pub fn composed(&self) -> String {
        let mut text = String::with_capacity(24 * self.tenths.len());
        for (name, tenths) in self.parts.names.iter().zip(&self.tenths) {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string does not fail.
            let _ = write!(text, "{comma}{name};dur={}.{}", tenths / 10, tenths % 10);
        }
        text
    }

    /// Bytes on the heap that are this document's alone.
    pub(super) fn weight(&self) -> usize {
        size_of_val(&*self.tenths)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::KnownParts;

    #[test]
    fn parts_are_named_in_one_order_with_tenths_of_milliseconds() {
        let known = KnownParts::default();
        let took = |micros: u64| Duration::from_micros(micros);
        let first = known.timings(vec![("posts", took(1_250)), ("me", took(49))]);
        assert_eq!(first.composed(), "me;dur=0.0, posts;dur=1.3");
        assert_eq!(first.parts().cached(), "me;desc=cached;dur=0, posts;desc=cached;dur=0");
        let second = known.timings(vec![("me", took(50)), ("posts", Duration::from_secs(61))]);
        assert_eq!(second.composed(), "me;dur=0.1, posts;dur=61000.0");
        assert!(std::ptr::eq(first.parts(), second.parts()), "the names are kept once");
        let none = known.timings(Vec::new());
        assert_eq!((none.composed().as_str(), none.parts().cached()), ("", ""));
    }
}
