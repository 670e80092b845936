//! Accounts: what the upstream that keeps them says of users, as [`ProfileDocument`]s. Called by the handlers of sign-up,
//! sign-in, passwords, e-mail addresses and second factors.

use std::sync::Arc;

use clients::{AccountsClient, BodyFault, CallContext, UpstreamError};
use schemas::{
    ByIdentity, Credentials, EmailChange, EmailConfirmation, Id, PasswordChange, PasswordReminder,
    PasswordReset, ResetCheck, SignUp, TotpBegin, TotpConfirmed, TotpEnrolment,
};

use super::{AccountsOffer, OptionalCall, ProfileDocument, ProfileShape};

/// The client of the accounts contract, and what of its profiles may leave the gateway. Cloning is cheap.
#[derive(Clone)]
pub struct Accounts {
    client: AccountsClient,
    shape: Arc<ProfileShape>,
    offer: Arc<AccountsOffer>,
}

impl Accounts {
    /// Cuts every profile of `client` to `shape`; of the calls that a service may lack it has those in `offer`.
    #[must_use]
    pub fn new(client: AccountsClient, shape: ProfileShape, offer: AccountsOffer) -> Self {
        Self { client, shape: Arc::new(shape), offer: Arc::new(offer) }
    }

    /// Whether the service has that call.
    #[must_use]
    pub fn offers(&self, call: OptionalCall) -> bool {
        self.offer.has(call)
    }

    /// Whether the service checks the password itself when a second factor is begun.
    #[must_use]
    pub fn totp_takes_password(&self) -> bool {
        self.offer.totp_takes_password()
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
        languages: Option<&str>,
    ) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.sign_up(cx, input, languages, self.reading(None)).await
    }

    /// As [`AccountsClient::change_password`].
    ///
    /// # Errors
    /// 401 `bad_credentials`, 422, or no usable answer.
    pub async fn change_password(
        &self,
        cx: &CallContext,
        input: &PasswordChange,
        languages: Option<&str>,
    ) -> Result<(), UpstreamError> {
        self.client.change_password(cx, input, languages).await
    }

    /// As [`AccountsClient::forget_password`].
    ///
    /// # Errors
    /// 422, or no usable answer.
    pub async fn forget_password(
        &self,
        cx: &CallContext,
        input: &PasswordReminder,
        languages: Option<&str>,
    ) -> Result<(), UpstreamError> {
        self.client.forget_password(cx, input, languages).await
    }

    /// Whose password a mailed token sets; nothing where the service does not say.
    ///
    /// # Errors
    /// 422 `token_invalid`, or no usable answer.
    pub async fn check_reset(&self, cx: &CallContext, token: &str) -> Result<Option<Id>, UpstreamError> {
        if !self.offer.has(OptionalCall::CheckReset) {
            return Ok(None);
        }
        match self.client.check_reset(cx, &ResetCheck { token: token.to_owned() }).await {
            Ok(owner) => Ok(Some(owner.id)),
            // A service without a contract is taken for one that has all of it.
            Err(error) if error.status().is_some_and(|status| [404, 405].contains(&status.as_u16())) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sets a new password with a mailed token; answers whose it is.
    ///
    /// # Errors
    /// 422 `token_invalid`, or no usable answer.
    pub async fn reset_password(
        &self,
        cx: &CallContext,
        input: &PasswordReset,
        languages: Option<&str>,
    ) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.reset_password(cx, input, languages, self.reading(None)).await
    }

    /// As [`AccountsClient::change_email`].
    ///
    /// # Errors
    /// 401 `bad_credentials`, 422, or no usable answer.
    pub async fn change_email(
        &self,
        cx: &CallContext,
        input: &EmailChange,
        languages: Option<&str>,
    ) -> Result<(), UpstreamError> {
        self.client.change_email(cx, input, languages).await
    }

    /// Confirms an address with a mailed token; answers whose it is.
    ///
    /// # Errors
    /// 409 `email_taken`, 422 `token_invalid`, or no usable answer.
    pub async fn confirm_email(
        &self,
        cx: &CallContext,
        input: &EmailConfirmation,
        languages: Option<&str>,
    ) -> Result<Arc<ProfileDocument>, UpstreamError> {
        self.client.confirm_email(cx, input, languages, self.reading(None)).await
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
    /// 401 `bad_credentials`, 409 where it is on already, or no usable answer.
    pub async fn enrol_totp(
        &self,
        cx: &CallContext,
        input: Option<&TotpBegin>,
    ) -> Result<TotpEnrolment, UpstreamError> {
        self.client.enrol_totp(cx, input).await
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
