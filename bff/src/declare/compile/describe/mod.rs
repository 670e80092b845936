//! What callers are told of screens and routes: names, parameters, and the schemas of what is sent and answered. They follow
//! from the declarations and from the contracts of the services, in the same way as the plan does; `docs` writes the contract
//! with callers out of them.

mod fold;
mod ids;
mod named;
mod names;
mod route;
mod screen;

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::super::{
    contract::{Components, Contract},
    mistake::Report,
    read::{Lookup, Naming, Param, Tree},
};
use super::{
    context::Context,
    lookup::LookupDraft,
    lookups::{lookup_of, own_lookups},
    outline::Outline,
    route_outline::RouteOutline,
};
use crate::compose::plan::{GatewayPlan, ParamPlan, RoutePlan, ScreenPlan};

use self::{fold::folded, ids::Ids, named::Named};

/// What there is to tell.
#[derive(Debug)]
pub struct Described {
    pub title: Option<String>,
    pub about: Option<String>,
    /// Groups of operations, and what they are about.
    pub groups: Vec<(String, String)>,
    pub screens: Vec<DescribedScreen>,
    pub routes: Vec<DescribedRoute>,
    /// All schemas (JSON Schema 2020-12) by their names.
    pub schemas: BTreeMap<String, Value>,
}

/// A value in an answer (RFC 6901) that is the parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub pointer: String,
    pub operation: String,
    pub parameter: String,
}

/// What an operation is called.
#[derive(Debug, Clone)]
pub struct DescribedName {
    pub id: String,
    pub summary: String,
    pub about: Option<String>,
    pub group: Option<String>,
    pub links: Vec<Link>,
}

/// A parameter that callers can set.
#[derive(Debug, Clone)]
pub struct DescribedParam {
    pub plan: ParamPlan,
    pub about: Option<String>,
    /// The name of its schema.
    pub shape: Option<String>,
}

/// A screen.
#[derive(Debug)]
pub struct DescribedScreen {
    pub name: DescribedName,
    pub plan: Arc<ScreenPlan>,
    pub params: Vec<DescribedParam>,
    /// Names of schemas: of the document, of the compact one, and of a line of either.
    pub full: String,
    pub compact: String,
    pub line: String,
}

/// A code of an upstream that callers may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub status: u16,
    pub detail: String,
}

/// A route.
#[derive(Debug)]
pub struct DescribedRoute {
    pub name: DescribedName,
    pub plan: Arc<RoutePlan>,
    pub params: Vec<DescribedParam>,
    /// The name of the schema of what callers send, and whether they must.
    pub body: Option<(String, bool)>,
    /// The name of the schema of the answer, where it has content that is looked into.
    pub answer: Option<String>,
    pub refusals: Vec<Refusal>,
    /// Media types of a stream, of what is sent and of what is answered.
    pub sent: Vec<String>,
    pub answered: Vec<String>,
}

/// What the schemas of answers are made with.
struct Describer<'t, 's> {
    cx: &'t Context<'t>,
    drafts: &'s [LookupDraft<'t>],
    components: Components,
    named: Named,
    ids: Ids,
}

/// Describes sound declarations. `own` are the schemas of the gateway by their names: another one gets another name.
pub(in crate::declare) fn describe(
    tree: &Tree,
    contracts: &[Option<Contract>],
    plan: &GatewayPlan,
    own: &BTreeMap<String, Value>,
    taken: &[String],
) -> Described {
    // What was wrong was told when the plan was made.
    let report = Report::default();
    let cx = Context { tree, contracts, report: &report, memories: RefCell::default() };
    let lookups: Vec<&Lookup> = tree.gateway.lookups.iter().chain(own_lookups(tree)).collect();
    let drafts: Vec<LookupDraft<'_>> =
        lookups.iter().map(|declared| LookupDraft::new(&cx, declared)).collect();
    let find = |join| lookup_of(&cx, &lookups, join);
    let screens: Vec<_> =
        tree.screens.iter().map(|screen| Outline::new(&cx, screen, &drafts, find)).collect();
    let methods = tree.routes.iter().flat_map(|route| route.methods.iter().map(move |one| (route, one)));
    let routes: Vec<_> =
        methods.map(|(route, method)| RouteOutline::new(&cx, route, method, &drafts, find)).collect();
    let mut components = Components::default();
    own.iter().for_each(|(name, schema)| components.reserve_own(name, schema));
    let ids = Ids::new(&screens, &routes, taken);
    let mut describer = Describer { cx: &cx, drafts: &drafts, components, named: Named::default(), ids };
    describer.name_answers(&screens, &routes);
    let described_screens = screens.iter().zip(&plan.screens).enumerate();
    let described_screens = described_screens
        .map(|(place, (outline, plan))| describer.screen(place, outline, Arc::clone(plan)))
        .collect();
    let described_routes = routes.iter().zip(&plan.routes).enumerate();
    let described_routes = described_routes
        .map(|(place, (outline, plan))| describer.route(place, outline, Arc::clone(plan)))
        .collect();
    let text =
        |text: &Option<super::super::mistake::At<String>>| text.as_ref().map(|text| text.value.clone());
    let groups = tree.gateway.groups.iter();
    Described {
        title: text(&tree.gateway.title),
        about: text(&tree.gateway.about),
        groups: groups.map(|(name, about)| (name.value.clone(), about.value.clone())).collect(),
        screens: described_screens,
        routes: described_routes,
        schemas: folded(describer.named.fold(describer.components.into_schemas())),
    }
}

impl<'t> Describer<'t, '_> {
    /// Keeps the names that declarations give, and gives them to the schemas of services that leave as they are.
    fn name_answers(&mut self, screens: &[Outline<'t>], routes: &[RouteOutline<'t>]) {
        let of_parts =
            screens.iter().flat_map(|screen| &screen.screen.parts).filter_map(|part| part.shape.as_ref());
        let of_screens = screens.iter().filter_map(|screen| screen.screen.naming.shape.as_ref());
        let of_routes = routes.iter().filter_map(|route| route.route.naming.shape.as_ref());
        let of_lookups = self.drafts.iter().filter_map(|draft| draft.declared.shape.as_ref());
        for name in of_parts.chain(of_screens).chain(of_routes).chain(of_lookups) {
            self.components.reserve(name);
        }
        for route in routes {
            let Some(name) = route.route.naming.shape.as_ref() else { continue };
            let is_plain =
                route.points.is_empty() && route.route.add.is_empty() && route.route.shaping.is_empty();
            if let Some(answer) = route.answers.first().filter(|_| is_plain)
                && let Some((contract, root)) = answer.shape.contract.zip(answer.shape.root)
            {
                self.components.name(&route.route.to.upstream, contract, root, name);
            }
        }
        for draft in self.drafts.iter().filter(|draft| draft.declared.shaping.is_empty()) {
            if let Some(name) = draft.declared.shape.as_ref()
                && let Some((contract, root)) = draft.entity.contract.zip(draft.entity.root)
            {
                self.components.name(&draft.declared.request.call.upstream, contract, root, name);
            }
        }
    }

    fn name(&self, id: &str, naming: &Naming, summary: impl FnOnce() -> String) -> DescribedName {
        let text =
            |text: &Option<super::super::mistake::At<String>>| text.as_ref().map(|text| text.value.clone());
        let links = naming.leads_to.iter().flat_map(|(path, targets)| {
            let pointer = names::pointer(&path.0);
            targets.iter().filter(|(operation, _)| self.ids.knows(operation)).map(
                move |(operation, parameter)| Link {
                    pointer: pointer.clone(),
                    operation: operation.clone(),
                    parameter: parameter.clone(),
                },
            )
        });
        DescribedName {
            id: id.to_owned(),
            summary: text(&naming.summary).unwrap_or_else(summary),
            about: text(&naming.about),
            group: text(&naming.group),
            links: links.collect(),
        }
    }

    /// The fields of a profile that `user.card` is made of: the schema of the accounts' service that has just these, else an
    /// object of them.
    fn card(&mut self) -> Value {
        let accounts = self.cx.tree.gateway.accounts.as_ref();
        let card: Vec<&str> =
            accounts.iter().flat_map(|accounts| &accounts.card).map(|field| field.as_str()).collect();
        let upstream = accounts.and_then(|accounts| accounts.upstream.as_ref());
        let place = upstream.and_then(|name| {
            self.cx.tree.gateway.upstreams.iter().position(|upstream| upstream.name.value == name.value)
        });
        let contract = place.and_then(|place| self.cx.contracts.get(place)?.as_ref());
        let Some((service, contract)) = upstream.zip(contract) else { return names::untyped(&card) };
        let has_just_these = |id| {
            let schema = contract.schemas().get(id);
            schema.properties.len() == card.len()
                && card.iter().all(|name| schema.properties.contains_key(*name))
        };
        let found = contract
            .schema_names()
            .filter_map(|name| contract.schema_named(name))
            .find(|id| has_just_these(*id));
        if let Some(id) = found {
            return self.components.refer(service, contract, id);
        }
        let profile = contract.operations().find(|operation| operation.path == "/members/verify");
        let profile = profile.and_then(|operation| operation.success()?.json()?.schema);
        let Some(profile) = profile else { return names::untyped(&card) };
        let schema = contract.schemas().get(profile);
        let field = |name: &&str| {
            let schema = schema.properties.get(*name).copied();
            let written = schema.map_or(json!({}), |id| self.components.refer(service, contract, id));
            ((*name).to_owned(), written)
        };
        let properties: serde_json::Map<String, Value> = card.iter().map(field).collect();
        json!({ "type": "object", "properties": properties, "required": card })
    }
}

/// Parameters that callers can set, with what is said of them.
fn params(plans: &[ParamPlan], declared: &[Param]) -> Vec<DescribedParam> {
    let one = |plan: &ParamPlan| {
        let declared = declared.iter().find(|param| *param.name.value == *plan.name);
        let text = |text: Option<&super::super::mistake::At<String>>| text.map(|text| text.value.clone());
        DescribedParam {
            plan: plan.clone(),
            about: text(declared.and_then(|param| param.about.as_ref())),
            shape: text(declared.and_then(|param| param.shape.as_ref())),
        }
    };
    let settable =
        plans.iter().filter(|plan| plan.source != crate::compose::plan::ParamSource::StaticResponse);
    settable.map(one).collect()
}
