//! What the gateway serves, compiled once: `declare` makes it of declarations and contracts, `compose` carries screens out,
//! `routes` carries reads and writes that pass through.
//!
//! Everything is referred to by its place in a table ([`UpstreamId`], [`PartId`], …), so that carrying a plan out looks no name
//! up. A plan never changes; a reload makes another one, and requests under way end on theirs.

mod access;
mod call;
mod gateway;
mod lookup;
mod param;
mod place;
mod route;
mod screen;
mod value;

pub use access::Access;
pub use call::{BodyPiece, CallPlan, PathPiece, QueryPair, QueryValue};
pub use gateway::{GatewayPlan, LeavingPlan, MemberCall, MemberPiece, RefusalPlan, TopicsPlan};
pub use lookup::{LookupPlan, Shared};
pub use param::{ParamKind, ParamPlan, ParamSource, ParamValue};
pub use place::{JoinId, LookupId, MemoryId, ParamId, PartId, UpstreamId};
pub use route::{
    Added, Announcement, BodyCheck, BodyPlan, CheckBody, FileField, LocationPlan, Memory, Recall, RoutePlan,
    RouteShape, StreamPlan,
};
pub use screen::{
    CachePlan, Condition, DocumentField, FieldSource, JoinPlan, JoinPoint, JoinSource, PartPlan, PerView,
    ScreenPlan,
};
pub use value::{Piece, SessionField, TagTemplate, Template, UserField, Value};
