//! A route of the plan, ready to be served.

use std::{ops::Deref, sync::Arc};

use actix_web::http::{
    Method,
    header::{HeaderMap, HeaderValue, VARY},
};

use crate::{
    compose::{
        engine::{RouteEngine, UnknownLookup, names_session},
        plan::{LookupPlan, ParamSource, RoutePlan},
    },
    edge::{set_cache_control, vary_by},
};

/// A route, and what was worked out of its plan once.
#[derive(Debug)]
pub struct Route {
    plan: Arc<RoutePlan>,
    /// `None`: its answers have no content, or are streamed.
    pub(super) engine: Option<RouteEngine>,
    /// Whether it names anything of its caller's session.
    pub(super) names_session: bool,
    /// `Vary`, where its parameters read other headers than all answers depend on.
    vary: Option<HeaderValue>,
}

impl Deref for Route {
    type Target = RoutePlan;
    fn deref(&self) -> &RoutePlan {
        &self.plan
    }
}

impl Route {
    /// Where it is, as the declaration says it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.plan.path
    }

    /// What it answers.
    #[must_use]
    pub fn method(&self) -> Method {
        // Two versions of one type: their names are the same.
        Method::from_bytes(self.plan.method.as_str().as_bytes()).unwrap_or(Method::GET)
    }

    /// Of a route and all look-ups of its gateway.
    ///
    /// # Errors
    /// [`UnknownLookup`].
    pub(super) fn new(plan: Arc<RoutePlan>, lookups: &[Arc<LookupPlan>]) -> Result<Self, UnknownLookup> {
        let engine = match (&plan.shape, &plan.stream) {
            (Some(_), None) => Some(RouteEngine::new(Arc::clone(&plan), lookups)?),
            _ => None,
        };
        let names_session = names_session(&plan);
        let vary = vary_by(plan.params.iter().filter_map(|param| match &param.source {
            ParamSource::Header(name) => Some(&**name),
            _ => None,
        }));
        Ok(Self { plan, engine, names_session, vary })
    }

    /// Says in `headers` who may keep an answer to a read, and by what it varies. `shared`: it acts for nobody; `complete`: it
    /// lacks nothing.
    pub(super) fn set_cache_control(&self, headers: &mut HeaderMap, shared: bool, complete: bool) {
        set_cache_control(headers, shared, complete);
        if let Some(vary) = &self.vary {
            headers.insert(VARY, vary.clone());
        }
    }
}
