//! Names that stand twice. Config and environment write `-` as `_`, so that `a-b` and `a_b` are one name there.

use std::collections::HashMap;

use super::super::{
    mistake::{At, Report, alternatives, quoted},
    read::{Naming, Tree},
};

pub(super) fn check(tree: &Tree, report: &Report) {
    let gateway = &tree.gateway;
    twice("upstream", gateway.upstreams.iter().map(|upstream| &upstream.name), report);
    twice("screen", tree.screens.iter().map(|screen| &screen.name), report);
    twice("look-up", gateway.lookups.iter().map(|lookup| &lookup.name), report);
    for screen in &tree.screens {
        twice("part", screen.parts.iter().map(|part| &part.name), report);
        twice("join", screen.joins.iter().map(|join| &join.name), report);
        twice("parameter", screen.params.iter().map(|param| &param.name), report);
        headers(screen.params.iter(), report);
    }
    for route in &tree.routes {
        twice("join", route.joins.iter().map(|join| &join.name), report);
        twice("parameter", route.params.iter().map(|param| &param.name), report);
        headers(route.params.iter(), report);
    }
    operations(tree, report);
    groups(tree, report);
    audiences(tree, report);
    if let Some(accounts) = &gateway.accounts
        && accounts.upstream.is_none()
        && accounts.claims.is_empty()
        && accounts.card.is_empty()
    {
        report.add(&accounts.spot, "names neither an `upstream` nor `claims`");
    }
}

fn twice<'t>(what: &str, names: impl Iterator<Item = &'t At<String>>, report: &Report) {
    let mut known = HashMap::<String, &At<String>>::new();
    for name in names {
        let plain = name.replace('-', "_");
        if let Some(other) = known.get(&plain) {
            let (file, line) = (&other.spot.file, other.spot.line);
            report.add(
                &name.spot,
                format_args!(
                    "the {what} {} is there already, as {} ({file}:{line})",
                    quoted(name),
                    quoted(other)
                ),
            );
        } else {
            known.insert(plain, name);
        }
    }
}

fn headers<'t>(params: impl Iterator<Item = &'t super::super::read::Param>, report: &Report) {
    let mut known = Vec::new();
    for param in params {
        let super::super::read::ParamPlace::Header(header) = &param.place else { continue };
        if known.contains(&header) {
            report.add(&param.name.spot, format_args!("reads the header {} a second time", quoted(header)));
        }
        known.push(header);
    }
}

fn namings(tree: &Tree) -> impl Iterator<Item = &Naming> {
    let screens = tree.screens.iter().map(|screen| &screen.naming);
    screens.chain(tree.routes.iter().map(|route| &route.naming))
}

fn operations(tree: &Tree, report: &Report) {
    let mut known = HashMap::<&str, &At<String>>::new();
    for id in namings(tree).filter_map(|naming| naming.id.as_ref()) {
        if let Some(other) = known.insert(id.as_str(), id) {
            let (file, line) = (&other.spot.file, other.spot.line);
            report
                .add(&id.spot, format_args!("the operation {} is there already ({file}:{line})", quoted(id)));
        }
    }
}

/// A group that is written in another way than in `groups` would be another group.
fn groups(tree: &Tree, report: &Report) {
    let groups = &tree.gateway.groups;
    for group in namings(tree).filter_map(|naming| naming.group.as_ref()) {
        if !groups.is_empty() && groups.iter().all(|(known, _)| known.value != group.value) {
            let known = alternatives(groups.iter().map(|(known, _)| known.as_str()));
            report.add(
                &group.spot,
                format_args!("there is no group {}; `groups` names {known}", quoted(group)),
            );
        }
    }
}

fn audiences(tree: &Tree, report: &Report) {
    let mut known = HashMap::<&str, &At<String>>::new();
    for upstream in &tree.gateway.upstreams {
        let Some(audience) = &upstream.audience else { continue };
        if audience.is_empty() {
            report.add(&audience.spot, "is empty");
        } else if let Some(other) = known.insert(audience.as_str(), &upstream.name) {
            let (audience_text, other) = (quoted(audience), quoted(other));
            let what =
                format!("{audience_text} is the audience of {other}: one could use the tokens of the other");
            report.add(&audience.spot, what);
        }
    }
}
