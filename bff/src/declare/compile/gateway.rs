//! The whole plan.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use super::{
    context::Context,
    leaving::leaving,
    lookup::LookupDraft,
    lookups::{lookup_of, own_lookups},
    outline::Outline,
    route_outline::RouteOutline,
};
use crate::{
    compose::plan::{GatewayPlan, RefusalPlan, TopicsPlan, UpstreamId},
    declare::{
        contract::Contract,
        mistake::{At, Report, did_you_mean, quoted},
        read::{Accounts, Join, Lookup, Refusal, Tree},
    },
};

/// Compiles everything; mistakes are reported.
pub(in crate::declare) fn compile(
    tree: &Tree,
    contracts: &[Option<Contract>],
    report: &Report,
) -> GatewayPlan {
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
    let boxed = |texts: &[At<String>]| texts.iter().map(|text| text.as_str().into()).collect();
    let accounts = gateway.accounts.as_ref();
    let refusal = |refusal: &Refusal| {
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
        leaving: accounts.map(|accounts| leaving(&cx, accounts)).unwrap_or_default(),
    }
}

fn accounts_upstream(cx: &Context<'_>, accounts: &Accounts) -> Option<UpstreamId> {
    let name = accounts.upstream.as_ref()?;
    let upstreams = &cx.tree.gateway.upstreams;
    let place = upstreams.iter().position(|upstream| upstream.name.value == name.value);
    if place.is_none() {
        let near = did_you_mean(name, upstreams.iter().map(|upstream| upstream.name.as_str()));
        cx.mistake(&name.spot, format_args!("there is no upstream {}{near}", quoted(name)));
    }
    place.map(|place| UpstreamId(u16::try_from(place).unwrap_or(u16::MAX)))
}
