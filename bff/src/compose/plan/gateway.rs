//! The whole plan.

use std::{collections::HashMap, sync::Arc};

use super::{LookupPlan, RoutePlan, ScreenPlan, UpstreamId};

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
    /// How a member leaves, and what they may take along.
    pub leaving: LeavingPlan,
}

/// How a member leaves, and what they may take along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeavingPlan {
    /// Deletes all that an upstream keeps of a member, in this order; empty: nobody can leave.
    pub delete: Box<[MemberCall]>,
    /// What an upstream keeps of a member, page by page, by its name in the document; empty: nothing can be taken along.
    pub export: Box<[(Box<str>, MemberCall)]>,
    /// Kinds of tags: `KIND:ID` of a member is gone for everybody once the member is.
    pub drops: Box<[Box<str>]>,
}

/// A call about one member's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberCall {
    pub upstream: UpstreamId,
    /// Label in metrics.
    pub operation: &'static str,
    /// Percent-encoded path and query, in pieces.
    pub target: Box<[MemberPiece]>,
    /// Words of the contract that stand where the id does: a member whose id is one of them is not asked about.
    pub reserved: Box<[Box<str>]>,
    /// The contract answers 404 to it, or there is none: then 404 says that nothing is kept.
    pub may_be_absent: bool,
}

/// A piece of the target of a [`MemberCall`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberPiece {
    Text(Box<str>),
    /// The member's id.
    Id,
    /// Where the next page begins; empty for the first.
    Cursor,
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
