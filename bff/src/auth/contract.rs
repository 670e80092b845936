//! What sign-in and the keys promise their callers. Beside the handlers.

use schemas::{
    Credentials, CsrfToken, Items, KeySet, ListedSession, RefreshRequest, RevokeRequest, SessionInfo, SignUp,
    SignedUp, TokenRequest, Tokens, TotpCode, TotpEnabled, TotpSetup, TotpStart,
};
use utoipa::openapi::ResponseBuilder;

use super::{
    account_contract,
    jwks::jwks,
    leaving::{self, FULL},
    oidc,
    refusals::{forgery, refusal_named, throttled},
    second_factor::{confirm_totp, enrol_totp, remove_totp},
    sessions::{csrf_token, end_session, list_sessions, log_out, log_out_everywhere, session},
    sign_in::{log_in, sign_up},
    tokens::{issue_tokens, refresh_tokens, revoke_tokens},
};
use crate::{
    edge::{Access, AnswerHeader, ApiError, Contract, Operation, text, upstream_problems},
    idempotency::{IN_FLIGHT, INVALID, REUSED, UNKNOWN},
    store::StoreError,
};

const ACCOUNTS: &str = "accounts";
const SESSIONS: &str = "sessions";
const TOKENS: &str = "tokens";
const SECOND_FACTOR: &str = "second factor";

/// Adds the operations by which people sign in, and the keys, with their handlers.
pub fn serve(contract: &mut Contract) {
    serve_accounts(contract);
    oidc::serve(contract);
    contract.tag("keys", "What others verify our tokens with.");
    let keys = contract.shape::<KeySet>();
    contract.serve(
        Operation::get("/.well-known/jwks.json", "readKeys")
            .is("keys", Access::Public, "The keys that verify service and access tokens")
            .about(
                "A JWK set (RFC 7517). A new key is published before it signs anything. Charged to nobody.",
            )
            .rate_limit_exempt()
            .caller_independent()
            .answers_shaped(200, "The public keys.", keys),
        jwks,
    );
}

/// Adds the operations under `/auth`, but for `/auth/oidc`.
fn serve_accounts(contract: &mut Contract) {
    contract.tag(ACCOUNTS, "Accounts.");
    contract.tag(SESSIONS, "Sessions of browsers, and where one is signed in.");
    contract.tag(
        TOKENS,
        "Tokens of apps. A refresh token is good for one refresh; a lost answer can be asked for again.",
    );
    contract.tag(SECOND_FACTOR, "One-time codes (TOTP, RFC 6238).");
    sign_up_and_in(contract);
    sessions(contract);
    tokens(contract);
    second_factor(contract);
    account_contract::serve(contract);
    leaving::serve(contract, ACCOUNTS);
}

/// How a sign-in with a password is refused.
fn not_verified() -> [ApiError; 3] {
    [ApiError::BadCredentials, ApiError::OtpRequired { wrong: false }, ApiError::OtpRequired { wrong: true }]
}

fn sign_up_and_in(contract: &mut Contract) {
    let (input, made) = (contract.input::<SignUp>(), contract.shape::<SignedUp>());
    contract.serve(
        Operation::post("/auth/signup", "signUp")
            .is(ACCOUNTS, Access::Public, "Make an account")
            .about("Signs nobody in.")
            .takes(input)
            .once()
            .answers_shaped(201, "The new member.", made)
            .fails_with([forgery(), refusal_named("email_taken"), refusal_named("username_taken")])
            .fails_with([INVALID, IN_FLIGHT, UNKNOWN, REUSED, ApiError::TooManyKeys { retry_after_s: 1 }])
            .fails_with(upstream_problems()),
        sign_up,
    );
    let (input, signed_in) = (contract.input::<Credentials>(), contract.shape::<SessionInfo>());
    contract.serve(
        Operation::post("/auth/login", "signIn")
            .is(SESSIONS, Access::Public, "Sign a browser in")
            .about("What the browser was signed in with before ends.")
            .takes(input)
            .answers_shaped(200, "The session.", signed_in)
            .bears(200, [AnswerHeader::SetCookie.always()])
            .fails_with(not_verified())
            .fails_with(throttled())
            .fails(forgery())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
        log_in,
    );
}

fn sessions(contract: &mut Contract) {
    let shown = contract.shape::<SessionInfo>();
    contract.serve(
        Operation::get("/auth/session", "readSession")
            .is(SESSIONS, Access::SignedIn, "The session that asks")
            .about("Does not extend it.")
            .answers_shaped(200, "The session.", shown),
        session,
    );
    let token = contract.shape::<CsrfToken>();
    contract.serve(
        Operation::get("/auth/csrf-token", "readCsrfToken")
            .is(SESSIONS, Access::SignedIn, "The session's token for X-CSRF-Token")
            .about("Apps need none.")
            .answers_shaped(200, "The token.", token),
        csrf_token,
    );
    contract.shape::<ListedSession>();
    let list = contract.shape_named::<Items<ListedSession>>("SessionList");
    contract.serve(
        Operation::get("/auth/sessions", "listSessions")
            .is(SESSIONS, Access::SignedIn, "Where am I signed in")
            .answers_shaped(200, "Browsers and apps, the last used first.", list)
            .leads_to("/items/0/id", "id", ["endSession"]),
        list_sessions,
    );
    contract.serve(
        Operation::delete("/auth/sessions/{id}", "endSession")
            .is(SESSIONS, Access::SignedIn, "End one sign-in")
            .about("Its tokens are refused and its live connections closed at once, on every replica. To end one's own is to sign out.")
            .at("id", text(128), "Its `id` in the list.")
            .answers_nothing("It has ended.")
            .bears(204, [AnswerHeader::ClearSiteData.sometimes(), AnswerHeader::SetCookie.sometimes()]),
end_session,
);
    contract.serve(sign_out("/auth/logout", "signOut", "Sign out"), log_out);
    let everywhere =
        sign_out("/auth/logout-everywhere", "signOutEverywhere", "Sign out of all browsers and apps");
    contract.serve(everywhere, log_out_everywhere);
}

fn sign_out(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::post(path, id)
        .is(SESSIONS, Access::SignedIn, summary)
        .answers_nothing(
            "Signed out. `Clear-Site-Data` has the browser forget what the settings say; it is not there where they say \
             nothing.",
        )
        .bears(204, [AnswerHeader::ClearSiteData.sometimes(), AnswerHeader::SetCookie.always()])
}

fn tokens(contract: &mut Contract) {
    let (input, pair) = (contract.input::<TokenRequest>(), contract.shape::<Tokens>());
    contract.serve(
        Operation::post("/auth/token", "issueTokens")
            .is(TOKENS, Access::Public, "Sign an app in")
            .takes(input)
            .answers_shaped(200, "A pair of tokens (RFC 6749 section 5.1).", pair.clone())
            .bears(200, [AnswerHeader::SetCookie.sometimes()])
            .fails_with(not_verified())
            .fails_with(throttled())
            .fails(forgery())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
        issue_tokens,
    );
    let input = contract.input::<RefreshRequest>();
    contract.serve(
        Operation::post("/auth/refresh", "refreshTokens")
            .is(TOKENS, Access::Public, "The next pair of tokens")
            .about(
                "For the refresh token in the body, or else in the cookie `rt`. Whoever asks again with the same token \
                 within ten seconds gets the same pair, and after that the same refresh token with a new access token, \
                 for as long as neither the refresh token nor an access token that came with it was used. Any other \
                 use of a spent token ends the whole sign-in: store the pair before you use it.",
            )
            .may_take(input)
            .answers_shaped(200, "The next pair.", pair)
            .bears(200, [AnswerHeader::SetCookie.sometimes()])
            .bears(401, [AnswerHeader::SetCookie.sometimes()])
            .fails_with([ApiError::InvalidGrant, ApiError::RefreshedTooOften { retry_after_s: 1 }, forgery()])
            .fails(ApiError::Identity(StoreError::Closed.into())),
refresh_tokens,
);
    let input = contract.input::<RevokeRequest>();
    contract.serve(
        Operation::post("/auth/revoke", "revokeTokens")
            .is(TOKENS, Access::Public, "End an app's sign-in")
            .about("By a refresh token, an access token, or the cookie `rt` (RFC 7009).")
            .may_take(input)
            .answers_with(204, ResponseBuilder::new().description("It has ended, or there was none."))
            .bears(204, [AnswerHeader::SetCookie.sometimes()])
            .fails_with([ApiError::InvalidToken, forgery()])
            .fails(ApiError::Identity(StoreError::Closed.into())),
        revoke_tokens,
    );
}

fn second_factor(contract: &mut Contract) {
    let (start, setup) = (contract.input::<TotpStart>(), contract.shape::<TotpSetup>());
    contract.serve(
        Operation::post("/auth/2fa/totp", "enrolTotp")
            .is(SECOND_FACTOR, Access::SignedIn, "Begin to switch the second factor on")
            .about("The secret counts once it is confirmed; asking again replaces it. Takes the password, where the account has one.")
            .takes(start)
            .answers_shaped(200, "A secret for an authenticator app.", setup)
            .fails_with([ApiError::BadCredentials, refusal_named("totp_enabled"), FULL])
            .fails_with(throttled())
            .fails(ApiError::Identity(StoreError::Closed.into()))
            .fails_with(upstream_problems()),
        enrol_totp,
    );
    let (code, enabled) = (contract.input::<TotpCode>(), contract.shape::<TotpEnabled>());
    contract.serve(
        Operation::post("/auth/2fa/totp/confirm", "confirmTotp")
            .is(SECOND_FACTOR, Access::SignedIn, "Switch the second factor on")
            .about("All other sign-ins end, on every replica. The browser's session gets a new id and a new CSRF token.")
            .takes(code.clone())
            .answers_shaped(200, "It is on.", enabled)
            .bears(200, [AnswerHeader::SetCookie.sometimes(), AnswerHeader::CsrfToken.sometimes()])
            .fails_with(["totp_enabled", "totp_not_enrolled", "otp_invalid"].map(refusal_named))
            .fails(FULL)
            .fails_with(throttled())
            .fails_with(upstream_problems()),
        confirm_totp,
    );
    contract.serve(
        Operation::delete("/auth/2fa/totp", "removeTotp")
            .is(SECOND_FACTOR, Access::SignedIn, "Switch the second factor off")
            .takes(code)
            .answers_nothing(
                "It is off. The browser's session has a new id; its CSRF token is in `X-CSRF-Token`.",
            )
            .bears(204, [AnswerHeader::SetCookie.sometimes(), AnswerHeader::CsrfToken.sometimes()])
            .fails_with(["totp_not_enrolled", "otp_invalid"].map(refusal_named))
            .fails_with(throttled())
            .fails_with(upstream_problems()),
        remove_totp,
    );
}
