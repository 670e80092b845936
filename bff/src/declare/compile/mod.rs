//! Compiles declarations into the plan that is carried out. Names are looked up and paths are held against contracts on the
//! way, since what a name stands for is what the plan holds: a mistake leaves its piece out, and all the others are found.

mod call;
mod context;
mod describe;
mod document;
mod lookup;
mod params;
mod parts;
mod points;
mod route;
mod route_rules;
mod scope;
mod screen;
mod uses;

pub use describe::{
    Described, DescribedName, DescribedParam, DescribedRoute, DescribedScreen, Link, Refusal,
};

pub(super) use describe::describe;

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use self::{context::Context, lookup::LookupDraft, route::RouteOutline, screen::Outline};
use super::{
    contract::{Contract, Segment},
    mistake::{Report, did_you_mean, quoted},
    read::{Join, JoinLookup, Lookup, Tree},
};
use crate::compose::plan::{
    GatewayPlan, LookupId, PartId, Piece, RefusalPlan, Template, TopicsPlan, UpstreamId, Value,
};

/// Compiles everything; mistakes are reported.
pub(super) fn compile(tree: &Tree, contracts: &[Option<Contract>], report: &Report) -> GatewayPlan {
    let cx = Context { tree, contracts, report, memories: RefCell::default() };
    let lookups: Vec<&Lookup> = tree.gateway.lookups.iter().chain(own_lookups(tree)).collect();
    let drafts: Vec<LookupDraft<'_>> =
        lookups.iter().map(|declared| LookupDraft::new(&cx, declared)).collect();
    let find = |join: &Join| lookup_of(&cx, &lookups, join);
    let screens: Vec<_> =
        tree.screens.iter().map(|screen| Outline::new(&cx, screen, &drafts, find)).collect();
    let routes: Vec<_> = tree
        .routes
        .iter()
        .flat_map(|route| route.methods.iter().map(move |method| (route, method)))
        .map(|(route, method)| RouteOutline::new(&cx, route, method, &drafts, find))
        .collect();
    // What is remembered, before anything is recalled.
    tree.screens.iter().flat_map(|screen| &screen.parts).flat_map(|part| &part.remember).for_each(|one| {
        cx.memory(&one.table);
    });
    tree.routes.iter().flat_map(|route| &route.remember).for_each(|one| {
        cx.memory(&one.table);
    });
    let screens: Vec<_> =
        screens.iter().filter_map(|screen| screen.compile(&cx, &drafts)).map(Arc::new).collect();
    let routes: Vec<_> =
        routes.iter().filter_map(|route| route.compile(&cx, &drafts)).map(Arc::new).collect();
    let lookups: Vec<_> = drafts.into_iter().filter_map(|draft| draft.finish(&cx)).map(Arc::new).collect();
    let gateway = &tree.gateway;
    let boxed =
        |texts: &[super::mistake::At<String>]| texts.iter().map(|text| text.as_str().into()).collect();
    let accounts = gateway.accounts.as_ref();
    let refusal = |refusal: &super::read::Refusal| {
        let plan = RefusalPlan { status: refusal.status, detail: refusal.detail.as_str().into() };
        (refusal.code.as_str().into(), plan)
    };
    GatewayPlan {
        upstreams: gateway.upstreams.iter().map(|upstream| schemas::intern(&upstream.name)).collect(),
        lookups: lookups.into(),
        screens: screens.into(),
        routes: routes.into(),
        refusals: gateway.refusals.iter().map(refusal).collect::<HashMap<_, _>>(),
        tag_kinds: boxed(&gateway.tags),
        topics: TopicsPlan { open: boxed(&gateway.open_topics), own: boxed(&gateway.own_topics) },
        memories: cx.memories.borrow().iter().map(|name| name.as_str().into()).collect(),
        accounts: accounts.and_then(|accounts| accounts_upstream(&cx, accounts)),
        card: accounts.map(|accounts| boxed(&accounts.card)).unwrap_or_default(),
        claims: accounts
            .map(|accounts| {
                accounts
                    .claims
                    .iter()
                    .map(|(field, claim)| (field.as_str().into(), claim.as_str().into()))
                    .collect()
            })
            .unwrap_or_default(),
    }
}

fn accounts_upstream(cx: &Context<'_>, accounts: &super::read::Accounts) -> Option<UpstreamId> {
    let name = accounts.upstream.as_ref()?;
    let upstreams = &cx.tree.gateway.upstreams;
    let place = upstreams.iter().position(|upstream| upstream.name.value == name.value);
    if place.is_none() {
        let near = did_you_mean(name, upstreams.iter().map(|upstream| upstream.name.as_str()));
        cx.mistake(&name.spot, format_args!("there is no upstream {}{near}", quoted(name)));
    }
    place.map(|place| UpstreamId(u16::try_from(place).unwrap_or(u16::MAX)))
}

/// The look-ups that joins have of their own.
fn own_lookups(tree: &Tree) -> impl Iterator<Item = &Lookup> {
    let screens = tree.screens.iter().flat_map(|screen| &screen.joins);
    let joins = screens.chain(tree.routes.iter().flat_map(|route| &route.joins));
    joins.filter_map(|join| if let JoinLookup::Own(lookup) = &join.lookup { Some(&**lookup) } else { None })
}

fn lookup_of(cx: &Context<'_>, lookups: &[&Lookup], join: &Join) -> Option<LookupId> {
    let named = &cx.tree.gateway.lookups;
    let place = match &join.lookup {
        JoinLookup::Own(own) => lookups.iter().position(|lookup| std::ptr::eq(*lookup, &**own)),
        JoinLookup::Named(name) => {
            let place = named.iter().position(|lookup| lookup.name.value == name.value);
            if place.is_none() {
                let near = did_you_mean(name, named.iter().map(|lookup| lookup.name.as_str()));
                cx.mistake(&name.spot, format_args!("there is no look-up {}{near}", quoted(name)));
            }
            place
        }
    };
    place.map(|place| LookupId(u16::try_from(place).unwrap_or(u16::MAX)))
}

/// The name of a step; lists have none.
fn name_of(step: &Segment) -> Option<String> {
    if let Segment::Field(name) = step { Some(name.clone()) } else { None }
}

/// A field's name as it is written, with quotes and colon.
fn key(name: &str) -> Box<[u8]> {
    format!("{}:", serde_json::Value::from(name)).into_bytes().into()
}

/// The parts whose values are in a text.
fn parts_of(template: &Template) -> impl Iterator<Item = PartId> {
    template.0.iter().filter_map(|piece| match piece {
        Piece::Value(Value::Part(part, _)) => Some(*part),
        _ => None,
    })
}
