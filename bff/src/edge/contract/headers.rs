//! Headers of answers. Each is described once, in `components/headers`.

use serde_json::Value;
use utoipa::openapi::{Header, HeaderBuilder, Ref, RefOr, Response, Schema, extensions::Extensions};

use super::shapes::{number, text, text_matching};

/// A header of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerHeader {
    AcceptEncoding,
    AcceptRanges,
    Age,
    CacheControl,
    CacheStatus,
    ClearSiteData,
    ContentDisposition,
    ContentRange,
    CsrfToken,
    ETag,
    IdempotencyReplayed,
    Location,
    RateLimit,
    RateLimitPolicy,
    RequestId,
    RetryAfter,
    ServerTiming,
    SetCookie,
    Vary,
    WwwAuthenticate,
    XAccelRedirect,
}

use AnswerHeader as H;

/// What every answer bears; the rate limits where they are on.
const USUAL: [H; 5] = [H::RequestId, H::CacheControl, H::Vary, H::RateLimit, H::RateLimitPolicy];

/// A header of one answer, and whether it is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Borne {
    header: AnswerHeader,
    always: bool,
}

impl AnswerHeader {
    const ALL: [Self; 21] = [
        H::AcceptEncoding,
        H::AcceptRanges,
        H::Age,
        H::CacheControl,
        H::CacheStatus,
        H::ClearSiteData,
        H::ContentDisposition,
        H::ContentRange,
        H::CsrfToken,
        H::ETag,
        H::IdempotencyReplayed,
        H::Location,
        H::RateLimit,
        H::RateLimitPolicy,
        H::RequestId,
        H::RetryAfter,
        H::ServerTiming,
        H::SetCookie,
        H::Vary,
        H::WwwAuthenticate,
        H::XAccelRedirect,
    ];

    /// It is there whenever the answer is.
    #[must_use]
    pub fn always(self) -> Borne {
        Borne { header: self, always: true }
    }

    /// It is there where its description says so.
    #[must_use]
    pub fn sometimes(self) -> Borne {
        Borne { header: self, always: false }
    }

    fn name(self) -> &'static str {
        match self {
            H::AcceptEncoding => "Accept-Encoding",
            H::AcceptRanges => "Accept-Ranges",
            H::Age => "Age",
            H::CacheControl => "Cache-Control",
            H::CacheStatus => "Cache-Status",
            H::ClearSiteData => "Clear-Site-Data",
            H::ContentDisposition => "Content-Disposition",
            H::ContentRange => "Content-Range",
            H::CsrfToken => "X-CSRF-Token",
            H::ETag => "ETag",
            H::IdempotencyReplayed => "Idempotency-Replayed",
            H::Location => "Location",
            H::RateLimit => "RateLimit",
            H::RateLimitPolicy => "RateLimit-Policy",
            H::RequestId => "X-Request-Id",
            H::RetryAfter => "Retry-After",
            H::ServerTiming => "Server-Timing",
            H::SetCookie => "Set-Cookie",
            H::Vary => "Vary",
            H::WwwAuthenticate => "WWW-Authenticate",
            H::XAccelRedirect => "X-Accel-Redirect",
        }
    }

    /// What it says, its form, and an example.
    fn words(self) -> (&'static str, Schema, Value) {
        let token = |pattern: &str| text_matching(pattern);
        match self {
            H::AcceptEncoding => (
                "There where the body had a content coding: those that are understood (RFC 9110 section 12.5.3).",
                token("^identity$"),
                "identity".into(),
            ),
            H::Age => ("Seconds since the document was made (RFC 9111).", number(0, u32::MAX, 0), 2.into()),
            H::CacheControl => (
                "Who may keep the answer, and for how long (RFC 9111).",
                text(100),
                "private, no-cache".into(),
            ),
            H::CacheStatus => (
                "How the document came (RFC 9211): from the cache, or made for this request; `ttl` in seconds.",
                token("^bff; (hit|fwd=(uri-miss|stale))(; [a-z-]+(=[A-Za-z0-9-]+)?)*$"),
                "bff; hit; ttl=3".into(),
            ),
            H::ClearSiteData => {
                ("Has the browser forget what it kept of this site.", text(100), r#""storage""#.into())
            }
            H::CsrfToken => (
                "The session's new CSRF token, where it has a new id.",
                text(128),
                "zC3b0mVq1o9aG4sYxk2dQe7uTnLhW8rJfPiM5vXcKtE".into(),
            ),
            H::ETag => (
                "A strong validator of exactly these bytes (RFC 9110 section 8.8.3).",
                token("^\"[A-Za-z0-9_-]+\"$"),
                "\"p3YvT0hXq8mZk1c5uJr7Wg\"".into(),
            ),
            H::IdempotencyReplayed => (
                "There where the request was carried out before and its answer is given again.",
                token("^true$"),
                "true".into(),
            ),
            H::Location => {
                ("Where it is found.", text(8192), "/api/orders/0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10".into())
            }
            H::RequestId => (
                "Names the request in logs; the caller's own, where it is plain.",
                text_matching("^[A-Za-z0-9._-]{1,64}$"),
                "0192f5a0-9e21-7c40-8d11-3b5a7e9c2f04".into(),
            ),
            H::ServerTiming => (
                "How long each part of the document took, in milliseconds (W3C Server Timing).",
                text(1000),
                "profile;dur=3.1".into(),
            ),
            H::SetCookie => (
                "A cookie, or its end: of the session, of an app's refresh token, of a sign-in through a provider.",
                text(4096),
                "__Host-Http-sid=…; Path=/; HttpOnly; Secure; SameSite=Lax".into(),
            ),
            H::Vary => (
                "What of a request the answer depends on.",
                text(200),
                "Cookie, Authorization, Accept, Accept-Encoding, Origin".into(),
            ),
            H::WwwAuthenticate => (
                "`Bearer`, and why a token was refused (RFC 6750 section 3).",
                token("^Bearer "),
                r#"Bearer realm="bff""#.into(),
            ),
            H::RateLimit | H::RateLimitPolicy | H::RetryAfter => self.words_of_limits(),
            H::AcceptRanges | H::ContentDisposition | H::ContentRange | H::XAccelRedirect => {
                self.words_of_files()
            }
        }
    }

    /// The same of those that say when to ask again.
    fn words_of_limits(self) -> (&'static str, Schema, Value) {
        let token = |pattern: &str| text_matching(pattern);
        match self {
            H::RateLimit => (
                "There where limits are on: `r` more requests now, more after `t` seconds (draft-ietf-httpapi-ratelimit-headers-10).",
                token("^\"(anonymous|user|caller)\";r=[0-9]+;t=[0-9]+$"),
                r#""user";r=99;t=1"#.into(),
            ),
            H::RateLimitPolicy => (
                "There where limits are on: at most `q` requests within `w` seconds (draft-ietf-httpapi-ratelimit-headers-10).",
                token("^\"(anonymous|user|caller)\";q=[0-9]+;w=[0-9]+$"),
                r#""user";q=100;w=2"#.into(),
            ),
            H::RetryAfter => {
                ("Seconds after which it is worth trying again.", number(0, 86_400, 1), 1.into())
            }
            _ => self.words(),
        }
    }

    /// The same of those that come with files; the others say the same of everything.
    fn words_of_files(self) -> (&'static str, Schema, Value) {
        let token = |pattern: &str| text_matching(pattern);
        match self {
            H::AcceptRanges => {
                ("Parts of it can be asked for (RFC 9110 section 14.3).", token("^bytes$"), "bytes".into())
            }
            H::ContentDisposition => (
                "Whether it is shown or saved, and under which name (RFC 6266, RFC 8187).",
                token("^(inline|attachment); filename=\"[^\"]*\"(; filename\\*=UTF-8''[^ ]+)?$"),
                "inline; filename=\"soup.jpg\"".into(),
            ),
            H::ContentRange => (
                "Which bytes these are, or how many there are where none could be had (RFC 9110 section 14.4).",
                token("^bytes ([0-9]+-[0-9]+|\\*)/[0-9]+$"),
                "bytes 0-1/6291456".into(),
            ),
            H::XAccelRedirect => (
                "There where a proxy in front sends the bytes, and for that proxy alone.",
                text(300),
                "/internal-files/o/0/0/data".into(),
            ),
            _ => self.words(),
        }
    }

    fn described(self, always: bool) -> Header {
        let (about, shape, example) = self.words();
        // utoipa 6 has no word for `required` of headers (OpenAPI 3.1 section 4.8.21).
        let required = always.then(|| Extensions::from_iter([("required", true)]));
        HeaderBuilder::new()
            .description(Some(about))
            .schema(Some(shape))
            .example(Some(example))
            .extensions(required)
            .build()
    }

    /// Whether there is no telling from the answer if it is there.
    fn is_optional(self) -> bool {
        matches!(self, H::CsrfToken | H::RateLimit | H::RateLimitPolicy | H::IdempotencyReplayed)
    }
}

impl Borne {
    pub(super) fn name(self) -> &'static str {
        self.header.name()
    }

    fn described(self) -> RefOr<Header> {
        if self.always || self.header.is_optional() {
            RefOr::Ref(Ref::new(format!("#/components/headers/{}", self.name())))
        } else {
            RefOr::T(self.header.described(false))
        }
    }
}

/// What `components/headers` holds.
pub(super) fn components() -> impl Iterator<Item = (&'static str, Header)> {
    H::ALL.into_iter().map(|header| (header.name(), header.described(!header.is_optional())))
}

/// An answer with these headers, and those that every answer bears.
pub(super) fn bearing(mut response: Response, headers: impl IntoIterator<Item = Borne>) -> Response {
    let usual = USUAL.map(AnswerHeader::always);
    for borne in usual.into_iter().chain(headers) {
        response.headers.insert(borne.name().to_owned(), borne.described());
    }
    response
}

/// Takes out what tells how often callers may ask.
pub(super) fn without_limits(response: &mut Response) {
    for header in [H::RateLimit, H::RateLimitPolicy] {
        response.headers.remove(header.name());
    }
}

/// The headers that belong to a refusal by its status.
pub(super) fn of_status(status: u16) -> Option<Borne> {
    match status {
        401 => Some(H::WwwAuthenticate.always()),
        415 => Some(H::AcceptEncoding.sometimes()),
        429 | 503 => Some(H::RetryAfter.always()),
        _ => None,
    }
}
