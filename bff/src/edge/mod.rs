//! The edge: everything that speaks HTTP to callers. Request ids, security headers, the access line, panics and
//! errors as problem documents ([`gate`]); who calls ([`Identify`], [`SignedIn`]); rate limits ([`limit`]); bodies
//! ([`JsonBody`]); content negotiation.
//!
//! `screens` and `auth` speak HTTP only through what is here.

mod address;
mod authentication;
mod body;
mod cache_control;
mod caller;
mod callers;
pub mod codings;
mod connection;
mod context;
mod contract;
mod credentials;
mod dispatch;
mod error;
mod error_response;
mod gate;
mod identify;
mod limits;
mod listener;
mod negotiate;
mod page;
mod place;
mod problem;
mod problem_spec;
mod query;
mod rate_limits;
mod reached;
mod resolve;
mod state;
mod static_response;
mod trace;
mod trusted_proxies;
mod validate;
mod validators;

pub use address::client_address;
pub use body::{JsonBody, OptionalJsonBody, read_body, takes_body};
pub use cache_control::{set_cache_control, vary_by};
pub use caller::{
    MaybeSignedIn, OriginChecked, SignedIn, SignedInUntouched, ended_meanwhile, handshake_check, origin_check,
};
pub use callers::{Callers, caller_service};
pub use connection::{Serving, serve};
pub use context::{RequestContext, RouteName};
pub use contract::{
    Access, AnswerHeader, Answering, Contract, Endpoint, Operation, answering, any_text, choice, compact_of,
    date_time, number, object, resolved, text, text_matching, upstream_failures, upstream_problems,
};
pub use credentials::bears_token;
pub use dispatch::{Dispatch, Dispatched, Reply, Row, Table};
pub use error::ApiError;
pub use gate::{gate, too_late};
pub use identify::Identify;
pub use limits::limit;
pub use listener::listen;
pub use negotiate::{accepted_coding, accepts_json, names, prefers};
pub use page::{Language, is_page_load, page};
pub use place::Exempt;
pub use problem::{method_not_allowed, not_found};
pub use query::{MAX_CURSOR, Query};
pub use rate_limits::RateLimits;
pub use reached::hosts;
pub use resolve::Resolve;
pub use state::{Edge, EdgeParts};
pub use static_response::StaticResponse;
pub use trace::{RequestSpan, spans_wanted};
pub use trusted_proxies::TrustedProxies;
pub use validate::{FieldErrors, Validate};
pub use validators::not_modified;
