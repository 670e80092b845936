//! For whom a call is made.

/// For whom a call is made: decides `sub` and `scope` of its service token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Authority {
    /// For the context's acting user, or for nobody if there is none.
    #[default]
    Caller,
    /// For nobody, whoever asks.
    Nobody,
    /// For nobody, to make or verify an account.
    Accounts,
    /// For the context's acting user, whose account is being deleted: good for nothing else.
    Deletion,
}
