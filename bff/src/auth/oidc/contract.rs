//! What `/auth/oidc` promises. Beside the handlers.

use schemas::{Items, ProviderSignedIn, SecondFactorCode, SignInProvider};
use serde_json::json;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, ResponseBuilder, Schema};

use super::{
    callback::finish_oidc_login,
    list::list_oidc_providers,
    login::begin_oidc_login,
    logout::backchannel_logout,
    refusals::{
        Fault, callback_refusals, logout_refusals, look_ahead_refused, no_second_step, return_to_refused,
        second_factor_unavailable,
    },
    second_factor::{check_second_factor, show_second_factor},
};
use crate::{
    auth::refusals::refusal_named,
    edge::{Access, AnswerHeader, ApiError, Contract, Operation, text, upstream_problems},
    identity::{CsrfRefusal, oidc::TokenFault},
    store::StoreError,
};

const PROVIDERS: &str = "sign-in providers";
const NAME: &str = "The provider's name in the settings.";

/// Adds the operations under `/auth/oidc`, with their handlers.
pub(in super::super) fn serve(contract: &mut Contract) {
    contract.tag(
        PROVIDERS,
        "Sign-in through OpenID Connect. A browser is sent there; nothing of it is for scripts.",
    );
    contract.shape::<SignInProvider>();
    let list = contract.shape_named::<Items<SignInProvider>>("SignInProviderList");
    contract.serve(
        Operation::get("/auth/oidc", "listSignInProviders")
            .is(PROVIDERS, Access::Public, "Which providers one may sign in with")
            .answers_shaped(200, "Those that are configured.", list),
        list_oidc_providers,
    );
    contract.serve(
        Operation::get("/auth/oidc/{provider}/login", "beginProviderSignIn")
            .is(PROVIDERS, Access::Public, "Go to the provider")
            // A look ahead must not use up a sign-in.
            .without_head()
            .about("`returnTo`: a path here, or a page of a configured origin; `/` where it is left out.")
            .at("provider", text(32), NAME)
            .asks("returnTo", text(1024), "Where the browser goes in the end.")
            .whatever_is_accepted()
            .answers_with(303, to("Go to the provider's sign-in page."))
            .bears(303, [AnswerHeader::Location.always(), AnswerHeader::SetCookie.always()])
            .tells_people()
            .fails_with([return_to_refused(), look_ahead_refused(), ApiError::ProviderUnavailable]),
        begin_oidc_login,
    );
    contract.serve(
        Operation::get("/auth/oidc/{provider}/callback", "finishProviderSignIn")
            .is(PROVIDERS, Access::Public, "Come back from the provider")
            .without_head()
            .about(
                "What the browser was signed in with before ends. A member whose second factor is on is sent to where the \
                 code is asked for, unless `oidc.NAME.second_factor` leaves it to the provider. Who did not want to sign \
                 in is sent back with `error` in the query. A browser that is signed in and loads the page again is sent \
                 on to `/`.",
            )
            .at("provider", text(32), NAME)
            .whatever_is_accepted()
            .answers_with(303, to("Go to where the sign-in began, with a session; or to where the code is asked for."))
            .bears(303, [AnswerHeader::Location.always(), AnswerHeader::SetCookie.sometimes()])
            .tells_people()
            .fails_with(callback_refusals())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
finish_oidc_login,
);
    second_factor(contract);
    let token = "eyJhbGciOiJFZERTQSJ9.eyJldmVudHMiOnt9fQ.c2lnbmF0dXJl";
    let shape = ObjectBuilder::new().property("logout_token", text(16_384)).required("logout_token").build();
    let form = contract.named("LogoutForm".to_owned(), Schema::from(shape), json!({ "logout_token": token }));
    contract.serve(
        Operation::post("/auth/oidc/{provider}/backchannel-logout", "backchannelLogout")
            .is(PROVIDERS, Access::Public, "A provider signs somebody out")
            .about("For providers (OpenID Connect Back-Channel Logout 1.0): a form with `logout_token`.")
            .at("provider", text(32), NAME)
            .takes_form(form)
            .whatever_is_accepted()
            .answers_with(
                200,
                ResponseBuilder::new().description("Their sessions have ended, on every replica."),
            )
            .fails_with(logout_refusals())
            .fails_with([ApiError::BodyTimeout, ApiError::BodyTooLarge(0), ApiError::UnsupportedMediaType]),
        backchannel_logout,
    );
}

fn second_factor(contract: &mut Contract) {
    let page = || ContentBuilder::new().schema(Some(text(20_000))).build();
    contract.serve(
        Operation::get("/auth/oidc/{provider}/second-factor", "showProviderSecondFactor")
            .is(PROVIDERS, Access::Public, "The page that asks for the code")
            .without_head()
            .about("For a browser whose sign-in through the provider waits for the member's second factor.")
            .at("provider", text(32), NAME)
            .whatever_is_accepted()
            .answers_with(200, to("A form for the code.").content("text/html", page()))
            .tells_people()
            .fails(no_second_step()),
        show_second_factor,
    );
    let (code, done) = (contract.input::<SecondFactorCode>(), contract.shape::<ProviderSignedIn>());
    contract.serve(
        Operation::post("/auth/oidc/{provider}/second-factor", "finishProviderSignInWithCode")
            .is(PROVIDERS, Access::Public, "Finish a sign-in with a code")
            .about(
                "With a one-time or a recovery code; the browser's cookie says which sign-in it is. Takes a form with \
                 `otp` as well: it is answered with 303 to where the sign-in began, or with a page. What the browser was \
                 signed in with before ends.",
            )
            .at("provider", text(32), NAME)
            .takes(code)
            .answers_shaped(200, "Signed in.", done)
            .answers_with(303, to("Signed in; go to where the sign-in began."))
            .bears(200, [AnswerHeader::SetCookie.always()])
            .bears(303, [AnswerHeader::Location.always(), AnswerHeader::SetCookie.always()])
            .tells_people()
            .fails_with([no_second_step(), Fault::Token(TokenFault::Malformed).problem_spec()])
            .fails_with([ApiError::OtpRequired { wrong: true }, second_factor_unavailable()])
            .fails_with([
                ApiError::Csrf(CsrfRefusal::Token),
                ApiError::TooManyAttempts { retry_after_s: 1 },
                ApiError::Identity(StoreError::Closed.into()),
                ApiError::Store(StoreError::Closed),
            ])
            .fails_with(["totp_not_enrolled"].map(refusal_named))
            .fails_with(upstream_problems()),
check_second_factor,
);
}

fn to(about: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(about)
}
