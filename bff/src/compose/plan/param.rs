//! Parameters of screens and routes. Every one is checked before anything is called; unknown ones are passed over, one that is
//! given twice is 422.

use std::ops::RangeInclusive;

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamPlan {
    /// As placeholders name it.
    pub name: Box<str>,
    pub source: ParamSource,
    pub kind: ParamKind,
    /// Where the caller says nothing; `None`: it is absent then.
    pub default: Option<ParamValue>,
    /// Of the compact view, where that is another one.
    pub compact_default: Option<ParamValue>,
}

/// Where a parameter is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamSource {
    /// A segment of the path by the parameter's name. Malformed: 404.
    Path,
    /// All segments from here on (`{rest..}`). Dot segments, empty ones and encoded slashes: 404.
    Rest,
    /// A query parameter by the parameter's name. Malformed: 422 with that name as the field.
    Query,
    /// A header, by its lower-case name. Negotiated for `accept-language`; part of the key and of `Vary`.
    Header(Box<str>),
    /// No caller can set it: it has its default.
    StaticResponse,
}

/// What a parameter may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamKind {
    /// `[A-Za-z0-9._~-]{1,128}`.
    Id,
    Integer(RangeInclusive<i64>),
    /// `true` or `false`.
    Boolean,
    /// An opaque cursor of at most 512 characters.
    Cursor,
    /// Trimmed, without control characters; blank or empty: absent.
    String {
        /// In characters (Unicode scalar values).
        max_length: u32,
        /// The only values that there are; empty: any.
        one_of: Box<[Box<str>]>,
    },
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ParamValue {
    Text(Box<str>),
    Integer(i64),
    Boolean(bool),
}
