//! Outlines of routes, one for each method: what the upstream answers, and where joins begin.

use http::Method;

use super::super::{
    contract::Operation,
    mistake::At,
    read::{Join, Route, Shaping},
};
use super::{
    call::Target,
    context::{Context, Shape},
    lookup::{LookupDraft, check_shaping},
    params::params,
    points::{Point, Surroundings},
    scope::Answer,
};
use crate::compose::plan::{LookupId, ParamPlan};

/// What is known of a route and method before look-ups are done.
pub(super) struct RouteOutline<'t> {
    pub(super) route: &'t Route,
    pub(super) method: Method,
    pub(super) target: Option<Target<'t>>,
    /// One, or none where the answer has no content.
    pub(super) answers: Vec<Answer<'t>>,
    pub(super) shapings: Vec<&'t Shaping>,
    pub(super) params: Vec<ParamPlan>,
    pub(super) points: Vec<Point<'t>>,
    pub(super) lookups: Vec<Option<LookupId>>,
    pub(super) status: u16,
}

impl<'t> RouteOutline<'t> {
    /// Looks at a route. `lookup` finds the look-up of a join.
    pub(super) fn new(
        cx: &'t Context<'t>,
        route: &'t Route,
        method: &'t At<String>,
        drafts: &[LookupDraft<'t>],
        lookup: impl Fn(&'t Join) -> Option<LookupId>,
    ) -> Self {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let target = Target::of(cx, &route.to, &method);
        let (content, status) = success(cx, route, &method, target.as_ref());
        let answers: Vec<_> = content.into_iter().map(|shape| Answer::new("response", shape, None)).collect();
        let shapings = vec![&route.shaping];
        if let Some(answer) = answers.first() {
            check_shaping(cx, &route.shaping, answer.shape, &[]);
        } else if !route.shaping.is_empty() && !route.stream {
            cx.mistake(&route.spot, "`pick`, `drop` and `rename` shape an answer, and here is none");
        }
        let lookups: Vec<_> = route.joins.iter().map(lookup).collect();
        let around =
            Surroundings { cx, answers: &answers, shapings: &shapings, named: false, lookups: drafts };
        let points = around.points(if route.stream { &[] } else { &route.joins }, &lookups);
        let params = params(cx, &route.path, &route.params);
        Self { route, method, target, answers, shapings, params, points, lookups, status }
    }
}

/// The shape of a successful answer, where it has content, and its status.
fn success<'t>(
    cx: &Context<'t>,
    route: &Route,
    method: &Method,
    target: Option<&Target<'t>>,
) -> (Option<Shape<'t>>, u16) {
    let operation: Option<&Operation> = target.and_then(Target::operation);
    let success = operation.and_then(Operation::success);
    let has_content = success.is_none_or(|success| !success.content.is_empty());
    let usual = if method == Method::POST { 201 } else { 200 };
    let status = route.status.as_ref().map_or(if has_content { usual } else { 204 }, |status| status.value);
    if !has_content && status != 204 && !route.stream {
        if let Some(status) = &route.status {
            cx.mistake(&status.spot, "by the contract, the answer has no content: 204");
        }
        return (None, status);
    }
    if route.stream || status == 204 {
        return (None, status);
    }
    let Some(target) = target.filter(|_| success.is_some()) else { return (Some(Shape::UNTYPED), status) };
    (Some(target.answer(cx, &route.to.spot)), status)
}
