//! A route of the plan, ready to be served.

use std::{ops::Deref, sync::Arc};

use crate::compose::{
    engine::{RouteEngine, UnknownLookup, names_session},
    plan::{LookupPlan, RoutePlan},
};

/// A route, and what was worked out of its plan once.
#[derive(Debug)]
pub struct Route {
    plan: Arc<RoutePlan>,
    /// `None`: its answers have no content, or are streamed.
    pub(super) engine: Option<RouteEngine>,
    /// Whether it names anything of its caller's session.
    pub(super) names_session: bool,
}

impl Deref for Route {
    type Target = RoutePlan;
    fn deref(&self) -> &RoutePlan {
        &self.plan
    }
}

impl Route {
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
        Ok(Self { plan, engine, names_session })
    }
}
