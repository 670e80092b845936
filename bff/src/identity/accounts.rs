//! Accounts: what the upstream that keeps them says of users, as [`ProfileDocument`]s. Called by the handlers of sign-up,
//! sign-in and second factors.

use std::sync::Arc;

use clients::{AccountsClient, BodyFault, CallContext, UpstreamError};
use schemas::{ByIdentity, Credentials, Id, SignUp, TotpConfirmed, TotpEnrolment};

use super::{ProfileDocument, ProfileShape};

/// The client of the accounts contract, and what of its profiles may leave the gateway. Cloning is cheap.
#[derive(Clone)]
pub struct Accounts {
    client: AccountsClient,
    shape: Arc<ProfileShape>,
}

impl Accounts {
    /// Cuts every profile of `client` to `shape`.
    #[must_use]
    pub fn new(client: AccountsClient, shape: ProfileShape) -> Self {
        Self { client, shape: Arc::new(shape) }
    }

    /// The profile in `json`, cut to what may leave the gateway: also for a route whose answer is the caller's own profile.
    ///
    /// # Errors
    /// As [`ProfileShape::read`], or it is another user's than `expected`.
    pub fn profile(&self, json: &[u8], expected: Option<&Id>) -> Result<Arc<ProfileDocument>, BodyFault> {
        read(&self.shape, json, expected)
    }

    fn reading(
        &self,
        expected: Option<Id>,
    ) -> impl FnOnce(&[u8]) -> Result<Arc<ProfileDocument>, BodyFault> + Send + use<> {
        let shape = Arc::clone(&self.shape);
        move |json| read(&shape, json, expected.as_ref())
    }

    /// Makes an account.
    ///
    /// # Errors
    /// 409 `email_taken` or `username_taken`, 422 with fields, or no usable answer.
    pub async fn sign_up(
        &self,
        cx: &CallContext,
        input: &SignUp,
    ) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.sign_up(cx, input, self.reading(None)).await
    }

    /// Whose credentials these are.
    ///
    /// # Errors
    /// 401 `bad_credentials`, `otp_required` or `otp_invalid`, or no usable answer.
    pub async fn verify(
        &self,
        cx: &CallContext,
        input: &Credentials,
    ) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.verify(cx, input, self.reading(None)).await
    }

    /// Finds or makes the account behind an OpenID identity.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn by_identity(
        &self,
        cx: &CallContext,
        input: &ByIdentity,
    ) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.by_identity(cx, input, self.reading(None)).await
    }

    /// The acting user's own profile. A profile of anybody else is no usable answer.
    ///
    /// # Errors
    /// 404 or 410 where the account is gone, or no usable answer.
    pub async fn me(&self, cx: &CallContext) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.me(cx, self.reading(cx.acting.clone())).await
    }

    /// As [`AccountsClient::enrol_totp`].
    ///
    /// # Errors
    /// 409 where it is on already, or no usable answer.
    pub async fn enrol_totp(&self, cx: &CallContext) -> Result<TotpEnrolment, UpstreamError> {
        self.client.enrol_totp(cx).await
    }

    /// As [`AccountsClient::confirm_totp`].
    ///
    /// # Errors
    /// 409, 422 `otp_invalid`, or no usable answer.
    pub async fn confirm_totp(&self, cx: &CallContext, code: &str) -> Result<TotpConfirmed, UpstreamError> {
        self.client.confirm_totp(cx, code).await
    }

    /// As [`AccountsClient::verify_totp`].
    ///
    /// # Errors
    /// 409, 422 `otp_invalid`, or no usable answer.
    pub async fn verify_totp(&self, cx: &CallContext, code: &str) -> Result<(), UpstreamError> {
        self.client.verify_totp(cx, code).await
    }

    /// As [`AccountsClient::remove_totp`].
    ///
    /// # Errors
    /// 409, 422 `otp_invalid`, or no usable answer.
    pub async fn remove_totp(&self, cx: &CallContext, code: &str) -> Result<(), UpstreamError> {
        self.client.remove_totp(cx, code).await
    }
}

fn read(shape: &ProfileShape, json: &[u8], expected: Option<&Id>) -> Result<Arc<ProfileDocument>, BodyFault> {
    let profile = shape.read(json)?;
    if expected.is_some_and(|expected| profile.id() != expected) {
        return Err(BodyFault::Mismatch);
    }
    Ok(Arc::new(profile))
}
