//! HTTP as all three services speak it: who calls, JSON in, JSON out, problems. The first and the last
//! stop of every call.

mod answer;
mod caller;
mod edge;
mod failure;
mod json;
mod own_account;
mod query;
mod routes;
mod text;

pub(crate) use answer::{created, no_content, ok};
pub(crate) use caller::{Accounts, Acting, Caller};
pub(crate) use edge::{PathId, edge, health, no_such_route};
pub(crate) use failure::{Failure, field_error};
pub(crate) use json::Json;
pub(crate) use own_account::{Leaving, Own};
pub(crate) use query::Query;
pub(crate) use routes::Routes;
pub(crate) use text::Checks;
