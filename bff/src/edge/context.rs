//! What the edge not_modified of a request before anything else runs.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Instant,
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use bytestring::ByteString;

use super::{
    authentication::Authentication,
    place::{Exempt, Resolved},
};
use crate::{identity::Charge, telemetry::hex_digits};

/// `X-Request-Id`.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The pattern of a resource's path, attached to it as application data: what metrics and the access line call it.
#[derive(Debug, Clone, Copy)]
pub struct RouteName(pub &'static str);

/// Names a request in answers, logs, and calls to upstreams. Plain text, and clones share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(ByteString);

impl RequestId {
    /// The caller's own, where it is short and plain enough to stand in a log; else a new one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        match headers.get(X_REQUEST_ID).and_then(|given| given.to_str().ok()) {
            Some(given) if (8..=64).contains(&given.len()) && given.bytes().all(plain) => Self(given.into()),
            _ => Self::random(),
        }
    }

    /// 128 bits, unlike each other but no secret: two keyed hashes of a counter, without a system call.
    fn random() -> Self {
        thread_local! {
            static KEYS: (RandomState, RandomState) = (RandomState::new(), RandomState::new());
            static COUNT: Cell<u64> = const { Cell::new(0) };
        }
        let count = COUNT.replace(COUNT.get() + 1);
        let (high, low) = KEYS.with(|(a, b)| (a.hash_one(count), b.hash_one(count)));
        let digits = [hex_digits(high), hex_digits(low)];
        // Digits are text.
        Self(ByteString::try_from(digits.as_flattened()).unwrap_or_default())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        let text = self.0.as_bytes().clone();
        // Plain characters, see above: always a header value.
        HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| HeaderValue::from_static("-"))
    }
}

/// What is known of a request, kept in its extensions: its id, when it came, and what the access line
/// will say of it.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub(super) id: RequestId,
    pub(super) received: Instant,
    pub(super) user: Option<u64>,
    pub(super) cache: &'static str,
    /// What answered, where that is not said by the route.
    pub(super) route: Option<&'static str>,
    pub(super) client: &'static str,
    /// The server-side caller that sent it.
    pub(super) service: Option<Arc<str>>,
    /// What the identity stage found out; nothing where the request did not pass it, or was not to be looked up.
    pub(super) authentication: Option<Authentication>,
    /// What the identity stage charged before it asked the store.
    pub(super) charge: Option<Charge>,
    /// What the stages in front of its handler leave out.
    pub(super) exempt: Exempt,
    /// What it has come to, until that answers.
    pub(super) resolved: Option<Resolved>,
    traceparent: Option<Arc<str>>,
}

impl RequestContext {
    pub(super) fn new(id: RequestId, received: Instant) -> Self {
        Self {
            id,
            received,
            user: None,
            cache: "",
            route: None,
            client: "",
            service: None,
            authentication: None,
            charge: None,
            exempt: Exempt::default(),
            resolved: None,
            traceparent: None,
        }
    }

    /// The context of `request`. The gate has put it there; a request that came another way gets a new one.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        let mut context =
            known.unwrap_or_else(|| Self::new(RequestId::of(request.headers()), Instant::now()));
        context.traceparent = traceparent(request.headers()).map(Arc::from);
        context
    }

    /// Writes down what the access line will say.
    pub(super) fn note(request: &HttpRequest, note: impl FnOnce(&mut Self)) {
        if let Some(context) = request.extensions_mut().get_mut::<Self>() {
            note(context);
        }
    }

    /// The same where the gate may not be there.
    pub(super) fn begin(request: &HttpRequest, note: impl FnOnce(&mut Self)) {
        let mut extensions = request.extensions_mut();
        if let Some(context) = extensions.get_mut::<Self>() {
            return note(context);
        }
        let mut context = Self::new(RequestId::of(request.headers()), Instant::now());
        note(&mut context);
        extensions.insert(context);
    }

    /// Names the request in answers, logs, and calls to upstreams.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.id.as_str()
    }

    /// The caller's `traceparent`, to go on to upstreams.
    #[must_use]
    pub fn traceparent(&self) -> Option<Arc<str>> {
        self.traceparent.clone()
    }

    /// What the stages in front of the handler of `request` leave out.
    pub(super) fn exempt(request: &HttpRequest) -> Exempt {
        request.extensions().get::<Self>().map(|context| context.exempt).unwrap_or_default()
    }

    /// Writes down what the access line will say of the cache.
    pub fn note_cache(request: &HttpRequest, outcome: &'static str) {
        Self::note(request, |context| context.cache = outcome);
    }

    /// What metrics and the access line call what answers `request`; empty where that is not known.
    #[must_use]
    pub fn route_of(request: &HttpRequest) -> &'static str {
        let noted = request.extensions().get::<Self>().and_then(|context| context.route);
        noted.or_else(|| request.app_data::<RouteName>().map(|name| name.0)).unwrap_or_default()
    }

    /// Writes down what metrics and the access line call a request that no route has taken.
    pub fn note_route(request: &HttpRequest, route: &'static str) {
        Self::note(request, |context| context.route = Some(route));
    }
}

/// The caller's `traceparent`, where it has the form of version 00 (W3C Trace Context section 3.2): it goes on
/// to upstreams, so nothing else may pass.
fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut fields = text.split('-');
    let mut hex = |length: usize| {
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        fields.next().filter(|field| field.len() == length && field.bytes().all(lower_hex))
    };
    let (version, trace, span, _flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
    let zero = |field: &str| field.bytes().all(|b| b == b'0');
    (version == "00" && !zero(trace) && !zero(span) && fields.next().is_none()).then_some(text)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{RequestId, TRACEPARENT, X_REQUEST_ID, traceparent};

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        headers
    }

    #[test]
    fn a_plain_request_id_is_kept_and_any_other_replaced() {
        assert_eq!(RequestId::of(&headers(X_REQUEST_ID, "abc-123_X.z")).as_str(), "abc-123_X.z");
        for odd in ["", "short", "with space inside", "\"quoted-id\"", &"x".repeat(65)] {
            let made = RequestId::of(&headers(X_REQUEST_ID, odd));
            assert_eq!(made.as_str().len(), 32, "{odd}");
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }

    #[test]
    fn only_a_sound_traceparent_goes_on() {
        let sound = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(&headers(TRACEPARENT, sound)), Some(sound));
        for odd in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert_eq!(traceparent(&headers(TRACEPARENT, odd)), None, "{odd}");
        }
    }
}
