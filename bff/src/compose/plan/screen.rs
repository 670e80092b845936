//! Screens: parts, joins, and the document that they make.

use std::time::Duration;

use super::{
    Access, CallPlan, JoinId, LookupId, MemoryId, ParamId, ParamPlan, PartId, TagTemplate, Template, Value,
};
use crate::compose::scan::{Capture, Export, Place, Plan};

/// One for each view. Views share no parts: they may ask for other things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerView<T> {
    pub full: T,
    /// `None`: as the full one.
    pub compact: Option<T>,
}

impl<T> PerView<T> {
    /// The one for a view.
    pub fn of(&self, compact: bool) -> &T {
        self.compact.as_ref().filter(|_| compact).unwrap_or(&self.full)
    }
}

/// A screen.
#[derive(Debug, Clone)]
pub struct ScreenPlan {
    /// In metrics, keys and config (`-` as `_` there).
    pub name: &'static str,
    /// As the route table has it: `/bff/orders/{id}`.
    pub path: Box<str>,
    pub access: Access,
    /// The key has the session beside screen, view, user and parameters.
    pub vary_by_session: bool,
    pub params: Box<[ParamPlan]>,
    pub parts: Box<[PartPlan]>,
    pub joins: Box<[JoinPlan]>,
    /// In this order; `degraded` follows.
    pub document: Box<[DocumentField]>,
    /// Fields of the document (by place): where all of one list are missing there is none.
    pub at_least_one: Box<[Box<[usize]>]>,
    pub cache: CachePlan,
}

/// What a declaration says of a document's life; what it leaves out is the config's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CachePlan {
    pub fresh: Option<Duration>,
    pub stale: Option<Duration>,
    pub deadline: Option<Duration>,
}

/// One call, and what is made of its answer.
#[derive(Debug, Clone)]
pub struct PartPlan {
    /// In `degraded`, timings and metrics.
    pub name: &'static str,
    pub call: CallPlan,
    /// Parts whose values the call needs: it waits for them, and is missing where one of them is.
    pub needs: Box<[PartId]>,
    pub required: bool,
    /// Its 404 is the screen's 404.
    pub subject: bool,
    /// Of the screen's deadline, 0 to 1.
    pub share: Option<f64>,
    /// It begins at that parameter: the upstream's 400 or 422 is the caller's 422 for it, where the caller gave one.
    pub page: Option<ParamId>,
    /// Only then is it asked for; otherwise [`Self::otherwise`] stands.
    pub when: Option<Condition>,
    /// JSON that stands for an answer where `when` does not hold, and for a 404 where [`Self::not_found_is_otherwise`].
    pub otherwise: Option<Box<str>>,
    pub not_found_is_otherwise: bool,
    /// What is done with the answer.
    pub scan: PerView<Plan>,
    /// Fields of the document that overlap (`order` beside `order.lines`) and are shaped in different ways: each of these plans
    /// scans the same answer for exports of its own. Nearly always empty.
    pub further: PerView<Box<[Plan]>>,
    /// What must stand at each place found, or the answer is about something else, and invalid.
    pub expect: Box<[(Capture, Template)]>,
    /// Whatever comes.
    pub tags: Box<[TagTemplate]>,
    /// For each id found: `KIND:ID`.
    pub tags_of: Box<[(Box<str>, Capture)]>,
    /// Pairs to remember: the key at the first path, the value at the second, of the same object.
    pub remember: Box<[(MemoryId, Capture, Capture)]>,
}

/// When a part is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    SignedIn,
    /// For signed-in callers whose `user.id` is not (or is) the value.
    UserIs {
        value: Value,
        equal: bool,
    },
}

/// Ids in parts become what they name.
#[derive(Debug, Clone)]
pub struct JoinPlan {
    /// In `degraded`, timings and metrics; several joins may be one part there.
    pub part: &'static str,
    pub lookup: LookupId,
    /// Where ids are found, and where what they name goes. The engine sees chains by these.
    pub points: Box<[JoinPoint]>,
}

/// Where a join begins.
#[derive(Debug, Clone)]
pub struct JoinPoint {
    pub source: JoinSource,
    /// The ids there.
    pub ids: Capture,
    /// Where what they name goes. Unique within a screen.
    pub place: Place,
    /// What leaves of an entity at this place, and what other joins find in it; `None`: all of it, as it was looked up.
    pub scan: PerView<Option<Plan>>,
}

/// What holds ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinSource {
    /// The answer of a part.
    Part(PartId),
    /// What another join brought.
    Join(JoinId),
}

/// A field of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentField {
    pub name: &'static str,
    /// With quotes, colon: `"lines":`.
    pub key: Box<[u8]>,
    pub source: FieldSource,
    /// The compact view is without it.
    pub only_full: bool,
}

/// Where a field of the document comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldSource {
    /// Null where the part is missing, or has no such value.
    Part(PartId, Export),
    /// A value of the gateway.
    Value(Value),
}
