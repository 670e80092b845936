//! Whose failed sign-ins are counted.

use schemas::Id;

/// Whose password or code is tried.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Whoever signs in by this name: there may be nobody.
    Login(&'a str),
    /// A member who is signed in and has to confirm it.
    Member(&'a Id),
}
