//! What an upstream's failure means for a write, and what callers see of it.

use actix_web::http::StatusCode;
use clients::UpstreamError;
// The upstream side's status type: another major version of the crate that actix-web uses.
use http::StatusCode as UpstreamStatus;
use schemas::FieldError;

use crate::{edge::ApiError, identity::CsrfRefusal, store::StoreError};

/// Codes of upstreams that callers are to see, and what is said of them. Everything else that an upstream
/// refuses is the gateway's fault or secret.
const REFUSALS: [(StatusCode, &str, &str); 7] = [
    (StatusCode::CONFLICT, "email_taken", "Another account has this e-mail address."),
    (StatusCode::CONFLICT, "username_taken", "Another account has this user name."),
    (StatusCode::CONFLICT, "totp_enabled", "The second factor is on already."),
    (StatusCode::CONFLICT, "totp_not_enrolled", "No second factor was set up."),
    (StatusCode::UNPROCESSABLE_ENTITY, "otp_invalid", "The one-time code is wrong or was used before."),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "token_invalid",
        "The link was used, is too old, or was replaced by a newer one: ask for another.",
    ),
    FORBIDDEN,
];
const FORBIDDEN: (StatusCode, &str, &str) = (StatusCode::FORBIDDEN, "forbidden", "This is not yours to do.");

/// What callers see of an upstream's refusal.
pub(super) fn refusal(error: UpstreamError) -> ApiError {
    let (Some(status), code) = (error.status(), error.problem_code()) else {
        return ApiError::Upstream(error);
    };
    let known = REFUSALS.iter().find(|(known, name, _)| known.as_u16() == status && Some(*name) == code);
    match status {
        _ if let Some(known) = known => refused(*known),
        UpstreamStatus::NOT_FOUND => ApiError::NotFound,
        UpstreamStatus::FORBIDDEN => refused(FORBIDDEN),
        UpstreamStatus::UNPROCESSABLE_ENTITY if !error.field_errors().is_empty() => {
            ApiError::Invalid(error.field_errors().iter().map(in_our_words).collect())
        }
        // What it was asked is the caller's, also where it does not say which field it dislikes.
        UpstreamStatus::UNPROCESSABLE_ENTITY => {
            let whole =
                FieldError { field: String::new(), code: "invalid".to_owned(), message: String::new() };
            ApiError::Invalid(vec![in_our_words(&whole)])
        }
        _ => ApiError::Upstream(error),
    }
}

/// A refusal that the contract promises, by a code out of the list above.
///
/// # Panics
/// When it is not in the list, which the contract's own test finds out.
pub(super) fn refusal_named(code: &str) -> ApiError {
    REFUSALS
        .iter()
        .find(|(_, known, _)| *known == code)
        .map(|known| refused(*known))
        .expect("a code out of the list")
}

/// Requests that have no session: where they come from is checked.
pub(super) fn forgery() -> ApiError {
    ApiError::Csrf(CsrfRefusal::Origin)
}

/// Where a password, a code or a token is tried.
pub(super) fn throttled() -> [ApiError; 2] {
    [ApiError::TooManyAttempts { retry_after_s: 1 }, ApiError::Store(StoreError::Closed)]
}

fn refused((status, code, detail): (StatusCode, &'static str, &'static str)) -> ApiError {
    ApiError::Refused { status, code, detail }
}

/// Whether the upstream looked at a write and said no, in a way that tells nothing new: what is not found, or is
/// there already, was changed by somebody else, and the documents here may not know it.
pub(super) fn was_refused(error: &UpstreamError) -> bool {
    let tells = [UpstreamStatus::NOT_FOUND, UpstreamStatus::CONFLICT, UpstreamStatus::GONE];
    error.status().is_some_and(|status| status.is_client_error() && !tells.contains(&status))
}

/// Whether a write that has no usable answer may have been carried out all the same: unless nothing was sent, or the
/// upstream refused it. One that says that it failed may have done so after its write was committed, and many answer a
/// write that they did carry out with a redirect to what came of it.
pub(super) fn may_be_done(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Timeout { .. }
        | UpstreamError::Body { .. }
        | UpstreamError::TooLarge { .. }
        | UpstreamError::Redirect { .. } => true,
        UpstreamError::Connect { source, .. } => !source.is_connect(),
        UpstreamError::Status { status, .. } => !status.is_client_error(),
        UpstreamError::Overloaded { .. } | UpstreamError::Token { .. } => false,
    }
}

/// An upstream's word on a field: which one and the code pass, where they are plain; its prose does not.
fn in_our_words(error: &FieldError) -> FieldError {
    let plain = |text: &str, extra: &[u8]| {
        text.len() <= 100
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || extra.contains(&b))
    };
    let field = if plain(&error.field, b".[]-") { error.field.as_str() } else { "" };
    let code = if plain(&error.code, b"") { error.code.as_str() } else { "invalid" };
    FieldError {
        field: field.into(),
        code: code.into(),
        message: "refused by the service that keeps it".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clients::{BodyFault, Problem, UpstreamError};
    use http::StatusCode;
    use schemas::FieldError;

    use super::{ApiError, may_be_done, refusal, was_refused};

    fn status(status: u16, code: Option<&str>, fields: &[(&str, &str)]) -> UpstreamError {
        let field = |(field, code): &(&str, &str)| FieldError {
            field: (*field).into(),
            code: (*code).into(),
            message: "secret".into(),
        };
        let errors = fields.iter().map(field).collect();
        let problem =
            code.map(|code| Arc::new(Problem { code: code.to_owned(), errors, ..Problem::default() }));
        let status = StatusCode::from_u16(status).expect("a status");
        UpstreamError::Status { upstream: "accounts", status, problem }
    }

    #[test]
    fn callers_see_the_refusals_that_are_theirs_to_see() {
        let code = |error: UpstreamError| match refusal(error) {
            ApiError::NotFound => Some("not_found"),
            ApiError::Refused { code, .. } => Some(code),
            _ => None,
        };
        assert_eq!(code(status(409, Some("email_taken"), &[])), Some("email_taken"));
        assert_eq!(code(status(403, Some("anything"), &[])), Some("forbidden"));
        assert_eq!(code(status(403, None, &[])), Some("forbidden"));
        assert_eq!(code(status(404, Some("no_such_member"), &[])), Some("not_found"));
        assert_eq!(code(status(409, Some("username_taken"), &[])), Some("username_taken"));
        // A code belongs to a status: an upstream that mixes them up is not understood.
        assert_eq!(code(status(500, Some("username_taken"), &[])), None);
        for secret in [status(401, Some("token_invalid"), &[]), status(409, Some("x"), &[])] {
            assert!(matches!(refusal(secret), ApiError::Upstream(_)));
        }
    }

    #[test]
    fn what_an_upstream_says_of_fields_passes_without_its_prose() {
        let error = status(422, Some("invalid_input"), &[("names[1].given", "too_much"), ("<b>", "a b")]);
        let ApiError::Invalid(errors) = refusal(error) else { panic!("fields are wrong") };
        let said: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect();
        assert_eq!(said, [("names[1].given", "too_much"), ("", "invalid")]);
        assert!(errors.iter().all(|error| !error.message.contains("secret")));
    }

    #[test]
    fn what_an_upstream_dislikes_as_a_whole_is_the_callers_to_mend() {
        for code in [None, Some("somebodys_secret")] {
            let ApiError::Invalid(errors) = refusal(status(422, code, &[])) else { panic!("it is wrong") };
            let said: Vec<_> = errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect();
            assert_eq!(said, [("", "invalid")]);
        }
    }

    #[test]
    fn only_a_write_without_an_answer_may_have_been_carried_out() {
        let upstream = "accounts";
        assert!(may_be_done(&UpstreamError::Timeout { upstream }));
        assert!(may_be_done(&UpstreamError::TooLarge { upstream, limit_bytes: 1 }));
        assert!(may_be_done(&UpstreamError::Body { upstream, source: BodyFault::Mismatch }));
        assert!(!may_be_done(&UpstreamError::Overloaded { upstream }));
        assert!(may_be_done(&UpstreamError::Redirect { upstream }));
        for (number, may) in [(500, true), (502, true), (503, true), (504, true), (429, false), (403, false)]
        {
            assert_eq!(may_be_done(&status(number, None, &[])), may, "{number}");
            assert_eq!(was_refused(&status(number, None, &[])), number < 500, "{number}");
        }
    }
}
