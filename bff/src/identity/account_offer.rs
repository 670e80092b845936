//! What of the accounts contract a service may lack: it came later than sign-up and sign-in, and not every service that keeps
//! accounts mails its members. What it lacks is not served here either.

/// A call that a service may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionalCall {
    ChangePassword,
    ForgetPassword,
    /// Whose password a token sets, before it does.
    CheckReset,
    ResetPassword,
    ChangeEmail,
    ConfirmEmail,
}

impl OptionalCall {
    pub const ALL: [Self; 6] = [
        Self::ChangePassword,
        Self::ForgetPassword,
        Self::CheckReset,
        Self::ResetPassword,
        Self::ChangeEmail,
        Self::ConfirmEmail,
    ];

    /// The path that takes it, by POST.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChangePassword => "/members/me/password",
            Self::ForgetPassword => "/members/password/forgot",
            Self::CheckReset => "/members/password/reset/check",
            Self::ResetPassword => "/members/password/reset",
            Self::ChangeEmail => "/members/me/email",
            Self::ConfirmEmail => "/members/email/confirm",
        }
    }
}

/// What a service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountsOffer {
    calls: Vec<OptionalCall>,
    totp_takes_password: bool,
}

impl AccountsOffer {
    /// All of the contract: also for a service without a contract of its own, of which nothing else is known.
    #[must_use]
    pub fn whole() -> Self {
        Self { calls: OptionalCall::ALL.into(), totp_takes_password: true }
    }

    /// Those `calls` alone. `totp_takes_password`: the service takes the password where a second factor is begun.
    #[must_use]
    pub fn of(calls: impl IntoIterator<Item = OptionalCall>, totp_takes_password: bool) -> Self {
        Self { calls: calls.into_iter().collect(), totp_takes_password }
    }

    pub(super) fn has(&self, call: OptionalCall) -> bool {
        self.calls.contains(&call)
    }

    pub(super) const fn totp_takes_password(&self) -> bool {
        self.totp_takes_password
    }
}
