//! Declared screens: who asks, and for what; then the cache, and behind it the engine.

use std::sync::Arc;

use actix_web::HttpRequest;
use smallvec::SmallVec;

use super::{
    answer::Question,
    composition::Composition,
    declared_screen::DeclaredScreen,
    plain::{Plain, key_of},
    response::{Format, accepted},
};
use crate::{
    cache::DocumentKey,
    compose::{
        PartCache,
        params::{self, Params, Sources},
        plan::Access,
    },
    edge::{ApiError, MaybeSignedIn, Query, Reply, RequestContext, SignedIn},
};

/// Answers a request for `screen`, at once where its document is there.
///
/// # Errors
/// 401, 404, 406, 422, and those of the screen's documents.
pub fn answer(screen: &Arc<DeclaredScreen>, request: HttpRequest) -> Reply {
    let asked = match Asked::of(screen, &request) {
        Ok(asked) => asked,
        Err(error) => return Reply::Now(Err(error)),
    };
    let question = asked.question(&request);
    let prepare = || {
        let composition = asked.composition(&request);
        move |parts: PartCache| composition.compose(parts)
    };
    if let Some(response) = screen.documents.answer_at_once(&question, prepare) {
        return Reply::Now(Ok(response));
    }
    Reply::Later(Box::pin(async move {
        let prepare = || {
            let composition = asked.composition(&request);
            move |parts: PartCache| composition.compose(parts)
        };
        asked.screen.documents.answer(asked.question(&request), prepare).await
    }))
}

/// What a request asks for, and who does.
struct Asked {
    screen: Arc<DeclaredScreen>,
    caller: Option<SignedIn>,
    format: Format,
    compact: bool,
    params: Arc<Params>,
    key: DocumentKey,
}

impl Asked {
    fn of(screen: &Arc<DeclaredScreen>, request: &HttpRequest) -> Result<Self, ApiError> {
        let MaybeSignedIn(caller) = MaybeSignedIn::of(request)?;
        let (plan, asking) = (screen.plan(), caller.as_ref().map(SignedIn::caller));
        if asking.is_none() && plan.access == Access::SignedIn {
            return Err(ApiError::Unauthenticated);
        }
        let format = accepted(request)?;
        let start = DocumentKey::new(plan.name, asking.map(|caller| &caller.user));
        let plain = screen.plain.as_ref().filter(|_| request.query_string().is_empty());
        let (params, compact, key) = match plain {
            Some(Plain { params, key }) => (Arc::clone(params), false, start.with_all(key)),
            None => {
                let compact = is_compact(request.query_string())?;
                let params = params::read(&plan.params, &Asking(request), compact)?;
                let key = start.with_all(&key_of(compact, &params));
                (Arc::new(params), compact, key)
            }
        };
        let key = match asking.filter(|_| plan.vary_by_session) {
            // Two browsers of one user have two sessions, and each sees its own.
            Some(caller) => key.with(&caller.session.key),
            None => key,
        };
        Ok(Self { screen: Arc::clone(screen), caller, format, compact, params, key })
    }

    fn question<'q>(&'q self, request: &'q HttpRequest) -> Question<'q> {
        Question {
            request,
            caller: self.caller.as_ref().map(SignedIn::caller),
            name: self.screen.plan().name,
            policy: self.screen.settings.policy,
            key: &self.key,
            format: self.format,
            vary: self.screen.vary.as_ref(),
        }
    }

    /// What a composition needs is its own: one behind a stale document may begin after this request has ended.
    fn composition(&self, request: &HttpRequest) -> Composition {
        let context = RequestContext::of(request);
        Composition {
            screen: Arc::clone(&self.screen),
            caller: self.caller.as_ref().map(|caller| caller.caller().clone()),
            params: Arc::clone(&self.params),
            compact: self.compact,
            request_id: context.request_id().to_owned(),
            traceparent: context.traceparent(),
        }
    }
}

/// Whether the query asks for the shape for small screens.
fn is_compact(query: &str) -> Result<bool, ApiError> {
    // Nearly all ask for nothing.
    if query.is_empty() {
        return Ok(false);
    }
    let mut query = Query::of(query);
    let compact = query.choice("view", [("full", false), ("compact", true)]);
    query.done()?;
    Ok(compact)
}

/// Where parameters are read.
struct Asking<'r>(&'r HttpRequest);

impl Sources for Asking<'_> {
    fn path(&self, name: &str) -> Option<&str> {
        self.0.match_info().get(name)
    }

    fn query(&self) -> &str {
        self.0.query_string()
    }

    fn header(&self, name: &str) -> SmallVec<[&str; 2]> {
        self.0.headers().get_all(name).map(|value| value.to_str().unwrap_or_default()).collect()
    }
}
