//! What changes of an account promise their callers: passwords and e-mail addresses. Beside the handlers.

use schemas::{EmailChange, EmailConfirmation, ForgottenPassword, PasswordChange, PasswordReset};
use utoipa::openapi::ResponseBuilder;

use super::{
    email::{change_email, confirm_email},
    leaving::FULL,
    password::{TOKEN_INVALID, change_password, forget_password, reset_password},
    refusals::{forgery, refusal_named, throttled},
};
use crate::{
    edge::{Access, AnswerHeader, ApiError, Contract, Operation, upstream_problems},
    store::StoreError,
};

const ACCOUNTS: &str = "accounts";

/// Adds the operations, with their handlers.
pub(super) fn serve(contract: &mut Contract) {
    passwords(contract);
    emails(contract);
}

/// The upstream that keeps accounts may lack the call.
fn may_be_absent(operation: Operation) -> Operation {
    operation.fails(ApiError::NotFound)
}

fn passwords(contract: &mut Contract) {
    let change = contract.input::<PasswordChange>();
    contract.serve(
        may_be_absent(Operation::post("/auth/password", "changePassword"))
            .is(ACCOUNTS, Access::SignedIn, "Change the password")
            .about("All other sign-ins end, of browsers and apps, on every replica.")
            .takes(change)
            .answers_nothing(
                "It is changed. The browser's session has a new id; its CSRF token is in `X-CSRF-Token`.",
            )
            .bears(204, [AnswerHeader::SetCookie.sometimes(), AnswerHeader::CsrfToken.sometimes()])
            .fails_with([ApiError::BadCredentials, FULL])
            .fails_with(throttled())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
        change_password,
    );
    let forgotten = contract.input::<ForgottenPassword>();
    contract.serve(
        may_be_absent(Operation::post("/auth/password/forgot", "forgetPassword"))
            .is(ACCOUNTS, Access::Public, "Ask for a link that sets a new password")
            .about(
                "The answer and its time are the same whether anybody has the address or not. The link is good for one use, \
                 for half an hour; the mail is in the language of `Accept-Language`, where the service writes it.",
            )
            .takes(forgotten)
            .answers_with(202, ResponseBuilder::new().description("Whoever has the address is mailed a link."))
            .fails_with(throttled())
            .fails(forgery())
            .fails_with(upstream_problems()),
        forget_password,
    );
    let reset = contract.input::<PasswordReset>();
    contract.serve(
        may_be_absent(Operation::post("/auth/password/reset", "resetPassword"))
            .is(ACCOUNTS, Access::Public, "Set a new password with a mailed link")
            .about("Signs nobody in, and a second factor stays on. All sign-ins of the account end, on every replica.")
            .takes(reset)
            .answers_with(204, ResponseBuilder::new().description("It is set."))
            .fails(refusal_named(TOKEN_INVALID))
            .fails(FULL)
            .fails_with(throttled())
            .fails(forgery())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
        reset_password,
    );
}

fn emails(contract: &mut Contract) {
    let change = contract.input::<EmailChange>();
    contract.serve(
        may_be_absent(Operation::post("/auth/email", "changeEmail"))
            .is(ACCOUNTS, Access::SignedIn, "Ask for a link that confirms another e-mail address")
            .about(
                "The address counts once the link is opened; the one before is told. The present address asks for another \
                 link to confirm it.",
            )
            .takes(change)
            .answers_with(202, ResponseBuilder::new().description("The address is mailed a link."))
            .fails(ApiError::BadCredentials)
            .fails_with(throttled())
            .fails_with(upstream_problems()),
        change_email,
    );
    let token = contract.input::<EmailConfirmation>();
    contract.serve(
        may_be_absent(Operation::post("/auth/email/confirm", "confirmEmail"))
            .is(ACCOUNTS, Access::Public, "Confirm an e-mail address with a mailed link")
            .about("Also where nobody is signed in. All sign-ins of the member show the address.")
            .takes(token)
            .answers_with(204, ResponseBuilder::new().description("It is confirmed."))
            .fails_with([refusal_named(TOKEN_INVALID), refusal_named("email_taken")])
            .fails_with(throttled())
            .fails(forgery())
            .fails_with(upstream_problems()),
        confirm_email,
    );
}
