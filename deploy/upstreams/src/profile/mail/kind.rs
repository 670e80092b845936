//! What members are mailed.

use crate::profile::link_tokens::Purpose;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ConfirmEmail,
    ResetPassword,
    PasswordChanged,
    EmailChangeAsked,
    EmailChanged,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::ConfirmEmail,
        Self::ResetPassword,
        Self::PasswordChanged,
        Self::EmailChangeAsked,
        Self::EmailChanged,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
        }
    }

    /// The page of the app that its link leads to, and what the link is good for; nothing where it has no link.
    pub(super) const fn page(self) -> Option<(&'static str, Purpose)> {
        match self {
            Self::ConfirmEmail => Some(("confirm-email", Purpose::Email)),
            Self::ResetPassword => Some(("reset-password", Purpose::Password)),
            Self::PasswordChanged | Self::EmailChangeAsked | Self::EmailChanged => None,
        }
    }
}
