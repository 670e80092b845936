//! Who may call.

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a signed-in caller may see more.
    Open,
    /// Signed-in callers alone: 401 for others.
    SignedIn,
}
