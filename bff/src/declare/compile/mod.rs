//! Compiles declarations into the plan that is carried out. Names are looked up and paths are held against contracts on the
//! way, since what a name stands for is what the plan holds: a mistake leaves its piece out, and all the others are found.

mod call;
mod context;
mod describe;
mod document;
mod gateway;
mod leaving;
mod lookup;
mod lookups;
mod outline;
mod params;
mod parts;
mod points;
mod route;
mod route_outline;
mod route_rules;
mod scope;
mod screen;
mod uses;

pub(super) use describe::describe;
pub use describe::{
    Described, DescribedName, DescribedParam, DescribedRoute, DescribedScreen, Link, Refusal,
};
pub(super) use gateway::compile;
