//! From a request whose screen, caller and parameters are known to the cached document, or to its composition.

use std::{future::Future, time::Instant};

use super::{
    documents::ScreenDocuments,
    failure::fill_error,
    lines::{lines_response, stream_response},
    response::{Format, document_response, outcome_word},
};
use crate::{
    cache::{DocumentKey, Encodings, Followed, Policy, Wanted},
    compose::{ComposeError, Composed, PartCache, Uncomposed},
    edge::{ApiError, ended_meanwhile},
    identity::Caller,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, VARY},
};

/// What is asked for.
pub(super) struct Question<'q> {
    pub(super) request: &'q HttpRequest,
    pub(super) caller: Option<&'q Caller>,
    /// The screen, as metrics name it.
    pub(super) name: &'static str,
    pub(super) policy: Policy,
    pub(super) key: DocumentKey,
    pub(super) format: Format,
    /// `Vary`, where the answer depends on other headers than all screens do.
    pub(super) vary: Option<&'q HeaderValue>,
}

impl ScreenDocuments {
    /// Answers with the document, out of the cache or composed as `prepare` says.
    ///
    /// # Errors
    /// 401 where the caller's sign-in has ended meanwhile; 403, 404, 410 or 451 where a service says so of what the screen is
    /// about; 422 for an unknown cursor; 502, 503 or 504 when it cannot be composed and no older document can stand in.
    pub(super) async fn answer<P, C, Fut>(
        &self,
        question: Question<'_>,
        prepare: P,
    ) -> Result<HttpResponse, ApiError>
    where
        P: Fn() -> C,
        C: FnOnce(PartCache) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Composed, Uncomposed<ComposeError>>> + Send + 'static,
    {
        let Question { request, caller, name, policy, key, format, vary } = question;
        let now = Instant::now();
        let user = caller.map(|caller| &caller.user);
        let wanted = Wanted {
            key: &key,
            user,
            policy,
            encodings: Encodings::default().with(format.encoding()),
            stream: format == Format::Lines,
            require_fresh: requires_fresh(request.headers()),
        };
        let shared = user.is_none();
        let answer = match format {
            Format::Whole(encoding) => {
                let (served, now) = match self.documents.look_up(&wanted, now, &prepare) {
                    Some(served) => (Ok(served), now),
                    // Composing takes time, and what is said of the document's age counts from the answer.
                    None => (self.documents.get(&wanted, now, &prepare).await, Instant::now()),
                };
                served.map(|served| (document_response(request, &served, shared, encoding, now), served))
            }
            Format::Lines => match self.documents.follow(&wanted, now, &prepare) {
                Followed::There(served) => Ok((lines_response(request, &served, shared, now), served)),
                Followed::UnderWay(following) => {
                    let streamed = stream_response(name, following, key, self.clone(), shared).await;
                    return match streamed {
                        Err(error) => Err(refused(request, caller, error).await),
                        Ok(response) => Ok(varying(response, vary)),
                    };
                }
            },
        };
        match answer {
            Ok((response, served)) => {
                self.metrics.cache_outcome(name, outcome_word(&served));
                Ok(varying(response, vary))
            }
            Err(error) => {
                self.metrics.cache_outcome(name, "failed");
                Err(refused(request, caller, fill_error(error)).await)
            }
        }
    }
}

fn varying(mut response: HttpResponse, vary: Option<&HeaderValue>) -> HttpResponse {
    if let Some(vary) = vary {
        response.headers_mut().insert(VARY, vary.clone());
    }
    response
}

/// What a caller gets who gets no document: 401 where their sign-in has ended meanwhile, for what they asked is not
/// theirs any more.
async fn refused(request: &HttpRequest, caller: Option<&Caller>, error: ApiError) -> ApiError {
    match caller {
        Some(caller) => ended_meanwhile(request, caller).await.unwrap_or(error),
        None => error,
    }
}

/// Whether the caller waits rather than take what is known to be old (`max-age=0`, RFC 9111 section 5.2.1.1): a
/// front-end that was told of a change asks like this. `no-cache` is not heeded: some HTTP clients send it with
/// everything.
fn requires_fresh(headers: &HeaderMap) -> bool {
    let named = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    named.is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case("max-age=0")))
}
