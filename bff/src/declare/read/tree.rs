//! Declarations as they were read: sound in syntax and in the kinds of their values, and nothing is known of what their
//! names stand for. Every value keeps where it stands.

use super::{
    super::{
        contract::ShapePath,
        mistake::{At, Spot},
        text::{
            BodyText, CallText, ConditionText, PathTag, Placeholder, RecallText, Segment, TagText,
            TemplateText,
        },
    },
    section::Scalar,
};

/// Everything.
#[derive(Debug, Clone, Default)]
pub(in crate::declare) struct Tree {
    pub(in crate::declare) gateway: Gateway,
    pub(in crate::declare) screens: Vec<Screen>,
    pub(in crate::declare) routes: Vec<Route>,
}

/// `gateway.toml`.
#[derive(Debug, Clone, Default)]
pub(in crate::declare) struct Gateway {
    pub(in crate::declare) title: Option<At<String>>,
    pub(in crate::declare) about: Option<At<String>>,
    pub(in crate::declare) groups: Vec<(At<String>, At<String>)>,
    pub(in crate::declare) upstreams: Vec<Upstream>,
    pub(in crate::declare) accounts: Option<Accounts>,
    pub(in crate::declare) refusals: Vec<Refusal>,
    pub(in crate::declare) tags: Vec<At<String>>,
    pub(in crate::declare) open_topics: Vec<At<String>>,
    pub(in crate::declare) own_topics: Vec<At<String>>,
    pub(in crate::declare) lookups: Vec<Lookup>,
}

/// `[upstreams.NAME]`.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Upstream {
    pub(in crate::declare) name: At<String>,
    pub(in crate::declare) contract: Option<At<String>>,
    pub(in crate::declare) audience: Option<At<String>>,
    /// All its keys but the contract, for the config.
    pub(in crate::declare) settings: serde_json::Map<String, serde_json::Value>,
}

/// `[accounts]`.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Accounts {
    pub(in crate::declare) spot: Spot,
    pub(in crate::declare) upstream: Option<At<String>>,
    pub(in crate::declare) card: Vec<At<String>>,
    pub(in crate::declare) claims: Vec<(At<String>, At<String>)>,
    pub(in crate::declare) delete: Vec<At<CallText>>,
    pub(in crate::declare) export: Vec<(At<String>, At<CallText>)>,
    pub(in crate::declare) drops: Vec<At<TagText>>,
}

/// `[refusals]`.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Refusal {
    pub(in crate::declare) code: At<String>,
    pub(in crate::declare) status: u16,
    pub(in crate::declare) detail: String,
}

/// What an operation is called in the contract with callers.
#[derive(Debug, Clone, Default)]
pub(in crate::declare) struct Naming {
    pub(in crate::declare) id: Option<At<String>>,
    pub(in crate::declare) summary: Option<At<String>>,
    pub(in crate::declare) about: Option<At<String>>,
    pub(in crate::declare) group: Option<At<String>>,
    pub(in crate::declare) shape: Option<At<String>>,
    pub(in crate::declare) leads_to: Vec<Link>,
}

/// A path into an answer, and what takes what stands there: operations and their parameters.
pub(in crate::declare) type Link = (At<ShapePath>, Vec<(String, String)>);

/// A parameter.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Param {
    pub(in crate::declare) name: At<String>,
    pub(in crate::declare) about: Option<At<String>>,
    pub(in crate::declare) shape: Option<At<String>>,
    pub(in crate::declare) place: ParamPlace,
    pub(in crate::declare) kind: ParamType,
    pub(in crate::declare) default: Option<At<Scalar>>,
    pub(in crate::declare) compact_default: Option<At<Scalar>>,
}

/// Where a parameter is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) enum ParamPlace {
    Path,
    Query,
    /// By its lower-case name.
    Header(String),
    StaticResponse,
}

/// What a parameter may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) enum ParamType {
    Id,
    Integer(i64, i64),
    Boolean,
    Cursor,
    Text { max_length: u32, one_of: Vec<String> },
}

/// What is called, and what is sent.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Request {
    pub(in crate::declare) post: bool,
    pub(in crate::declare) call: At<CallText>,
    pub(in crate::declare) body: Option<At<BodyText>>,
    pub(in crate::declare) at: Option<At<ShapePath>>,
}

/// What leaves of an answer.
#[derive(Debug, Clone, Default)]
pub(in crate::declare) struct Shaping {
    pub(in crate::declare) pick: Vec<At<ShapePath>>,
    pub(in crate::declare) drop: Vec<At<ShapePath>>,
    pub(in crate::declare) rename: Vec<(At<ShapePath>, At<String>)>,
}

impl Shaping {
    pub(in crate::declare) fn is_empty(&self) -> bool {
        self.pick.is_empty() && self.drop.is_empty() && self.rename.is_empty()
    }
}

/// A look-up by id.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Lookup {
    pub(in crate::declare) name: At<String>,
    pub(in crate::declare) request: Request,
    pub(in crate::declare) from: Option<At<ShapePath>>,
    pub(in crate::declare) key: Option<At<ShapePath>>,
    pub(in crate::declare) shaping: Shaping,
    pub(in crate::declare) tag: Option<At<String>>,
    pub(in crate::declare) shared: bool,
    pub(in crate::declare) fresh_ms: Option<At<u64>>,
    pub(in crate::declare) max_ids: Option<At<u16>>,
    pub(in crate::declare) max_calls: Option<At<u16>>,
    pub(in crate::declare) shape: Option<At<String>>,
}

/// A join.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Join {
    pub(in crate::declare) name: At<String>,
    pub(in crate::declare) of: Vec<At<ShapePath>>,
    pub(in crate::declare) field: At<String>,
    pub(in crate::declare) part: Option<At<String>>,
    pub(in crate::declare) lookup: JoinLookup,
}

/// What a join looks up with.
#[derive(Debug, Clone)]
pub(in crate::declare) enum JoinLookup {
    Named(At<String>),
    Own(Box<Lookup>),
}

/// Pairs to remember.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Remember {
    pub(in crate::declare) table: At<String>,
    pub(in crate::declare) key: At<ShapePath>,
    pub(in crate::declare) value: At<ShapePath>,
}

/// A part.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Part {
    pub(in crate::declare) name: At<String>,
    pub(in crate::declare) about: Option<At<String>>,
    pub(in crate::declare) shape: Option<At<String>>,
    pub(in crate::declare) request: Request,
    pub(in crate::declare) required: bool,
    pub(in crate::declare) subject: bool,
    pub(in crate::declare) share: Option<f64>,
    pub(in crate::declare) tags: Vec<At<TagText>>,
    pub(in crate::declare) tags_of: Vec<At<PathTag>>,
    pub(in crate::declare) page: Option<At<String>>,
    pub(in crate::declare) send: Vec<(At<String>, At<TemplateText>)>,
    pub(in crate::declare) when: Option<At<ConditionText>>,
    /// JSON without white space.
    pub(in crate::declare) otherwise: Option<At<String>>,
    pub(in crate::declare) not_found: Option<At<String>>,
    pub(in crate::declare) expect: Vec<(At<ShapePath>, At<TemplateText>)>,
    pub(in crate::declare) shaping: Shaping,
    pub(in crate::declare) remember: Vec<Remember>,
}

/// A screen.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Screen {
    /// The file's name, where the file begins.
    pub(in crate::declare) name: At<String>,
    pub(in crate::declare) naming: Naming,
    pub(in crate::declare) path: At<Vec<Segment>>,
    /// As it was written.
    pub(in crate::declare) path_text: String,
    pub(in crate::declare) open: bool,
    pub(in crate::declare) vary: Vec<At<String>>,
    pub(in crate::declare) at_least_one: Vec<Vec<At<String>>>,
    pub(in crate::declare) params: Vec<Param>,
    pub(in crate::declare) parts: Vec<Part>,
    pub(in crate::declare) joins: Vec<Join>,
    /// `None`: each part under its own name.
    pub(in crate::declare) document: Option<Vec<(At<String>, At<String>)>>,
    pub(in crate::declare) without: Vec<At<String>>,
    pub(in crate::declare) at_most: Vec<(At<String>, u32)>,
    pub(in crate::declare) cache: ScreenCache,
}

/// How long documents live, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(in crate::declare) struct ScreenCache {
    pub(in crate::declare) fresh_ms: Option<At<u64>>,
    pub(in crate::declare) stale_ms: Option<At<u64>>,
    pub(in crate::declare) deadline_ms: Option<At<u64>>,
}

/// A route.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Route {
    /// Where it begins.
    pub(in crate::declare) spot: Spot,
    pub(in crate::declare) naming: Naming,
    pub(in crate::declare) path: At<Vec<Segment>>,
    pub(in crate::declare) path_text: String,
    pub(in crate::declare) methods: Vec<At<String>>,
    pub(in crate::declare) to: At<CallText>,
    pub(in crate::declare) open: bool,
    pub(in crate::declare) params: Vec<Param>,
    pub(in crate::declare) send: Vec<(At<String>, At<TemplateText>)>,
    pub(in crate::declare) joins: Vec<Join>,
    pub(in crate::declare) expect: Vec<(At<ShapePath>, At<TemplateText>)>,
    pub(in crate::declare) shaping: Shaping,
    pub(in crate::declare) status: Option<At<u16>>,
    pub(in crate::declare) location: Option<At<TemplateText>>,
    pub(in crate::declare) body: Option<At<String>>,
    pub(in crate::declare) files: Vec<(At<String>, At<String>)>,
    pub(in crate::declare) drops_mine: Vec<At<TagText>>,
    pub(in crate::declare) drops: Vec<At<TagText>>,
    pub(in crate::declare) add: Vec<(At<String>, At<Placeholder>)>,
    pub(in crate::declare) announce: Option<Announce>,
    pub(in crate::declare) idempotent_key: Option<At<bool>>,
    pub(in crate::declare) profile: Option<At<bool>>,
    pub(in crate::declare) if_match: Option<At<bool>>,
    pub(in crate::declare) remember: Vec<Remember>,
    pub(in crate::declare) recall: Vec<(At<String>, At<RecallText>)>,
    pub(in crate::declare) stream: bool,
    pub(in crate::declare) max_bytes: Option<At<u64>>,
    pub(in crate::declare) idle_ms: Option<At<u64>>,
    pub(in crate::declare) timeout_ms: Option<At<u64>>,
}

/// `announce`.
#[derive(Debug, Clone)]
pub(in crate::declare) struct Announce {
    pub(in crate::declare) topic: At<TemplateText>,
    pub(in crate::declare) kind: At<String>,
}
