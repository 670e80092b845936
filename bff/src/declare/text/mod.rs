//! The small languages inside declarations: calls, templates, bodies, conditions and tags. Their parsers know syntax alone;
//! whether a name stands for something is found out where it is used.

mod body;
mod call;
mod condition;
mod placeholder;
mod tag;

pub(super) use body::{BodyText, BodyTextPiece, compact_json};
pub(super) use call::{CallText, Segment, SegmentPiece, encoded, segments};
pub(super) use condition::ConditionText;
pub(super) use placeholder::{Placeholder, TemplateText, TextPiece};
pub(super) use tag::{PathTag, RecallText, TagText};

/// Why a text is none of its language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyntaxError {
    #[error("`{{` has no `}}`")]
    OpenBrace,
    #[error("`}}` has no `{{`")]
    CloseBrace,
    #[error("{0} is no placeholder: write {{parameter}}, {{user.id}} or {{part.field}}")]
    Placeholder(String),
    #[error("{0} is no call: write `UPSTREAM:/PATH`")]
    Call(String),
    #[error("{0} is no path: it begins with `/`")]
    NoPath(String),
    #[error("the path of {0} holds an empty segment, `.` or `..`")]
    Segment(String),
    #[error("{0} holds a fragment (`#`)")]
    Fragment(String),
    #[error("`{{{0}..}}` must be the last segment of a path, by itself")]
    Rest(String),
    #[error("{0} holds white space or a control character; write it percent-encoded")]
    Space(String),
    #[error("{0} is no pair: write `name=value`")]
    Pair(String),
    #[error("is no JSON at byte {0}")]
    Json(usize),
    #[error("is no JSON: {0}")]
    Body(String),
    #[error("{0} is no condition: write `user`, `user.id != PARAMETER` or `user.id == PARAMETER`")]
    Condition(String),
    #[error("{0} is no tag: write `KIND:{{value}}`, or a bare `KIND` out of a-z and _")]
    Tag(String),
    #[error("{0} is no tag of a path: write `KIND:PATH`")]
    PathTag(String),
    #[error("{0} recalls nothing: write `TABLE:{{key}}`")]
    Recall(String),
    #[error("{0}")]
    Path(#[from] super::contract::PathMistake),
}

/// Whether a text names a parameter, part, join or field of the gateway's own: letters, digits, `_` and `-`, not in front.
pub(super) fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.len() <= 64
        && text.as_bytes().first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && text.bytes().all(rest)
}

/// Whether a text is a kind of tags or topics, as `POST /events` writes it: 1 to 31 characters out of `[a-z_]`.
pub(super) fn is_kind(text: &str) -> bool {
    (1..=31).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
