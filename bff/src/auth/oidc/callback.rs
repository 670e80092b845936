//! The way back from the provider.

use std::{borrow::Cow, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{CACHE_CONTROL, COOKIE, HeaderValue, LOCATION, SET_COOKIE},
    web,
};
use clients::{OidcError, Redeemed};
use schemas::ByIdentity;
use url::form_urlencoded;

use super::{
    provider::Provider,
    refusals::{Fault, STATE_INVALID},
    state::Oidc,
};
use crate::{
    auth::{
        call_context::call_context, cookies::add_cookie, refusals::refusal, sign_in_context::SignInContext,
        state::Api,
    },
    edge::{ApiError, Edge, MaybeSignedIn, is_page_load},
    identity::{
        NewSession, ProfileDocument,
        oidc::{Attempt, IdToken, Person, SecondStep, TokenFault, verify_id_token},
    },
    telemetry::unix_ms,
};

/// What a provider may answer because of what somebody did or did not do there (OpenID Connect Core 1.0 section
/// 3.1.2.6): it is told to the page that they came from.
const SOMEBODYS_DOING: [&str; 5] = [
    "access_denied",
    "login_required",
    "consent_required",
    "interaction_required",
    "account_selection_required",
];
/// What it may answer else (RFC 6749 section 4.1.2.1), in our words for the log.
const FAILURES: [&str; 6] = [
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
];

/// The parameters of an answer. One that is there twice counts as none.
struct Answer<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

impl Answer<'_> {
    fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

/// `GET /auth/oidc/{provider}/callback`: 303 to where the sign-in began, with a session. What the browser was signed
/// in with before ends. A member with a second factor is sent to where the code is asked for. Where somebody did not
/// want to sign in, 303 as well, with `error` in the query; and where a page is loaded again that signed the browser in.
///
/// # Errors
/// 400 `oidc_state_invalid`, `oidc_issuer_mismatch`, `oidc_code_refused`, `oidc_token_invalid` or
/// `oidc_token_too_large`, 404, 503 `oidc_provider_unavailable`.
pub(super) async fn finish_oidc_login(
    request: HttpRequest,
    oidc: web::Data<Oidc>,
    api: web::Data<Api>,
    edge: web::Data<Edge>,
) -> Result<HttpResponse, ApiError> {
    let provider = oidc.provider(&request)?;
    let answer = Answer(form_urlencoded::parse(request.query_string().as_bytes()).collect());
    match finish(&request, &oidc, provider, &answer, &api, &edge).await {
        Err(refused) if refused.code() == STATE_INVALID && is_page_load(&request) => {
            loaded_again(&request, &oidc, provider, &answer).await.unwrap_or(Err(refused))
        }
        finished => finished,
    }
}

/// Where somebody goes who loads the page again, or comes back to it, though there is nothing to be done: on to the code
/// that is asked for, or to where they wanted when they are signed in. Nowhere, for anybody else.
async fn loaded_again(
    request: &HttpRequest,
    oidc: &Oidc,
    provider: &Provider,
    answer: &Answer<'_>,
) -> Option<Result<HttpResponse, ApiError>> {
    if oidc.second_step(request, provider).is_some() {
        return Some(see_other(&second_factor_page(provider)).map(|mut response| response.finish()));
    }
    let MaybeSignedIn(caller) = MaybeSignedIn::extract(request).await.ok()?;
    caller?;
    // Known as long as the attempt's cookie is there.
    let attempt = attempt(request, oidc, provider, answer).ok();
    let there = attempt.as_ref().map_or("/", |attempt| attempt.return_to().as_str());
    Some(see_other(there).map(|mut response| response.finish()))
}

async fn finish(
    request: &HttpRequest,
    oidc: &Oidc,
    provider: &Provider,
    answer: &Answer<'_>,
    api: &Api,
    edge: &Edge,
) -> Result<HttpResponse, ApiError> {
    let told = |fault: Fault| {
        edge.metrics.sign_in("oidc_refused");
        fault.told(request, &provider.name)
    };
    let attempt = attempt(request, oidc, provider, answer).map_err(told)?;
    check_issuer(provider, answer).await.map_err(told)?;
    // From here on the answer is used up, whatever comes of it: a code is sent once, and a page that is loaded again
    // signs nobody in.
    if !oidc.sessions.spend(&attempt).await? {
        return Err(told(Fault::State("it was used before")));
    }
    if let Some(error) = answer.one("error") {
        if let Some(known) = SOMEBODYS_DOING.iter().find(|known| **known == error) {
            return back(oidc, &attempt, &attempt.return_to().with_error(known));
        }
        let known = FAILURES.iter().find(|known| **known == error);
        return Err(told(Fault::Answer(known.unwrap_or(&"an unknown error"))));
    }
    let code = answer.one("code").ok_or_else(|| told(Fault::State("it has neither a code nor an error")))?;
    let redirect_uri = oidc.redirect_uri(provider)?;
    let token = identify(api, provider, &attempt, code, &redirect_uri).await.map_err(told)?;
    let user = member(request, api, provider, &token).await?;
    if provider.asks_for_second_factor && user.totp_enabled() {
        edge.metrics.sign_in("otp_required");
        let mut response = back(oidc, &attempt, &second_factor_page(provider))?;
        let step = SecondStep::begin(&attempt, token, user.id().clone(), unix_ms())?;
        let cookie = oidc.attempts.second_step_cookie();
        let cookie = cookie.set(&oidc.attempts.seal_second_step(&step)?, SecondStep::LIFE);
        add_cookie(response.headers_mut(), &cookie);
        return Ok(response);
    }
    let arrival = SignInContext::of_browser(request, api, edge);
    let new = open_linked(&arrival, oidc, provider, edge, user, &token, &attempt).await?;
    let new = new.ok_or_else(|| told(Fault::Token(TokenFault::SignedOut)))?;
    let mut response = back(oidc, &attempt, attempt.return_to().as_str())?;
    arrival.set_session_cookie(&new, response.headers_mut());
    Ok(response)
}

/// A session that the provider can sign out. Nothing, where it has done so while somebody was on the way of `attempt`.
pub(super) async fn open_linked(
    arrival: &SignInContext,
    oidc: &Oidc,
    provider: &Provider,
    edge: &Edge,
    user: Arc<ProfileDocument>,
    token: &IdToken,
    attempt: &Attempt,
) -> Result<Option<NewSession>, ApiError> {
    let new = arrival.open_session(user).await?;
    let linked = oidc.sessions.link(provider.client.issuer(), token, attempt, &new.session).await;
    if !matches!(linked, Ok(true)) {
        // The provider could not sign out a session that is not linked: nobody may get it.
        edge.sessions.end(&new.session.key).await?;
    }
    Ok(linked?.then_some(new))
}

/// Where the code is asked for.
pub(super) fn second_factor_page(provider: &Provider) -> Cow<'_, str> {
    match &provider.second_factor_page {
        Some(page) => page.into(),
        None => format!("/auth/oidc/{}/second-factor", provider.name).into(),
    }
}

/// The sign-in that `answer` belongs to (RFC 6749 section 10.12): this browser must have begun it, here, lately.
fn attempt(
    request: &HttpRequest,
    oidc: &Oidc,
    provider: &Provider,
    answer: &Answer<'_>,
) -> Result<Attempt, Fault> {
    let state = answer.one("state").ok_or(Fault::State("it has no state"))?;
    let cookies = request.headers().get_all(COOKIE).map(|value| value.as_bytes());
    let attempt = oidc.attempts.open(cookies, &provider.name, state, unix_ms());
    attempt.ok_or(Fault::State("no cookie fits its state"))
}

/// RFC 9207 section 2.4: against answers of one provider that are passed off as another's.
async fn check_issuer(provider: &Provider, answer: &Answer<'_>) -> Result<(), Fault> {
    if answer.has("iss") {
        let same = answer.one("iss") == Some(provider.client.issuer());
        return if same { Ok(()) } else { Err(Fault::Issuer("`iss` is another one")) };
    }
    if provider.metadata().await?.answers_with_issuer {
        return Err(Fault::Issuer("`iss` is missing, and the provider says that it always sends it"));
    }
    Ok(())
}

/// Who signed in: exchanges the code, and believes nothing that is not signed for this very sign-in.
async fn identify(
    api: &Api,
    provider: &Provider,
    attempt: &Attempt,
    code: &str,
    redirect_uri: &str,
) -> Result<IdToken, Fault> {
    use secrecy::ExposeSecret as _;
    let metadata = provider.metadata().await?;
    let redeemed = provider.client.redeem(code, attempt.verifier(), redirect_uri).await;
    let redeemed = redeemed.map_err(|error| match error {
        OidcError::TooLarge => Fault::LargeAnswer,
        error => error.into(),
    })?;
    let client = provider.as_client(&metadata);
    let text = redeemed.id_token.expose_secret();
    let now_s = unix_ms() / 1000;
    let verify = |keys: &[_]| verify_id_token(text, keys, &client, attempt.nonce(), now_s);
    let token = provider.verified(verify).await?;
    complete(api, provider, token, &redeemed).await
}

/// Asks for what the ID token does not say: by the specification (section 5.4) `email` and `profile` are told there. A
/// sign-in does not depend on it: where there is no usable answer (a failure, or a signed JWT, section 5.3.2, which is
/// not read here), what the ID token says stands.
async fn complete(
    api: &Api,
    provider: &Provider,
    token: IdToken,
    redeemed: &Redeemed,
) -> Result<IdToken, Fault> {
    let source = api.source();
    let complete = match &source.accounts {
        Some(_) => token.person.is_complete(),
        None => source.claims.is_satisfied_by(&token.person.claims),
    };
    let Some(access_token) = redeemed.access_token.as_ref().filter(|_| !complete) else {
        return Ok(token);
    };
    let known = match provider.client.user_info(access_token).await {
        Ok(Some(serde_json::Value::Object(claims))) => Ok(claims),
        Ok(None) => return Ok(token),
        Ok(Some(_)) => Err(OidcError::Unusable("user information that is no object")),
        Err(error) => Err(error),
    };
    let claims = match known {
        Ok(claims) => claims,
        Err(error) => {
            tracing::warn!(
                oidc.provider = provider.name,
                error = &error as &dyn std::error::Error,
                "user information is left out of an openid sign-in"
            );
            return Ok(token);
        }
    };
    // Section 5.3.2: or somebody else's information could be slipped in.
    if claims.get("sub").and_then(serde_json::Value::as_str) != Some(token.subject.as_str()) {
        return Err(TokenFault::OtherSubject.into());
    }
    Ok(IdToken { person: token.person.or(Person::of(&claims)), ..token })
}

/// The user behind the identity: a member of the upstream that keeps accounts, or, where none does, whom the claims name.
pub(super) async fn member(
    request: &HttpRequest,
    api: &Api,
    provider: &Provider,
    token: &IdToken,
) -> Result<Arc<ProfileDocument>, ApiError> {
    let source = api.source();
    let Some(accounts) = &source.accounts else {
        let profile = source.claims.profile(&token.subject, &token.person.claims);
        return profile.map_err(|_| Fault::from(TokenFault::Claims).told(request, &provider.name));
    };
    let identity = ByIdentity {
        issuer: provider.client.issuer().to_owned(),
        subject: token.subject.clone(),
        email: token.person.email.clone(),
        name: token.person.name.clone(),
    };
    accounts.by_identity(&call_context(request, None), &identity).await.map_err(refusal)
}

/// To where the sign-in began. The attempt's cookie has done its work.
fn back(oidc: &Oidc, attempt: &Attempt, there: &str) -> Result<HttpResponse, ApiError> {
    let mut response = see_other(there)?;
    response.append_header((SET_COOKIE, oidc.attempts.cookie(attempt.state()).clear()));
    Ok(response.finish())
}

pub(super) fn see_other(there: &str) -> Result<HttpResponseBuilder, ApiError> {
    let there =
        HeaderValue::from_str(there).map_err(|_| ApiError::Internal("a way back that fits no header"))?;
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, there)).insert_header((CACHE_CONTROL, "no-store"));
    Ok(response)
}
