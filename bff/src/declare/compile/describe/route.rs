//! Schemas of a route: what is sent, and what is answered.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    super::{
        super::contract::{Media, ShapePath, ShapeUse},
        lookup::shape,
        route_outline::RouteOutline,
    },
    DescribedRoute, Describer, Refusal,
    names::{pascal_word, referred},
    params,
    screen::{beside, contract},
};
use crate::compose::{plan::RoutePlan, scan::Place};

impl<'t> Describer<'t, '_> {
    /// Describes a route.
    pub(super) fn route(
        &mut self,
        place: usize,
        outline: &RouteOutline<'t>,
        plan: Arc<RoutePlan>,
    ) -> DescribedRoute {
        let (route, id) = (outline.route, self.ids.route(place).to_owned());
        let answer = plan.shape.as_ref().map(|_| self.answer(outline, &id));
        let body = plan.body.as_ref().and_then(|_| self.body(outline, &id));
        let operation = outline.target.as_ref().and_then(|target| target.operation());
        let is_stream = plan.stream.is_some();
        let sent =
            operation.and_then(|operation| operation.body.as_ref()).map(|body| body.content.as_slice());
        let answered =
            operation.and_then(|operation| operation.success()).map(|success| success.content.as_slice());
        let has_body = !plan.is_read() && plan.method != http::Method::DELETE;
        DescribedRoute {
            name: self.name(&id, &route.naming, || format!("{} {}", outline.method, route.path_text)),
            params: params(&plan.params, &route.params),
            body,
            answer,
            refusals: self.refusals(outline),
            sent: if is_stream && has_body { media_types(sent) } else { Vec::new() },
            answered: if is_stream { media_types(answered) } else { Vec::new() },
            plan,
        }
    }

    /// The name of the schema of the answer.
    fn answer(&mut self, outline: &RouteOutline<'t>, id: &str) -> String {
        let route = outline.route;
        let mut uses = ShapeUse::default();
        let Some(answer) = outline.answers.first() else { return String::new() };
        shape(&mut uses, &route.shaping, answer.shape, &[]);
        let mut joined: HashMap<u16, Value> = HashMap::new();
        let place = |place: usize| Place(u16::try_from(place).unwrap_or(u16::MAX));
        for (at, point) in outline.points.iter().enumerate().filter(|(_, point)| point.parent.is_none()) {
            // The ids have an object around them: that was seen when the point was made.
            let _ = uses.join(point.ids.clone(), place(at), point.field);
            joined.insert(place(at).0, self.route_joined(outline, at));
        }
        for (at, (name, value)) in route.add.iter().enumerate() {
            let at = place(outline.points.len() + at);
            uses.add(ShapePath::default(), at, name);
            let schema = match value.to_string().as_str() {
                "{user.card}" => self.card(),
                "{user.id}" => super::names::reference("Id"),
                _ => json!({ "type": "string" }),
            };
            joined.insert(at.0, if route.open { super::names::nullable(schema) } else { schema });
        }
        let schema = self.components.shaped(
            &route.to.upstream,
            contract(answer.shape),
            answer.shape.root,
            &uses,
            &mut |place| joined.get(&place.0).cloned().unwrap_or_else(|| json!({})),
        );
        if let Some(name) = referred(&schema) {
            return name.to_owned();
        }
        let shape = route.naming.shape.as_ref().map(|shape| shape.value.clone());
        let name = shape.unwrap_or_else(|| format!("{}Answer", pascal_word(id)));
        self.named.set(&name, schema);
        name
    }

    /// The schema of what a join puts beside ids.
    fn route_joined(&mut self, outline: &RouteOutline<'t>, at: usize) -> Value {
        let (point, drafts) = (&outline.points[at], self.drafts);
        let draft = &drafts[point.lookup.index()];
        let mut uses = ShapeUse::default();
        shape(&mut uses, &draft.declared.shaping, draft.entity, &[]);
        let mut inner: HashMap<u16, Value> = HashMap::new();
        let children = outline.points.iter().enumerate().filter(|(_, child)| child.parent == Some(at));
        for (child, declared) in children {
            let place = Place(u16::try_from(child).unwrap_or(u16::MAX));
            // As above.
            let _ = uses.join(declared.ids.clone(), place, declared.field);
            inner.insert(place.0, self.route_joined(outline, child));
        }
        let schema = self.components.shaped(
            &draft.declared.request.call.upstream,
            contract(draft.entity),
            draft.entity.root,
            &uses,
            &mut |place| inner.get(&place.0).cloned().unwrap_or_else(|| json!({})),
        );
        let schema = match draft.declared.shape.as_ref().filter(|_| inner.is_empty()) {
            Some(name) if schema["properties"].is_object() => self.named.set(name, schema),
            _ => schema,
        };
        beside(point.ids.0.last(), schema)
    }

    /// The name of the schema of what callers send, and whether they must.
    fn body(&mut self, outline: &RouteOutline<'t>, id: &str) -> Option<(String, bool)> {
        let target = outline.target.as_ref()?;
        let declared = outline.route.body.as_ref();
        let known = target.contract.zip(target.operation());
        let schema = known.and_then(|(contract, operation)| {
            let sent = || operation.body.as_ref()?.content.iter().find(|media| media.is_json())?.schema;
            let schema = declared.map_or_else(sent, |name| contract.schema_named(name))?;
            Some(self.components.refer(&outline.route.to.upstream, contract, schema))
        });
        let schema = schema.unwrap_or_else(|| json!({}));
        let name = match referred(&schema) {
            Some(name) => name.to_owned(),
            None => {
                let name = format!("{}Input", pascal_word(id));
                self.named.set(&name, schema);
                name
            }
        };
        Some((name, declared.is_some()))
    }

    /// The declared codes that the upstream may refuse this call with, by its contract.
    fn refusals(&self, outline: &RouteOutline<'t>) -> Vec<Refusal> {
        let target = outline.target.as_ref();
        let known = target.and_then(|target| Some((target.contract?, target.operation()?)));
        let may_come = |refusal: &&super::super::super::read::Refusal| match known {
            None => true,
            Some((contract, operation)) => {
                let codes = contract.problem_codes(operation, refusal.status);
                operation.names_status(refusal.status)
                    && codes.is_none_or(|codes| codes.contains(refusal.code.as_str()))
            }
        };
        let refusals = self.cx.tree.gateway.refusals.iter().filter(may_come);
        refusals
            .map(|refusal| Refusal {
                code: refusal.code.value.clone(),
                status: refusal.status,
                detail: refusal.detail.clone(),
            })
            .collect()
    }
}

/// Media types by the contract, any where it says nothing.
fn media_types(content: Option<&[Media]>) -> Vec<String> {
    let named: Vec<String> = content.into_iter().flatten().map(|media| media.media_type.clone()).collect();
    if named.is_empty() { vec!["*/*".to_owned()] } else { named }
}
