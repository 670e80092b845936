//! From a request whose screen, caller and parameters are known to the cached document, or to its composition.

use std::{future::Future, time::Instant};

use super::{
    documents::ScreenDocuments,
    failure::fill_error,
    lines::{lines_response, stream_response},
    response::{Format, document_response, outcome_word},
};
use crate::{
    cache::{DocumentKey, Encodings, Followed, Policy, Served, Wanted},
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
    pub(super) key: &'q DocumentKey,
    pub(super) format: Format,
    /// `Vary`, where the answer depends on other headers than all screens do.
    pub(super) vary: Option<&'q HeaderValue>,
}

impl ScreenDocuments {
    /// Answers with the document that is there, if it can be served as it is. Nothing is awaited.
    pub(super) fn answer_at_once<P, C, Fut>(
        &self,
        question: &Question<'_>,
        prepare: P,
    ) -> Option<HttpResponse>
    where
        P: FnOnce() -> C,
        C: FnOnce(PartCache) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Composed, Uncomposed<ComposeError>>> + Send + 'static,
    {
        let Format::Whole(_) = question.format else { return None };
        let now = Instant::now();
        let served = self.documents.look_up(&question.wanted(), now, prepare)?;
        Some(self.whole(question, &served, now))
    }

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
        let (wanted, now) = (question.wanted(), Instant::now());
        if let Format::Whole(_) = question.format {
            return match self.documents.get(&wanted, now, &prepare).await {
                // Composing takes time, and what is said of the document's age counts from the answer.
                Ok(served) => Ok(self.whole(&question, &served, Instant::now())),
                Err(error) => {
                    self.metrics.cache_outcome(question.name, "failed");
                    Err(question.refused(fill_error(error)).await)
                }
            };
        }
        let following = match self.documents.follow(&wanted, now, &prepare) {
            Followed::UnderWay(following) => following,
            Followed::There(served) => {
                self.metrics.cache_outcome(question.name, outcome_word(&served));
                let response = lines_response(question.request, &served, question.is_shared(), now);
                return Ok(varying(response, question.vary));
            }
        };
        let (key, shared) = (question.key.clone(), question.is_shared());
        match stream_response(question.name, following, key, self.clone(), shared).await {
            Ok(response) => Ok(varying(response, question.vary)),
            Err(error) => Err(question.refused(error).await),
        }
    }

    fn whole(&self, question: &Question<'_>, served: &Served, now: Instant) -> HttpResponse {
        self.metrics.cache_outcome(question.name, outcome_word(served));
        let encoding = question.format.encoding();
        let response = document_response(question.request, served, question.is_shared(), encoding, now);
        varying(response, question.vary)
    }
}

impl Question<'_> {
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            key: self.key,
            user: self.caller.map(|caller| &caller.user),
            policy: self.policy,
            encodings: Encodings::default().with(self.format.encoding()),
            stream: self.format == Format::Lines,
            require_fresh: requires_fresh(self.request.headers()),
        }
    }

    /// Whether all who are not signed in get the same.
    fn is_shared(&self) -> bool {
        self.caller.is_none()
    }

    /// What a caller gets who gets no document: 401 where their sign-in has ended meanwhile, for what they asked is not
    /// theirs any more.
    async fn refused(&self, error: ApiError) -> ApiError {
        match self.caller {
            Some(caller) => ended_meanwhile(self.request, caller).await.unwrap_or(error),
            None => error,
        }
    }
}

fn varying(mut response: HttpResponse, vary: Option<&HeaderValue>) -> HttpResponse {
    if let Some(vary) = vary {
        response.headers_mut().insert(VARY, vary.clone());
    }
    response
}

/// Whether the caller waits rather than take what is known to be old (`max-age=0`, RFC 9111 section 5.2.1.1): a
/// front-end that was told of a change asks like this. `no-cache` is not heeded: some HTTP clients send it with
/// everything.
fn requires_fresh(headers: &HeaderMap) -> bool {
    let named = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    named.is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case("max-age=0")))
}
