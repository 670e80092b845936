//! The contract with callers (OpenAPI 3.1) of what is declared. `gateway` adds to it what the gateway serves by itself, and
//! serves the whole; no request passes through here.

mod example;
mod groups;
mod param;
mod reference;
mod route;
mod screen;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{declare::Declarations, edge::Contract};

pub use example::example;
pub use reference::{Docs, docs, docs_operation};

use groups::{ROUTES, SCREENS};

/// Adds the groups of operations, and what the whole is called, in the order in which readers find them.
pub fn describe_groups(contract: &mut Contract, declarations: &Declarations) {
    let named = declarations.groups();
    let about_screens = named.iter().find(|(name, _)| name == SCREENS).map(|(_, about)| about.clone());
    contract.tag(SCREENS, about_screens.unwrap_or_else(|| "One document for each screen.".to_owned()));
    for (name, about) in named {
        contract.tag(name, about);
    }
}

/// Adds an operation for each screen, and for each method of each route. The operations of the gateway itself are there
/// already: their names and schemas are theirs.
pub fn describe(contract: &mut Contract, declarations: &Declarations) {
    let own = contract.shapes();
    let described = declarations.describe(&own, &contract.operation_ids());
    contract.title(described.title.as_deref(), described.about.as_deref());
    if described.routes.iter().any(|route| route.name.group.is_none()) {
        contract.tag(ROUTES, "Reads and writes that pass through.");
    }
    let groups = described
        .screens
        .iter()
        .map(|screen| &screen.name)
        .chain(described.routes.iter().map(|route| &route.name));
    for group in groups.filter_map(|name| name.group.as_ref()) {
        contract.tag(group.clone(), group.clone());
    }
    let mut all: BTreeMap<String, Value> = own;
    all.extend(described.schemas.clone());
    for (name, schema) in described.schemas {
        let example = example(&schema, &all);
        contract.written(name, schema, example);
    }
    for screen in described.screens {
        screen::describe(contract, screen);
    }
    for route in described.routes {
        route::describe(contract, route);
    }
}
