//! The accounts contract: sign-up, sign-in, passwords, e-mail addresses, OpenID identities and second factors, of the one upstream that keeps accounts.
//! Called by `identity`. What a profile is, the caller says: it comes as bytes and is read by a function of theirs.

use http::Method;
use schemas::{
    ByIdentity, Credentials, EmailChange, EmailConfirmation, PasswordChange, PasswordReminder, PasswordReset,
    ResetCheck, ResetOwner, SignUp, TotpBegin, TotpConfirmed, TotpEnrolment,
};
use serde::Serialize;

use crate::{
    BodyFault, CallContext, UpstreamError,
    transport::{Authority, Upstream},
};

/// Calls of the upstream that keeps accounts. Every method gives up at the context's deadline or the upstream's timeout
/// and answers [`UpstreamError`] when there is no usable answer; an answer that `read` refuses is one of those. Cloning is
/// cheap.
#[derive(Clone)]
pub struct AccountsClient {
    upstream: Upstream,
}

#[derive(Serialize)]
struct Code<'a> {
    code: &'a str,
}

impl AccountsClient {
    pub(crate) const fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }

    /// `POST /members`: makes an account. 409 `email_taken` or `username_taken`, 422 with fields. Acts for nobody.
    /// `languages`, here and elsewhere: the caller's `Accept-Language`, for the mail that comes of it.
    pub async fn sign_up<T, F>(
        &self,
        cx: &CallContext,
        input: &SignUp,
        languages: Option<&str>,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let call = self
            .upstream
            .typed_call("sign_up", Method::POST, &["members"])
            .by(Authority::Accounts)
            .in_language(languages)
            .json(input)?;
        self.upstream.fetch_read(cx, call, read).await
    }

    /// `POST /members/verify`: whose credentials these are. 401 `bad_credentials`, `otp_required` or `otp_invalid`. Acts
    /// for nobody.
    pub async fn verify<T, F>(
        &self,
        cx: &CallContext,
        input: &Credentials,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let path = ["members", "verify"];
        let call =
            self.upstream.typed_call("verify", Method::POST, &path).by(Authority::Accounts).json(input)?;
        self.upstream.fetch_read(cx, call, read).await
    }

    /// `PUT /members/by-identity`: finds or makes the account behind an OpenID identity. Acts for nobody.
    pub async fn by_identity<T, F>(
        &self,
        cx: &CallContext,
        input: &ByIdentity,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let path = ["members", "by-identity"];
        let call = self
            .upstream
            .typed_call("by_identity", Method::PUT, &path)
            .by(Authority::Accounts)
            .json(input)?;
        self.upstream.fetch_read(cx, call, read).await
    }

    /// `GET /members/me`: the acting user as they see themselves.
    pub async fn me<T, F>(&self, cx: &CallContext, read: F) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let call = self.upstream.typed_call("me", Method::GET, &["members", "me"]);
        self.upstream.fetch_read(cx, call, read).await
    }

    /// `POST /members/me/password`: changes the password of the acting user. 401 `bad_credentials`.
    pub async fn change_password(
        &self,
        cx: &CallContext,
        input: &PasswordChange,
        languages: Option<&str>,
    ) -> Result<(), UpstreamError> {
        let path = ["members", "me", "password"];
        let call = self.upstream.typed_call("change_password", Method::POST, &path).json(input)?;
        self.upstream.perform(cx, call.in_language(languages)).await
    }

    /// `POST /members/password/forgot`: mails a link for a new password to whoever has the address. Acts for nobody.
    pub async fn forget_password(
        &self,
        cx: &CallContext,
        input: &PasswordReminder,
        languages: Option<&str>,
    ) -> Result<(), UpstreamError> {
        let path = ["members", "password", "forgot"];
        let call = self.upstream.typed_call("forget_password", Method::POST, &path).json(input)?;
        self.upstream.perform(cx, call.by(Authority::Accounts).in_language(languages)).await
    }

    /// `POST /members/password/reset/check`: whose password a mailed token sets; the token stays good. 422 `token_invalid`.
    /// Acts for nobody.
    pub async fn check_reset(
        &self,
        cx: &CallContext,
        input: &ResetCheck,
    ) -> Result<ResetOwner, UpstreamError> {
        let path = ["members", "password", "reset", "check"];
        let call = self.upstream.typed_call("check_reset", Method::POST, &path).json(input)?;
        self.upstream.fetch(cx, call.by(Authority::Accounts)).await
    }

    /// `POST /members/password/reset`: sets a new password with a mailed token. 422 `token_invalid`. Acts for nobody.
    pub async fn reset_password<T, F>(
        &self,
        cx: &CallContext,
        input: &PasswordReset,
        languages: Option<&str>,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let path = ["members", "password", "reset"];
        let call = self.upstream.typed_call("reset_password", Method::POST, &path).json(input)?;
        self.upstream.fetch_read(cx, call.by(Authority::Accounts).in_language(languages), read).await
    }

    /// `POST /members/me/email`: mails a link that confirms another address of the acting user. 401 `bad_credentials`.
    pub async fn change_email(
        &self,
        cx: &CallContext,
        input: &EmailChange,
        languages: Option<&str>,
    ) -> Result<(), UpstreamError> {
        let path = ["members", "me", "email"];
        let call = self.upstream.typed_call("change_email", Method::POST, &path).json(input)?;
        self.upstream.perform(cx, call.in_language(languages)).await
    }

    /// `POST /members/email/confirm`: confirms an address with a mailed token. 422 `token_invalid`, 409 `email_taken`. Acts
    /// for nobody.
    pub async fn confirm_email<T, F>(
        &self,
        cx: &CallContext,
        input: &EmailConfirmation,
        languages: Option<&str>,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let path = ["members", "email", "confirm"];
        let call = self.upstream.typed_call("confirm_email", Method::POST, &path).json(input)?;
        self.upstream.fetch_read(cx, call.by(Authority::Accounts).in_language(languages), read).await
    }

    /// `POST /members/me/totp`: begins a second factor for the acting user. 401 `bad_credentials`. Without `input` nothing is
    /// sent along: for services that take no password here.
    pub async fn enrol_totp(
        &self,
        cx: &CallContext,
        input: Option<&TotpBegin>,
    ) -> Result<TotpEnrolment, UpstreamError> {
        let mut call = self.upstream.typed_call("enrol_totp", Method::POST, &["members", "me", "totp"]);
        if let Some(input) = input {
            call = call.json(input)?;
        }
        self.upstream.fetch(cx, call).await
    }

    /// `POST /members/me/totp/confirm`: ends the enrolment with the first `code`; answers the recovery codes.
    pub async fn confirm_totp(&self, cx: &CallContext, code: &str) -> Result<TotpConfirmed, UpstreamError> {
        let path = ["members", "me", "totp", "confirm"];
        let call = self.upstream.typed_call("confirm_totp", Method::POST, &path).json(&Code { code })?;
        self.upstream.fetch(cx, call).await
    }

    /// `POST /members/me/totp/verify`: checks a one-time or recovery code of the acting user, and uses it up.
    pub async fn verify_totp(&self, cx: &CallContext, code: &str) -> Result<(), UpstreamError> {
        let path = ["members", "me", "totp", "verify"];
        let call = self.upstream.typed_call("verify_totp", Method::POST, &path).json(&Code { code })?;
        self.upstream.perform(cx, call).await
    }

    /// `DELETE /members/me/totp`: removes the second factor of the acting user.
    pub async fn remove_totp(&self, cx: &CallContext, code: &str) -> Result<(), UpstreamError> {
        let path = ["members", "me", "totp"];
        let call = self.upstream.typed_call("remove_totp", Method::DELETE, &path).json(&Code { code })?;
        self.upstream.perform(cx, call).await
    }
}
