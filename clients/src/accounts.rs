//! The accounts contract: sign-up, sign-in, OpenID identities and second factors, of the one upstream that keeps accounts.
//! Called by `identity`. What a profile is, the caller says: it comes as bytes and is read by a function of theirs.

use http::Method;
use schemas::{ByIdentity, Credentials, SignUp, TotpConfirmed, TotpEnrolment};
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
    pub async fn sign_up<T, F>(&self, cx: &CallContext, input: &SignUp, read: F) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        let call = self
            .upstream
            .typed_call("sign_up", Method::POST, &["members"])
            .by(Authority::Accounts)
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

    /// `POST /members/me/totp`: begins a second factor for the acting user.
    pub async fn enrol_totp(&self, cx: &CallContext) -> Result<TotpEnrolment, UpstreamError> {
        let call = self.upstream.typed_call("enrol_totp", Method::POST, &["members", "me", "totp"]);
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
