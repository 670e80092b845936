//! What every screen has: from the caller to the cached document, or to its composition.

use std::{future::Future, sync::Arc};

use actix_web::{HttpRequest, HttpResponse};
use clients::{CallContext, UpstreamError, Upstreams};
use schemas::{Example, Id};
use utoipa::ToSchema;

use super::{answer::Question, documents::ScreenDocuments, response::accepted, settings::ScreenSettings};
use crate::{
    cache::DocumentKey,
    compose::{Compact, ComposeError, Composed, PartCache, Run, View},
    edge::{Access, ApiError, MaybeSignedIn, Operation, Query, RequestContext, SignedIn},
    identity::{Caller, Sessions, nobodys_call_context},
};

/// What screens in Rust are made with.
pub struct ScreensParts {
    pub documents: ScreenDocuments,
    pub upstreams: Upstreams,
    pub sessions: Sessions,
    /// The settings of the screen of a name.
    pub settings: Box<dyn Fn(&str) -> ScreenSettings + Send + Sync>,
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

/// One screen in Rust, for what no declaration can say. Its caching, deadlines, metrics, partial failure and HTTP are the
/// engine's.
pub trait Screen: Sized + 'static {
    /// In metrics, cache keys, settings (`screens.NAME.*`), and as the id of its operation.
    const NAME: &'static str;

    /// Its path, as the route table has it.
    const ROUTE: &'static str;

    /// What `?view=compact` leaves out.
    const COMPACT: Compact;

    /// What it shows, in one line.
    const SUMMARY: &'static str;

    /// What it answers with.
    type Document: ToSchema + Example;

    /// Whom it is for: [`Id`] or [`Caller`] for signed-in callers alone, `Option<Id>` for everybody.
    type Viewer: Viewer;

    /// What a caller may ask of it.
    type Params: Clone + Send + 'static;

    /// Reads the parameters from the path and the query; the view may have other defaults.
    ///
    /// # Errors
    /// 422 with the field that is wrong, 404 for an id that cannot be one.
    fn params(request: &HttpRequest, view: View) -> Result<Self::Params, ApiError>;

    /// Describes the parameters to callers.
    fn describe_params(operation: Operation) -> Operation;

    /// Adds to the document's key what it depends on besides screen, user and view, in one canonical form.
    fn key(viewer: &Self::Viewer, params: &Self::Params, key: DocumentKey) -> DocumentKey;

    /// Joins its parts.
    fn compose(
        run: Run,
        upstream: Upstream,
        viewer: Self::Viewer,
        params: Self::Params,
    ) -> impl Future<Output = Result<Composed, ComposeError>> + Send;
}

/// Whom a screen is for.
pub trait Viewer: Clone + Send + 'static {
    /// Who is admitted.
    const ACCESS: Access;

    /// The viewer that `caller` is; `None`: nobody is signed in.
    ///
    /// # Errors
    /// 401 where the screen is for signed-in callers alone.
    fn admit(caller: Option<&Caller>) -> Result<Self, ApiError>;
}

impl Viewer for Id {
    const ACCESS: Access = Access::SignedIn;

    fn admit(caller: Option<&Caller>) -> Result<Self, ApiError> {
        caller.map(|caller| caller.user.clone()).ok_or(ApiError::Unauthenticated)
    }
}

impl Viewer for Caller {
    const ACCESS: Access = Access::SignedIn;

    fn admit(caller: Option<&Caller>) -> Result<Self, ApiError> {
        caller.cloned().ok_or(ApiError::Unauthenticated)
    }
}

impl Viewer for Option<Id> {
    const ACCESS: Access = Access::Open;

    fn admit(caller: Option<&Caller>) -> Result<Self, ApiError> {
        Ok(caller.map(|caller| caller.user.clone()))
    }
}

/// The upstream services as one composition sees them: with its acting user and its deadline.
pub struct Upstream {
    pub screens: Screens,
    pub cx: CallContext,
}

impl Upstream {
    /// The upstream `name` of the settings.
    ///
    /// # Errors
    /// [`ComposeError::UnknownUpstream`].
    pub fn named(&self, name: &'static str) -> Result<&clients::Upstream, ComposeError> {
        self.screens.upstreams.get(name).ok_or(ComposeError::UnknownUpstream(name))
    }

    /// What a service says of the acting user's own account: see [`Sessions::own_account`].
    ///
    /// # Errors
    /// What `ask` ends with.
    pub async fn own_account<T, Fut>(&self, ask: impl Fn() -> Fut) -> Result<T, UpstreamError>
    where
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        match &self.cx.acting {
            Some(user) => self.screens.sessions.own_account(user, ask).await,
            None => ask().await,
        }
    }
}

/// Answers a request for the screen `S`.
///
/// # Errors
/// 401, 406, 422; 403, 404, 410 or 451 where a service says so of what the screen is about; 502 or 504 when it cannot be
/// composed and no older document can stand in.
pub(super) async fn answer<S: Screen>(
    request: HttpRequest,
    MaybeSignedIn(caller): MaybeSignedIn,
    screens: Screens,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.as_ref().map(SignedIn::caller);
    let viewer = S::Viewer::admit(caller)?;
    let format = accepted(&request)?;
    let view = view::<S>(request.query_string())?;
    let params = S::params(&request, view)?;
    let settings = (screens.settings)(S::NAME);
    let user = caller.map(|caller| &caller.user);
    let key = S::key(&viewer, &params, DocumentKey::new(S::NAME, user).with(view.name().as_bytes()));
    // What a composition needs is its own: one behind a stale document may begin after this request has ended.
    let prepare = || {
        let (screens, caller) = (screens.clone(), caller.cloned());
        let (viewer, params) = (viewer.clone(), params.clone());
        let context = RequestContext::of(&request);
        let (id, parent) = (context.request_id().to_owned(), context.traceparent());
        move |parts: PartCache| {
            let cx = match &caller {
                Some(caller) => caller.call_context(&id, parent, settings.deadline),
                None => nobodys_call_context(&id, parent, settings.deadline),
            };
            async move {
                let metrics = Arc::clone(&screens.documents.metrics);
                let run = Run::new(S::NAME, view, settings.deadline, parts, metrics);
                Ok(S::compose(run, Upstream { screens, cx }, viewer, params).await?)
            }
        }
    };
    let question = Question {
        request: &request,
        caller,
        name: S::NAME,
        policy: settings.policy,
        key: &key,
        format,
        vary: None,
    };
    screens.documents.answer(question, prepare).await
}

/// The shape that the query asks for.
fn view<S: Screen>(query: &str) -> Result<View, ApiError> {
    // Nearly all ask for nothing.
    if query.is_empty() {
        return Ok(View::Full);
    }
    let mut query = Query::of(query);
    let view =
        query.choice("view", [("full", View::Full), ("compact", View::Compact(const { &S::COMPACT }))]);
    query.done()?;
    Ok(view)
}
