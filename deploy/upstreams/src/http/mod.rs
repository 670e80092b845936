//! HTTP as all three services speak it: who calls, JSON in, JSON out, problems. The first and the last
//! stop of every call.

mod answer;
mod edge;
mod failure;
mod json;
mod query;
mod routes;
mod text;

pub(crate) use answer::{created, no_content, ok};
pub(crate) use edge::{Accounts, Acting, Caller, PathId, edge, health, no_such_route};
pub(crate) use failure::{Failure, field_error};
pub(crate) use json::Json;
pub(crate) use query::Query;
pub(crate) use routes::Routes;
pub(crate) use text::Checks;
