//! Routes: reads and writes that pass through.

use std::{fmt, sync::Arc, time::Duration};

use http::Method;
use schemas::FieldError;

use super::{Access, CallPlan, JoinPlan, MemoryId, ParamPlan, TagTemplate, Template, UserField, Value};
use crate::compose::scan::{Capture, Place, Plan};

/// A route: one for each method of a declaration.
#[derive(Debug, Clone)]
pub struct RoutePlan {
    /// In metrics: the path template.
    pub name: &'static str,
    /// As the route table has it; `{rest..}` ends it.
    pub path: Box<str>,
    pub method: Method,
    pub access: Access,
    pub params: Box<[ParamPlan]>,
    pub call: CallPlan,
    /// Of an answer with content. `None`: the contract's success has none, the answer is 204 and what comes is discarded.
    pub shape: Option<RouteShape>,
    pub status: u16,
    pub location: Option<LocationPlan>,
    pub body: Option<BodyPlan>,
    pub joins: Box<[JoinPlan]>,
    /// What must stand at each place found, or the answer is about something else, and invalid.
    pub expect: Box<[(Capture, Template)]>,
    /// Fields at the end of what the upstream answered.
    pub add: Box<[Added]>,
    /// The writer's documents that bear one of these are gone before the answer.
    pub drops_mine: Box<[TagTemplate]>,
    /// The writer's are gone, everybody else's are stale; also after 404, 409, 410 or no usable answer.
    pub drops: Box<[TagTemplate]>,
    pub announce: Option<Announcement>,
    pub remember: Box<[Memory]>,
    pub recall: Box<[Recall]>,
    /// POST: an `Idempotency-Key` is honoured.
    pub idempotent_key: bool,
    /// Fields of the body that are keys of files: each must name a committed one of the writer's.
    pub files: Box<[FileField]>,
    /// The answer is the caller's own profile: their sessions take it over.
    pub profile: bool,
    /// Reads give the upstream's ETag, writes pass `If-Match`.
    pub if_match: bool,
    /// Statuses that the contract lists and that callers may see: among 410, 412, 428, 429, 451.
    pub passes: Box<[u16]>,
    pub stream: Option<StreamPlan>,
}

impl RoutePlan {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// What is made of an answer.
#[derive(Debug, Clone)]
pub struct RouteShape {
    pub scan: Plan,
    /// Neither joined nor shaped: what came leaves as it is, once it was checked.
    pub verbatim: bool,
}

/// `Location` of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocationPlan(pub Template);

/// A field that the gateway adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// With quotes and colon.
    pub key: Box<[u8]>,
    /// Where the answer's scan puts it: the value is asked for with an empty id ([`Capture::NONE`]).
    pub place: Place,
    pub value: UserField,
}

/// What is told to live connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub topic: Template,
    pub kind: Box<str>,
}

/// Pairs to remember of an answer: the key at the first path, the value at the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    pub table: MemoryId,
    pub key: Capture,
    pub value: Capture,
}

/// What is recalled for a write that names only the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    pub table: MemoryId,
    pub key: Value,
}

/// A field of a body that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileField {
    pub name: Box<str>,
    /// Only a picture may be named.
    pub picture: bool,
}

/// What a caller sends.
#[derive(Debug, Clone)]
pub struct BodyPlan {
    /// The media type that the contract names, and that callers must send.
    pub media_type: Box<str>,
    /// Whether they must send one.
    pub required: bool,
    pub check: BodyCheck,
}

/// Checks a body by the contract: every mistake, each once. Behind a closure, since schemas are the contract's and compiled
/// in `declare`.
#[derive(Clone)]
pub struct BodyCheck(pub Arc<CheckBody>);

/// What is wrong with which field of a body.
pub type CheckBody = dyn Fn(&serde_json::Value) -> Vec<FieldError> + Send + Sync;

impl fmt::Debug for BodyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyCheck")
    }
}

/// Bodies go through as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPlan {
    /// Either way.
    pub max_bytes: u64,
    /// The longest silence.
    pub idle: Duration,
    /// Of the whole; zero: unbounded.
    pub timeout: Duration,
}
