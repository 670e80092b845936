//! Names that live as long as the process.

use std::{
    collections::HashSet,
    sync::{LazyLock, Mutex, PoisonError},
};

/// A name out of a config or declaration as one that costs nothing to pass on: names stand in errors, metrics, timings and
/// `degraded`. Equal names are one. They are never freed, so this is for what operators write and never for what callers
/// send: memory is bounded by the distinct names that were ever configured.
#[must_use]
pub fn intern(name: &str) -> &'static str {
    static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    // An insertion that panicked has left the set as it was.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let new: &'static str = Box::leak(name.into());
    names.insert(new);
    new
}

#[cfg(test)]
mod tests {
    use super::intern;

    #[test]
    fn equal_names_are_one() {
        let (first, second) = (intern("orders"), intern(&["or", "ders"].concat()));
        assert!(std::ptr::eq(first, second));
        assert_eq!((first, intern("")), ("orders", ""));
    }
}
