//! Names that live as long as the process.

use std::{
    collections::HashSet,
    fmt,
    sync::{LazyLock, Mutex, PoisonError},
};

/// Distinct names over the life of the process beyond which [`intern_bounded`] takes no new one. With [`MAX_NAME_BYTES`] they
/// take 2 MiB at most.
const MAX_NAMES: usize = 16_384;
const MAX_NAME_BYTES: usize = 128;

static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

/// A name is too long, or the process has had too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameError;

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a name of over {MAX_NAME_BYTES} bytes, or over {MAX_NAMES} names")
    }
}

impl std::error::Error for NameError {}

/// A name out of a config or declaration as one that costs nothing to pass on: names stand in errors, metrics, timings and
/// `degraded`. Equal names are one, also those of an earlier config. They are never freed, so this is for what operators
/// write and never for what callers send: memory is bounded by the distinct names that were ever configured.
#[must_use]
pub fn intern(name: &str) -> &'static str {
    interned(name, usize::MAX).unwrap_or_default()
}

/// As [`intern`], with a bound: for names that a program hands over.
///
/// # Errors
/// [`NameError`] when the name has more than 128 bytes, or the process has had 16,384 others.
pub fn intern_bounded(name: &str) -> Result<&'static str, NameError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError);
    }
    interned(name, MAX_NAMES).ok_or(NameError)
}

/// The name, unless it is a new one and there are `most` already.
fn interned(name: &str, most: usize) -> Option<&'static str> {
    // An insertion that panicked has left the set as it was.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= most {
        return None;
    }
    let new: &'static str = Box::leak(name.into());
    names.insert(new);
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::{NameError, intern, intern_bounded};

    #[test]
    fn equal_names_are_one() {
        let (first, second) = (intern("orders"), intern(&["or", "ders"].concat()));
        assert!(std::ptr::eq(first, second));
        assert_eq!((first, intern("")), ("orders", ""));
        assert!(std::ptr::eq(first, intern_bounded("orders").expect("room")));
    }

    #[test]
    fn a_name_of_a_program_is_bounded() {
        assert_eq!(intern_bounded(&"x".repeat(129)), Err(NameError));
        assert_eq!(intern_bounded(&"x".repeat(128)).map(str::len), Ok(128));
    }
}
