//! What `/auth/oidc` promises. Beside the handlers.

use schemas::{Items, SignInProvider};
use serde_json::json;
use utoipa::openapi::{ObjectBuilder, ResponseBuilder, Schema};

use super::refusals::{callback_refusals, logout_refusals, return_to_refused};
use crate::{
    edge::{Access, AnswerHeader, ApiError, Contract, Operation, text, upstream_problems},
    store::StoreError,
};

const PROVIDERS: &str = "sign-in providers";
const NAME: &str = "The provider's name in the settings.";

/// Adds the operations under `/auth/oidc`.
pub(in super::super) fn describe(contract: &mut Contract) {
    contract.tag(
        PROVIDERS,
        "Sign-in through OpenID Connect. A browser is sent there; nothing of it is for scripts.",
    );
    contract.shape::<SignInProvider>();
    let list = contract.shape_named::<Items<SignInProvider>>("SignInProviderList");
    contract.add(
        Operation::get("/auth/oidc", "listSignInProviders")
            .is(PROVIDERS, Access::Public, "Which providers one may sign in with")
            .answers_shaped(200, "Those that are configured.", list),
    );
    contract.add(
        Operation::get("/auth/oidc/{provider}/login", "beginProviderSignIn")
            .is(PROVIDERS, Access::Public, "Go to the provider")
            .about("`returnTo`: a path here, or a page of a configured origin; `/` where it is left out.")
            .at("provider", text(32), NAME)
            .asks("returnTo", text(1024), "Where the browser goes in the end.")
            .whatever_is_accepted()
            .answers_with(303, to("Go to the provider's sign-in page."))
            .bears(303, [AnswerHeader::Location.always(), AnswerHeader::SetCookie.always()])
            .fails_with([return_to_refused(), ApiError::ProviderUnavailable]),
    );
    contract.add(
        Operation::get("/auth/oidc/{provider}/callback", "finishProviderSignIn")
            .is(PROVIDERS, Access::Public, "Come back from the provider")
            .about(
                "What the browser was signed in with before ends. Who did not want to sign in is sent back with `error` \
                 in the query.",
            )
            .at("provider", text(32), NAME)
            .whatever_is_accepted()
            .answers_with(303, to("Go to where the sign-in began, with a session."))
            .bears(303, [AnswerHeader::Location.always(), AnswerHeader::SetCookie.always()])
            .fails_with(callback_refusals())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
    );
    let token = "eyJhbGciOiJFZERTQSJ9.eyJldmVudHMiOnt9fQ.c2lnbmF0dXJl";
    let shape = ObjectBuilder::new().property("logout_token", text(16_384)).required("logout_token").build();
    let form = contract.named("LogoutForm".to_owned(), Schema::from(shape), json!({ "logout_token": token }));
    contract.add(
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
    );
}

fn to(about: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(about)
}
