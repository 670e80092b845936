//! Names that live as long as the process: of upstreams and operations, as they stand in errors and metric labels.

use schemas::intern_bounded;

use crate::TransportError;

/// The same text for the life of the process: see [`schemas::intern_bounded`].
///
/// # Errors
/// [`TransportError::Name`] when the name has more than 128 bytes, or the process has had 16,384 others.
pub fn static_name(name: &str) -> Result<&'static str, TransportError> {
    intern_bounded(name).map_err(|_| TransportError::Name)
}
