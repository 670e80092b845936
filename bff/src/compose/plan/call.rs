//! Calls to upstreams, prepared as far as they can be.

use http::Method;

use super::{Template, UpstreamId, Value};

/// A call.
#[derive(Debug, Clone)]
pub struct CallPlan {
    pub upstream: UpstreamId,
    /// As metrics name it: a path template, or the operation's id in the contract. No ids.
    pub operation: &'static str,
    pub method: Method,
    /// The path below the upstream's URL.
    pub path: Box<[PathPiece]>,
    pub query: Box<[QueryPair]>,
    /// Headers beyond the gateway's own: lower-case names from the allow-list.
    pub send: Box<[(Box<str>, Template)]>,
    /// Of a POST that reads (GraphQL, search).
    pub body: Option<Box<[BodyPiece]>>,
    /// For nobody, whoever asks: the service token bears no `sub`.
    pub for_nobody: bool,
}

/// A piece of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPiece {
    /// Percent-encoded, slashes included.
    Text(Box<str>),
    /// One segment: an id. Where a caller's value equals one of `reserved` (literal segments of the contract at that place:
    /// `me`, `cards`) there is no such thing: 404 without a call; of a part's value: the part is invalid.
    Id { value: Value, reserved: Box<[Box<str>]> },
    /// The single id of a look-up that makes one call for each.
    LookupId { reserved: Box<[Box<str>]> },
    /// The segments of a `{rest..}` parameter, each percent-encoded.
    Rest(Value),
}

/// A pair of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryPair {
    /// Percent-encoded.
    pub name: Box<str>,
    pub value: QueryValue,
}

/// The value of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryValue {
    /// Percent-encoded when it is written; absent: the pair is left out.
    Template(Template),
    /// The ids of a look-up: `name=a,b`, or `name=a&name=b` where the contract says `explode`.
    LookupIds { explode: bool },
    /// The single id of a look-up that makes one call for each.
    LookupId,
}

/// A piece of a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyPiece {
    Json(Box<str>),
    /// A JSON string; a number where the parameter is an integer, a boolean where it is one; null where it is absent.
    Value(Value),
    /// The ids of a look-up, as a list of strings (numbers where the contract says so).
    LookupIds {
        as_numbers: bool,
    },
    /// The single id of a look-up that makes one call for each.
    LookupId {
        as_number: bool,
    },
}
