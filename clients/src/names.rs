//! Names that live as long as the process: of upstreams and operations, as they stand in errors and metric labels.

use std::{collections::HashSet, sync::LazyLock};

use parking_lot::Mutex;

use crate::TransportError;

/// Distinct names over the life of the process, reloads included. With [`MAX_NAME_BYTES`] they take 2 MiB at most.
const MAX_NAMES: usize = 16_384;
const MAX_NAME_BYTES: usize = 128;

static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

/// The same text for the life of the process. A name that was given before costs nothing, so that a reload of
/// settings or declarations adds only names that no earlier one had.
///
/// # Errors
/// [`TransportError::Name`] when the name has more than 128 bytes, or the process has had 16,384 others.
pub fn static_name(name: &str) -> Result<&'static str, TransportError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(TransportError::Name);
    }
    let mut names = NAMES.lock();
    if let Some(known) = names.get(name) {
        return Ok(known);
    }
    if names.len() >= MAX_NAMES {
        return Err(TransportError::Name);
    }
    let leaked: &'static str = Box::leak(name.into());
    names.insert(leaked);
    Ok(leaked)
}

#[cfg(test)]
mod tests {
    use super::static_name;

    #[test]
    fn a_name_is_kept_once() {
        let first = static_name("a-name-of-this-test").expect("room");
        let second = static_name(&String::from("a-name-of-this-test")).expect("room");
        assert!(std::ptr::eq(first, second));
        assert!(static_name(&"x".repeat(129)).is_err());
    }
}
