//! Pages for people whom a browser brings to a path of the gateway: what went wrong in a sign-in through a provider, and
//! the form for a code. Everything else answers programs. A page is self-contained, needs no script, and is in the
//! browser's language: Korean or English. Nothing of the request is on it.

use std::sync::LazyLock;

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{
            ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
            HeaderValue, REFERRER_POLICY, RETRY_AFTER, VARY,
        },
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{names, negotiate::weighted, problem_spec::ProblemSpec};

const STYLE: &str = include_str!("page.css");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// So that a form of a page says where it comes from, to us alone.
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const BY_CALLER: HeaderValue =
    HeaderValue::from_static("Accept, Accept-Language, Cookie, Sec-Fetch-Mode, Origin");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const PROVIDERS: &str = "/auth/oidc/";

/// A language of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Korean,
}

impl Language {
    /// The one that `Accept-Language` (RFC 9110 section 12.5.4) wants more; English where it wants neither.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let (mut best, mut chosen) = (0, Self::English);
        for (range, weight) in weighted(request.headers(), &ACCEPT_LANGUAGE) {
            let language = match range.split('-').next().unwrap_or_default() {
                primary if primary.eq_ignore_ascii_case("ko") => Self::Korean,
                primary if primary.eq_ignore_ascii_case("en") => Self::English,
                _ => continue,
            };
            if weight > best {
                (best, chosen) = (weight, language);
            }
        }
        chosen
    }

    const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The one of both texts.
    #[must_use]
    pub const fn pick(self, english: &'static str, korean: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}

/// Whether a browser loads a page with `request`, and not a script or a program something.
#[must_use]
pub fn is_page_load(request: &HttpRequest) -> bool {
    match request.headers().get(SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => names(request, "text/html"),
    }
}

/// A page. `main` is HTML; what stands in it is the caller's to escape. `form_targets`: to which origins a form on it
/// may lead besides our own, separated by spaces (Content Security Policy level 3: redirects of a form count).
#[must_use]
pub fn page(
    language: Language,
    title: &str,
    main: &str,
    form_targets: &str,
    headers: &mut HeaderMap,
) -> String {
    static STYLE_HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(Sha256::digest(STYLE)));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'self' {form_targets}; \
         frame-ancestors 'none'",
        *STYLE_HASH
    );
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, BY_CALLER);
    headers.insert(REFERRER_POLICY, SAME_ORIGIN);
    // Origins are visible ASCII. Were the text no header value, the policy of data would be in force, which is stricter.
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1>{main}</main></body></html>\n",
        language.tag()
    )
}

/// Whether what went wrong with `request` is for people to read: a browser loads it, and it is a step of a sign-in
/// through a provider.
pub(super) fn is_for_people(request: &HttpRequest) -> bool {
    let step = request.path().strip_prefix(PROVIDERS).and_then(|rest| rest.split_once('/'));
    step.is_some_and(|(_, step)| matches!(step, "login" | "callback" | "second-factor"))
        && is_page_load(request)
}

/// What went wrong as a page, in place of a problem document.
pub(super) fn write(spec: ProblemSpec, request: &HttpRequest, headers: &mut HeaderMap) -> String {
    let language = Language::of(request);
    let (title, text) = words(spec, language);
    let wait = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // A second says no more than the text.
    let wait = wait.filter(|seconds| *seconds > 5).map(|seconds| match language {
        Language::English => format!("<p>You can go on in {} min.</p>", seconds.div_ceil(60)),
        Language::Korean => format!("<p>{}분 뒤에 계속할 수 있습니다.</p>", seconds.div_ceil(60)),
    });
    let again = login_path(request).filter(|_| spec.status != StatusCode::NOT_FOUND).map(|path| {
        let words = language.pick("Begin the sign-in again", "로그인 다시 시작하기");
        format!("<p><a class=\"action\" href=\"{path}\">{words}</a></p>")
    });
    let home = language.pick("To the start page", "처음 화면으로");
    let main = format!(
        "<p>{text}</p>{}{}<p><a href=\"/\">{home}</a></p>",
        wait.unwrap_or_default(),
        again.unwrap_or_default()
    );
    page(language, title, &main, "", headers)
}

/// Where the sign-in that `request` belongs to begins. Only for what can be a provider's name: it goes into a page.
fn login_path(request: &HttpRequest) -> Option<String> {
    let (name, _) = request.path().strip_prefix(PROVIDERS)?.split_once('/')?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let sound = (1..=32).contains(&name.len()) && name.bytes().all(plain);
    sound.then(|| format!("{PROVIDERS}{name}/login"))
}

/// Title and text. What to do comes first in the text, why second.
fn words(spec: ProblemSpec, language: Language) -> (&'static str, &'static str) {
    let pick = |english: (&'static str, &'static str), korean: (&'static str, &'static str)| {
        (language.pick(english.0, korean.0), language.pick(english.1, korean.1))
    };
    match spec.code {
        "oidc_state_invalid" => pick(
            (
                "This sign-in cannot be finished",
                "Begin it again. It was finished before, took too long, or began in another browser.",
            ),
            (
                "이 로그인은 끝낼 수 없습니다",
                "다시 시작해 주세요. 이미 끝났거나, 너무 오래 걸렸거나, 다른 브라우저에서 시작한 로그인입니다.",
            ),
        ),
        "oidc_token_too_large" => pick(
            (
                "The sign-in did not work",
                "Ask whoever runs this site: the provider sends more about you than can be read here.",
            ),
            (
                "로그인하지 못했습니다",
                "사이트 운영자에게 문의해 주세요. 로그인 제공자가 너무 많은 정보를 보냈습니다.",
            ),
        ),
        code if code.starts_with("oidc_") && spec.status == StatusCode::BAD_REQUEST => pick(
            ("The sign-in did not work", "Begin it again. The provider's answer could not be accepted."),
            ("로그인하지 못했습니다", "다시 시작해 주세요. 로그인 제공자의 응답을 받아들일 수 없습니다."),
        ),
        "second_factor_unavailable" => pick(
            (
                "A second step is needed",
                "Sign in with your password and your code instead. Your account has a second factor, which cannot be \
                 checked here for sign-ins through this provider.",
            ),
            (
                "2단계 인증이 필요합니다",
                "비밀번호와 인증 코드로 로그인해 주세요. 이 제공자를 통한 로그인에서는 2단계 인증을 확인할 수 없습니다.",
            ),
        ),
        "too_many_attempts" | "rate_limited" => pick(
            ("Too many attempts", "Wait a while, then begin the sign-in again."),
            ("시도가 너무 많습니다", "잠시 기다렸다가 로그인을 다시 시작해 주세요."),
        ),
        "return_to_not_allowed" | "bad_request" | "not_found" => pick(
            ("This link leads nowhere", "Go to the start page and sign in from there."),
            ("잘못된 링크입니다", "처음 화면으로 가서 로그인해 주세요."),
        ),
        "csrf_failed" => pick(
            ("The sign-in did not work", "Begin it again, from this site's own pages."),
            ("로그인하지 못했습니다", "이 사이트의 화면에서 다시 시작해 주세요."),
        ),
        _ => pick(
            (
                "Signing in does not work at the moment",
                "Try again in a moment. A service that it needs does not answer.",
            ),
            (
                "지금은 로그인할 수 없습니다",
                "잠시 뒤에 다시 시도해 주세요. 필요한 서비스가 응답하지 않습니다.",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_page_is_in_the_language_that_is_wanted_more() {
        let language = |accepted: &str| {
            let request = TestRequest::get().insert_header((ACCEPT_LANGUAGE, accepted));
            Language::of(&request.to_http_request())
        };
        for korean in ["ko", "ko-KR,ko;q=0.9,en-US;q=0.8", "KO", "de, ko;q=0.5, en;q=0.4", "en;q=0,ko;q=0.1"]
        {
            assert_eq!(language(korean), Language::Korean, "{korean}");
        }
        for english in ["", "en", "de", "en-GB,ko;q=0.9", "ko;q=0.5,en", "kok", "ko;q=0"] {
            assert_eq!(language(english), Language::English, "{english}");
        }
    }

    #[test]
    fn a_browser_that_says_what_it_does_is_believed() {
        let loads = |headers: &[(&'static str, &'static str)]| {
            let request =
                headers.iter().fold(TestRequest::get(), |request, pair| request.insert_header(*pair));
            is_page_load(&request.to_http_request())
        };
        assert!(loads(&[("sec-fetch-mode", "navigate")]));
        assert!(loads(&[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]));
        assert!(!loads(&[("sec-fetch-mode", "cors"), ("accept", "text/html")]));
        assert!(!loads(&[("accept", "*/*")]) && !loads(&[("accept", "application/json")]) && !loads(&[]));
    }

    #[test]
    fn only_a_name_goes_into_a_page() {
        for (path, link) in [
            ("/auth/oidc/my-id2/callback", Some("/auth/oidc/my-id2/login")),
            ("/auth/oidc/My/callback", None),
            ("/auth/oidc/%22%3E/callback", None),
            ("/auth/oidc//callback", None),
            ("/elsewhere", None),
        ] {
            let request = TestRequest::with_uri(path).to_http_request();
            assert_eq!(login_path(&request).as_deref(), link, "{path}");
        }
    }
}
