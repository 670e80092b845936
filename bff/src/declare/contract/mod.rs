//! Contracts: the OpenAPI documents of the services behind the gateway. Declarations are checked against them, answers are
//! scanned by plans that are compiled from them, bodies are validated by them, and the contract with callers is written
//! out of them. All of it happens at the start; only [`BodyValidator`] and the compiled plans see requests.
//!
//! OpenAPI 3.0 and 3.1, in JSON or YAML. A 3.0 document is rewritten in the dialect of 3.1 first.

mod body;
mod body_errors;
mod build;
mod bundle;
mod calls;
mod document;
mod intern;
mod json;
mod keywords;
mod merge;
mod mistake;
mod operations;
mod output;
mod path;
mod plan;
mod planner;
mod read;
mod schema;
mod strict;
mod template;
mod tree;
mod upgrade;
mod use_tree;
mod uses;
mod yaml;

#[cfg(test)]
mod tests;

pub use body::{BodyMistake, BodyValidator};
pub use calls::{CallMatch, CallMistake, CallSegment, call_segments};
pub use document::Contract;
pub use mistake::ContractMistake;
pub use operations::{Media, Operation, Parameter, ParameterPlace, RequestBody, Success};
pub use output::Components;
pub use path::{PathMistake, Segment, ShapePath};
pub use schema::{Check, Others, Schema, SchemaId, Schemas};
pub use uses::{ShapeUse, UseMistake};
