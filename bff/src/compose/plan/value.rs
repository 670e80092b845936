//! Values that stand in calls, tags and answers: where they come from.

use super::{ParamId, PartId};
use crate::compose::scan::Capture;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Param(ParamId),
    User(UserField),
    Session(SessionField),
    /// The first value found at a path in the answer of a part: the call waits for that part, and where it is missing so
    /// is what is made of it.
    Part(PartId, Capture),
    /// Of a route: the first value found at a path in the upstream's answer.
    Response(Capture),
    /// Of a route: the last segment of the upstream's `Location`.
    ResponseLocation,
    /// Of a route: what was remembered in [`super::RoutePlan::recall`], by its place there.
    Recalled(u16),
}

/// What is known of a signed-in caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    Id,
    Username,
    DisplayName,
    /// The fields of [`super::GatewayPlan::card`], as an object.
    Card,
}

/// What is known of a caller's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionField {
    /// All of them, as an object.
    All,
    Id,
    Client,
    Address,
}

/// Text with values in it. It is absent where one of its values is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template(pub Box<[Piece]>);

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(Box<str>),
    Value(Value),
}

/// A tag: `KIND:ID`, or a bare `KIND` for what names no single thing. A tag whose value is absent is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTemplate {
    pub kind: Box<str>,
    pub id: Option<Value>,
}
