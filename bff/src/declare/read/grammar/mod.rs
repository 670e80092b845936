//! Which keys there are in which table, and what each may hold. The reader checks files against it and the JSON Schema for
//! editors is made of it, so that neither can know a key that the other does not.

mod gateway;
mod keys;
mod parts;
mod route;
mod screen;
mod table;

pub(in crate::declare) use gateway::GATEWAY;
pub(in crate::declare) use route::ROUTES;
pub(in crate::declare) use screen::SCREEN;
pub(in crate::declare) use table::{Grammar, Key, Kind};
