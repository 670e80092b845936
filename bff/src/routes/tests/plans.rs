//! Routes as the tests declare them.

use http::Method;

use crate::compose::{
    plan::{
        Access, CallPlan, ParamKind, ParamPlan, ParamSource, PathPiece, RoutePlan, RouteShape, UpstreamId,
        Value,
    },
    scan::{Capture, Field, Node, Plan, PlanBuilder, Types},
};

/// `METHOD /api/orders/{id}` → `shop:/orders/{id}`, of an answer that is anything.
pub(super) fn route(method: Method) -> RoutePlan {
    let id = ParamPlan {
        name: "id".into(),
        source: ParamSource::Path,
        kind: ParamKind::Id,
        default: None,
        compact_default: None,
    };
    let place = Value::Param(crate::compose::plan::ParamId(0));
    let path = [
        PathPiece::Text("/orders/".into()),
        PathPiece::Id { value: place, reserved: ["me"].map(Box::from).into() },
    ];
    RoutePlan {
        name: "/api/orders/{id}",
        path: "/api/orders/{id}".into(),
        method: method.clone(),
        access: Access::SignedIn,
        params: [id].into(),
        call: CallPlan {
            upstream: UpstreamId(0),
            operation: "order",
            method: method.clone(),
            path: path.into(),
            query: [].into(),
            send: [].into(),
            body: None,
            for_nobody: false,
        },
        shape: Some(RouteShape { scan: Plan::untyped(), verbatim: true }),
        status: if method == Method::POST { 201 } else { 200 },
        location: None,
        body: None,
        joins: [].into(),
        expect: [].into(),
        add: [].into(),
        drops_mine: [].into(),
        drops: [].into(),
        announce: None,
        remember: [].into(),
        recall: [].into(),
        idempotent_key: true,
        profile: false,
        if_match: false,
        files: Box::default(),
        passes: [].into(),
        stream: None,
    }
}

/// An object with the id `id` at [`ID`].
pub(super) fn shape_with_id(verbatim: bool) -> RouteShape {
    let mut builder = PlanBuilder::default();
    let id = builder.add(Node { capture: Some(ID), ..Node::of(Types::STRING) });
    let field =
        Field { name: "id".into(), value: id, required: true, kept: true, renamed: None, absent: None };
    let root = builder.add(Node { fields: vec![field], ..Node::of(Types::OBJECT) });
    RouteShape { scan: builder.finish(root, true), verbatim }
}

pub(super) const ID: Capture = Capture(3);
