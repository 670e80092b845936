//! Server-side callers: servers that render pages on behalf of browsers, and prove with `X-Caller-Token` that they
//! are what they say. The gate looks at it before anything else runs.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{HeaderMap, HeaderName},
};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{ApiError, RequestContext};

const X_CALLER_TOKEN: HeaderName = HeaderName::from_static("x-caller-token");

/// Who may call on behalf of others: names, and the SHA-256 of their tokens. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Callers(Arc<[(Arc<str>, [u8; 32])]>);

impl FromIterator<(String, [u8; 32])> for Callers {
    fn from_iter<T: IntoIterator<Item = (String, [u8; 32])>>(callers: T) -> Self {
        Self(callers.into_iter().map(|(name, hash)| (name.into(), hash)).collect())
    }
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Callers {
    /// The caller whose token the request bears; nobody where it bears none.
    ///
    /// # Errors
    /// 401 `invalid_caller_token`: a token that is wrong is a mistake of whoever runs that caller, and to go on as
    /// if it were not there would hide it.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Result<Option<Arc<str>>, ApiError> {
        let mut lines = headers.get_all(X_CALLER_TOKEN);
        let Some(token) = lines.next() else { return Ok(None) };
        let alone = lines.next().is_none();
        let found = self.find(token.as_bytes()).filter(|_| alone);
        found.map(Some).ok_or(ApiError::InvalidCallerToken)
    }

    /// Looks at all of them, so that the time does not tell which one it was, nor how much of a hash was right.
    fn find(&self, token: &[u8]) -> Option<Arc<str>> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let (mut place, mut any) = (0_u32, Choice::from(0));
        for ((_, known), number) in self.0.iter().zip(0_u32..) {
            let same = known.ct_eq(&hash);
            place.conditional_assign(&number, same);
            any |= same;
        }
        let name = self.0.get(usize::try_from(place).ok()?).map(|(name, _)| Arc::clone(name));
        name.filter(|_| bool::from(any))
    }
}

/// The server-side caller that sent the request, by its name in the configuration; nothing for everybody else.
#[must_use]
pub fn caller_service(request: &HttpRequest) -> Option<Arc<str>> {
    request.extensions().get::<RequestContext>().and_then(|context| context.service.clone())
}

/// Whether a server-side caller sent it.
pub(super) fn is_service(request: &HttpRequest) -> bool {
    request.extensions().get::<RequestContext>().is_some_and(|context| context.service.is_some())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderValue};
    use sha2::{Digest, Sha256};

    use super::{Callers, X_CALLER_TOKEN};

    fn identify(tokens: &[&'static str]) -> Result<Option<String>, &'static str> {
        let callers = [("web", "the token of web"), ("admin", "the token of admin")];
        let callers: Callers = callers
            .into_iter()
            .map(|(name, token)| (name.to_owned(), Sha256::digest(token).into()))
            .collect();
        let mut headers = HeaderMap::new();
        for token in tokens {
            headers.append(X_CALLER_TOKEN, HeaderValue::from_static(token));
        }
        let found = callers.identify(&headers).map_err(|error| error.code())?;
        Ok(found.map(|name| name.to_string()))
    }

    #[test]
    fn a_token_names_its_caller_and_a_wrong_one_is_refused() {
        assert_eq!(identify(&[]), Ok(None));
        assert_eq!(identify(&["the token of web"]), Ok(Some("web".to_owned())));
        assert_eq!(identify(&["the token of admin"]), Ok(Some("admin".to_owned())));
        for wrong in [&["the token of nobody"][..], &[""], &["the token of web", "the token of web"]] {
            assert_eq!(identify(wrong), Err("invalid_caller_token"), "{wrong:?}");
        }
        let nobody = Callers::default();
        let mut headers = HeaderMap::new();
        headers.insert(X_CALLER_TOKEN, HeaderValue::from_static("x"));
        assert!(nobody.identify(&headers).is_err());
    }
}
