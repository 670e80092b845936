//! Reads declarations: files to tables, tables to a typed [`Tree`]. All mistakes are collected; what could not be read is
//! left out of the tree, so that the checks that follow find the mistakes of what could.

mod files;
mod gateway;
mod grammar;
mod joins;
mod naming;
mod params;
mod parsed;
mod parts;
mod route;
mod screen;
mod section;
mod source;
#[expect(
    dead_code,
    reason = "names and texts for the contract with callers are read before it is written from them"
)]
mod tree;

pub(super) use files::read;
pub(super) use grammar::{GATEWAY, Grammar, Key, Kind, ROUTES, SCREEN};
pub(super) use section::Scalar;
pub(super) use source::{SourceFile, Sources};
pub(super) use tree::{
    Accounts, Announce, Gateway, Join, JoinLookup, Lookup, Naming, Param, ParamPlace, ParamType, Part,
    Refusal, Remember, Request, Route, Screen, Shaping, Tree, Upstream,
};
