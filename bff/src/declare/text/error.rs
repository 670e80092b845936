//! Why a text is none of its language.

/// Why a text is none of its language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::declare) enum SyntaxError {
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
    Path(#[from] crate::declare::contract::PathMistake),
}
