//! Why a sign-in through a provider does not happen: for the log precisely, for callers by a stable code.

use actix_web::{HttpRequest, http::StatusCode};
use clients::OidcError;

use crate::{
    edge::{ApiError, RequestContext},
    identity::oidc::TokenFault,
};

/// The answer, or the code, belongs to no sign-in that is under way in this browser.
pub(super) const STATE_INVALID: &str = "oidc_state_invalid";

/// A refusal with its precise reason.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// What came back is not the answer to a sign-in that this browser began, or is so no longer.
    #[error("the answer belongs to no sign-in of this browser: {0}")]
    State(&'static str),
    #[error("the answer is another provider's: {0}")]
    Issuer(&'static str),
    #[error("the provider's token is refused: {0}")]
    Token(#[from] TokenFault),
    /// The token endpoint's answer as a whole is longer than is read.
    #[error("the provider's token response is longer than is read")]
    LargeAnswer,
    #[error("the provider answered `{0}`")]
    Answer(&'static str),
    #[error(transparent)]
    Provider(#[from] OidcError),
}

impl Fault {
    /// What the caller sees of it.
    pub(super) fn problem_spec(&self) -> ApiError {
        let (code, detail) = match self {
            Self::State(_) => (
                STATE_INVALID,
                "This is not the answer to a sign-in that this browser began in the last ten minutes. Begin anew.",
            ),
            Self::Issuer(_) => ("oidc_issuer_mismatch", "The answer comes from another provider."),
            Self::Token(TokenFault::TooLarge) | Self::LargeAnswer => (
                "oidc_token_too_large",
                "The provider's token is longer than is read here: it holds too much, such as a long list of groups.",
            ),
            Self::Token(_) => {
                ("oidc_token_invalid", "What the provider says of you does not hold. Begin anew.")
            }
            Self::Provider(error) if error.is_code_refused() => {
                ("oidc_code_refused", "The provider does not take its own code any more. Begin anew.")
            }
            Self::Answer(_) | Self::Provider(_) => return ApiError::ProviderUnavailable,
        };
        refused((code, detail))
    }

    /// Tells the log why, and the caller that it is so. `provider` is its name.
    pub(super) fn told(self, request: &HttpRequest, provider: &str) -> ApiError {
        let context = RequestContext::of(request);
        tracing::warn!(
            request.id = context.request_id(),
            oidc.provider = provider,
            error = &self as &dyn std::error::Error,
            "an openid sign-in is refused"
        );
        self.problem_spec()
    }
}

/// A look ahead of a browser begins no sign-in. Not 204: a browser may show the answer to a look ahead when the link is
/// clicked, and would stay where it is; what is no 2xx it throws away, and asks again.
pub(super) fn look_ahead_refused() -> ApiError {
    ApiError::Refused {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: "prefetch_refused",
        detail: "A sign-in is begun by somebody who follows the link, not by a browser that looks ahead.",
    }
}

/// The service that keeps the second factors cannot check one for a sign-in through a provider.
pub(super) fn second_factor_unavailable() -> ApiError {
    ApiError::Refused {
        status: StatusCode::FORBIDDEN,
        code: "second_factor_unavailable",
        detail: "The account has a second factor, which cannot be checked for a sign-in through a provider. \
                 Sign in with the password.",
    }
}

pub(super) fn return_to_refused() -> ApiError {
    refused((
        "return_to_not_allowed",
        "`returnTo` must be a path here, or a page of one of the configured origins.",
    ))
}

/// No sign-in waits for a code.
pub(super) fn no_second_step() -> ApiError {
    Fault::State("").problem_spec()
}

/// How an answer of a provider may be refused.
pub(super) fn callback_refusals() -> [ApiError; 6] {
    let code = OidcError::refused_code();
    [
        Fault::State("").problem_spec(),
        Fault::Issuer("").problem_spec(),
        Fault::Token(TokenFault::Malformed).problem_spec(),
        Fault::Token(TokenFault::TooLarge).problem_spec(),
        Fault::Provider(code).problem_spec(),
        ApiError::ProviderUnavailable,
    ]
}

/// How an order to sign somebody out may be refused.
pub(super) fn logout_refusals() -> [ApiError; 2] {
    [NOT_SOUND, NOT_DONE].map(refused)
}

const NOT_SOUND: (&str, &str) = ("oidc_logout_token_invalid", "The logout token does not hold.");
const NOT_DONE: (&str, &str) =
    ("oidc_logout_failed", "The sign-out could not be carried out. Send it again.");

fn refused((code, detail): (&'static str, &'static str)) -> ApiError {
    ApiError::Refused { status: StatusCode::BAD_REQUEST, code, detail }
}

/// An order to sign somebody out that does not hold. OpenID Connect Back-Channel Logout 1.0 section 2.8: 400 for
/// this, and for one that is `sound` and could not be carried out.
pub(super) fn logout_refused(
    request: &HttpRequest,
    provider: &str,
    reason: &(dyn std::error::Error + 'static),
    sound: bool,
) -> ApiError {
    let context = RequestContext::of(request);
    tracing::warn!(
        request.id = context.request_id(),
        oidc.provider = provider,
        error = reason,
        "a back-channel logout is refused"
    );
    refused(if sound { NOT_DONE } else { NOT_SOUND })
}
