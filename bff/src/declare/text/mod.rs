//! The small languages inside declarations: calls, templates, bodies, conditions and tags. Their parsers know syntax alone;
//! whether a name stands for something is found out where it is used.

mod body;
mod call;
mod condition;
mod error;
mod names;
mod placeholder;
mod tag;

pub(super) use body::{BodyText, BodyTextPiece, compact_json};
pub(super) use call::{CallText, Segment, SegmentPiece, encoded, segments};
pub(super) use condition::ConditionText;
pub(super) use error::SyntaxError;
pub(super) use names::{is_kind, is_name};
pub(super) use placeholder::{Placeholder, TemplateText, TextPiece};
pub(super) use tag::{PathTag, RecallText, TagText};
