//! What the gateway serves, compiled once: `declare` makes it of declarations and contracts, `compose` carries screens out,
//! `routes` carries reads and writes that pass through.
//!
//! Everything is referred to by its place in a table ([`UpstreamId`], [`PartId`], …), so that carrying a plan out looks no name
//! up. A plan never changes; a reload makes another one, and requests under way end on theirs.

mod call;
mod lookup;
mod param;
mod route;
mod screen;
mod value;

use std::{collections::HashMap, sync::Arc};

pub use call::{BodyPiece, CallPlan, PathPiece, QueryPair, QueryValue};
pub use lookup::{LookupPlan, Shared};
pub use param::{ParamKind, ParamPlan, ParamSource, ParamValue};
pub use route::{
    Added, Announcement, BodyCheck, BodyPlan, CheckBody, LocationPlan, Memory, Recall, RoutePlan, RouteShape,
    StreamPlan,
};
pub use screen::{
    CachePlan, Condition, DocumentField, FieldSource, JoinPlan, JoinPoint, JoinSource, PartPlan, PerView,
    ScreenPlan,
};
pub use value::{Piece, SessionField, TagTemplate, Template, UserField, Value};

/// Defines the place of something in a table of the plan.
macro_rules! places {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The place as an index.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

places! {
    /// An upstream in [`GatewayPlan::upstreams`].
    UpstreamId,
    /// A look-up in [`GatewayPlan::lookups`].
    LookupId,
    /// A parameter of a screen or route.
    ParamId,
    /// A part of a screen; of a route the answer is part 0.
    PartId,
    /// A join of a screen or route.
    JoinId,
    /// Pairs that are remembered, in [`GatewayPlan::memories`].
    MemoryId,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a signed-in caller may see more.
    Open,
    /// Signed-in callers alone: 401 for others.
    SignedIn,
}

/// All that is declared.
#[derive(Debug, Clone, Default)]
pub struct GatewayPlan {
    /// Names of upstreams; their settings are the config's.
    pub upstreams: Box<[&'static str]>,
    pub lookups: Box<[Arc<LookupPlan>]>,
    pub screens: Box<[Arc<ScreenPlan>]>,
    pub routes: Box<[Arc<RoutePlan>]>,
    /// Codes of upstreams that callers may see.
    pub refusals: HashMap<Box<str>, RefusalPlan>,
    /// Kinds that tags may have.
    pub tag_kinds: Box<[Box<str>]>,
    pub topics: TopicsPlan,
    /// The tables of `remember`, by name.
    pub memories: Box<[Box<str>]>,
    /// `None`: no upstream serves accounts, and OpenID Connect alone signs people in.
    pub accounts: Option<UpstreamId>,
    /// The fields of a profile document that `user.card` is made of.
    pub card: Box<[Box<str>]>,
    /// Where no upstream serves accounts: a profile's field, and the claim of an identity token that it comes from.
    pub claims: Box<[(Box<str>, Box<str>)]>,
}

/// What callers see of an upstream's refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalPlan {
    pub status: u16,
    /// In the gateway's own words: an upstream's text never leaves.
    pub detail: Box<str>,
}

/// Who may subscribe to what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicsPlan {
    /// Kinds to whose topics, `KIND:ID`, any signed-in caller may subscribe.
    pub open: Box<[Box<str>]>,
    /// Kinds of which a caller may subscribe to `KIND:` and their own id alone.
    pub own: Box<[Box<str>]>,
}
