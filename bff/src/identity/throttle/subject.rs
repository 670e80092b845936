//! Whose failed sign-ins are counted.

use schemas::Id;

/// Whose password or code is tried, or what else must not be done without end.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// Whoever signs in by this name: there may be nobody.
    Login(&'a str),
    /// A member who is signed in and has to confirm it.
    Member(&'a Id),
    /// An e-mail address that a link is to be mailed to. Each time counts, apart from sign-ins: whoever asks for a new
    /// password has often failed to sign in before.
    Mail(&'a str),
    /// The token of a mailed link. Counted apart from sign-ins as well.
    Link(&'a str),
}

impl Subject<'_> {
    /// What counts of addresses are kept under.
    pub(super) const fn address_kind(&self) -> &'static str {
        match self {
            Self::Login(_) | Self::Member(_) => "address",
            Self::Mail(_) => "mail-address",
            Self::Link(_) => "link-address",
        }
    }
}
