//! What every screen has: from the caller to the cached document, or to its composition.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse, web};
use clients::{CallContext, Clients};
use schemas::{Id, MemberCard};

use super::response::{accepted, document_response, outcome_word};
use crate::{
    cache::{DocumentKey, Documents, Encodings, FillError, Filled, Policy, SharedCards, Shelf, Wanted},
    compose::{ComposeError, Run},
    edge::{ApiError, RequestContext, SignedIn},
    telemetry::Metrics,
};

/// How long one screen's documents live, and how long it may take to make one.
#[derive(Debug, Clone, Copy)]
pub struct ScreenSettings {
    pub policy: Policy,
    pub deadline: Duration,
}

/// What screens are made with.
pub struct ScreensParts {
    pub documents: Arc<Documents<ComposeError>>,
    pub members: Arc<SharedCards<MemberCard>>,
    /// Author by recipe.
    pub recipe_authors: moka::sync::Cache<Id, Id>,
    pub clients: Arc<Clients>,
    pub metrics: Arc<Metrics>,
    pub home_feed: ScreenSettings,
}

/// All that screens share. Cheap to clone.
#[derive(Clone)]
pub struct Screens(Arc<ScreensParts>);

impl std::ops::Deref for Screens {
    type Target = ScreensParts;
    fn deref(&self) -> &ScreensParts {
        &self.0
    }
}

impl Screens {
    /// One for all workers.
    #[must_use]
    pub fn new(parts: ScreensParts) -> Self {
        Self(Arc::new(parts))
    }
}

/// One screen. The rest of its behaviour is [`serve`]'s.
pub trait Screen: Sized + 'static {
    /// In paths, metrics and cache keys.
    const NAME: &'static str;

    /// Its path, as the route table has it.
    const ROUTE: &'static str;

    /// What a caller may ask of it.
    type Params: Clone + Send + 'static;

    /// Reads the parameters from the path and the query.
    ///
    /// # Errors
    /// 422 with the field that is wrong.
    fn params(request: &HttpRequest) -> Result<Self::Params, ApiError>;

    /// Writes the parameters into the document's key, in one canonical form.
    fn key(params: &Self::Params, key: DocumentKey) -> DocumentKey;

    /// Its settings.
    fn settings(screens: &Screens) -> ScreenSettings;

    /// Joins its parts for `me`.
    fn compose(
        run: Run,
        upstream: Upstream,
        me: Id,
        params: Self::Params,
    ) -> impl Future<Output = Result<Filled, ComposeError>> + Send;
}

/// The upstream services as one composition sees them: with its acting user and its deadline.
pub struct Upstream {
    pub screens: Screens,
    pub cx: CallContext,
}

impl Upstream {
    /// The clients.
    #[must_use]
    pub fn clients(&self) -> &Clients {
        &self.screens.clients
    }
}

/// Answers a request for the screen `S`.
///
/// # Errors
/// 401, 406, 422; 502 or 504 when it cannot be composed and no older document can stand in.
pub async fn serve<S: Screen>(
    request: HttpRequest,
    caller: SignedIn,
    screens: web::Data<Screens>,
) -> Result<HttpResponse, ApiError> {
    let encoding = accepted(&request)?;
    let params = S::params(&request)?;
    let now = Instant::now();
    let settings = S::settings(&screens);
    let caller = caller.caller();
    let user = &caller.user;
    let key = S::key(&params, DocumentKey::new(S::NAME, Some(user)));
    let wanted = Wanted {
        key: &key,
        user: Some(user),
        policy: settings.policy,
        encodings: Encodings::default().with(encoding),
    };
    let compose = |shelf: Shelf| {
        let screens = Screens::clone(&screens);
        let (me, params) = (user.clone(), params.clone());
        let request = RequestContext::of(&request);
        let cx = caller.call_context(request.request_id(), request.traceparent(), settings.deadline);
        async move {
            let run = Run::new(S::NAME, settings.deadline, shelf, Arc::clone(&screens.metrics));
            S::compose(run, Upstream { screens, cx }, me, params).await
        }
    };
    let (served, now) = match screens.documents.look_up(&wanted, now, compose) {
        Some(served) => (Ok(served), now),
        // Composing takes time, and what is said of the document's age counts from the answer.
        None => (screens.documents.get(&wanted, now, compose).await, Instant::now()),
    };
    match served {
        Ok(served) => {
            screens.metrics.cache_outcome(S::NAME, outcome_word(&served));
            Ok(document_response(&request, &served, encoding, now))
        }
        Err(error) => {
            screens.metrics.cache_outcome(S::NAME, "failed");
            Err(match error {
                FillError::Failed(error) => ApiError::Compose(error),
                FillError::Lost => ApiError::Interrupted("a composition was lost"),
            })
        }
    }
}
