//! Schemas of a screen: the document in either view, and a line of it.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    super::{
        super::contract::{Contract, Schemas, Segment},
        context::Shape,
        document::SourceDraft,
        outline::Outline,
    },
    DescribedScreen, Describer,
    names::{nullable, pascal_word, reference, without_null},
    params,
};
use crate::compose::plan::{ScreenPlan, SessionField, UserField, Value as PlanValue};

impl<'t> Describer<'t, '_> {
    /// Describes a screen.
    pub(super) fn screen(
        &mut self,
        place: usize,
        outline: &Outline<'t>,
        plan: Arc<ScreenPlan>,
    ) -> DescribedScreen {
        let (screen, id) = (outline.screen, self.ids.screen(place).to_owned());
        let shape = screen.naming.shape.as_ref().map(|shape| shape.value.clone());
        let shape = shape.unwrap_or_else(|| format!("{}Document", pascal_word(&id)));
        let mut documents = [Vec::new(), Vec::new()];
        for (field, draft) in outline.fields.iter().enumerate() {
            let full = self.field(outline, field, false);
            self.name_part(outline, field, &full);
            documents[0].push((draft.name.clone(), full));
            if !draft.only_full {
                documents[1].push((draft.name.clone(), self.field(outline, field, true)));
            }
        }
        let line = line(&documents);
        let [full, compact] = documents.map(document);
        let (compact_name, line_name) = (format!("{shape}Compact"), format!("{shape}Line"));
        self.named.set(&shape, full);
        self.named.set(&compact_name, compact);
        self.named.set(&line_name, line);
        DescribedScreen {
            name: self.name(&id, &screen.naming, || format!("The screen `{}`", screen.name.value)),
            params: params(&plan.params, &screen.params),
            plan,
            full: shape,
            compact: compact_name,
            line: line_name,
        }
    }

    /// What a part's `shape` names: the object that the document shows of it first, or each object of the list.
    fn name_part(&mut self, outline: &Outline<'t>, field: usize, schema: &Value) {
        let SourceDraft::Part { part, .. } = &outline.fields[field].source else { return };
        let is_first = outline.fields[..field]
            .iter()
            .all(|other| !matches!(&other.source, SourceDraft::Part { part: before, .. } if before == part));
        let Some(name) = outline.screen.parts[*part].shape.as_ref().filter(|_| is_first) else { return };
        let mut object = without_null(schema);
        if object["items"].is_object() {
            object = without_null(&object["items"]);
        }
        if object["properties"].is_object() {
            self.named.set(name, object.clone());
        }
    }

    /// The schema of a field of the document.
    fn field(&mut self, outline: &Outline<'t>, field: usize, compact: bool) -> Value {
        let (part, path) = match &outline.fields[field].source {
            SourceDraft::Value(value) => return self.value(outline, value),
            SourceDraft::Part { part, path, .. } => (*part, path),
        };
        let compact = compact && outline.is_pruned(part);
        let groups = outline.groups(part);
        let all: Vec<usize> = groups.iter().flatten().copied().collect();
        let group = if compact {
            groups.iter().position(|group| group.contains(&field)).unwrap_or_default()
        } else {
            0
        };
        let members = if compact { groups.get(group).map_or(&all, |members| members) } else { &all };
        let uses = outline.part_use(part, group, members, compact);
        let points: Vec<usize> =
            outline.points_in(part, None, group, compact).map(|(point, _)| point).collect();
        let joined: HashMap<u16, Value> = points
            .into_iter()
            .map(|point| (outline.place(point, group).0, self.joined(outline, point, group, compact)))
            .collect();
        let answer = &outline.answers[part];
        let declared = &outline.screen.parts[part];
        let service = &declared.request.call.upstream;
        let schema = self.components.shaped_at(
            service,
            contract(answer.shape),
            answer.shape.root,
            &uses,
            path,
            &mut |place| joined.get(&place.0).cloned().unwrap_or_else(|| json!({})),
        );
        let always = declared.required && is_always_there(answer.shape, &path.0);
        if always { schema } else { nullable(schema) }
    }

    /// The schema of what a join puts beside ids.
    fn joined(&mut self, outline: &Outline<'t>, point: usize, group: usize, compact: bool) -> Value {
        let drafts = self.drafts;
        let used = outline.entity_use(drafts, point, group, compact);
        let inner: HashMap<u16, Value> = used
            .children
            .iter()
            .map(|child| (outline.place(*child, group).0, self.joined(outline, *child, group, compact)))
            .collect();
        let draft = &drafts[outline.points[point].lookup.index()];
        let schema = self.components.shaped_at(
            &draft.declared.request.call.upstream,
            contract(draft.entity),
            draft.entity.root,
            &used.uses,
            &super::super::super::contract::ShapePath::default(),
            &mut |place| inner.get(&place.0).cloned().unwrap_or_else(|| json!({})),
        );
        let schema = match draft.declared.shape.as_ref().filter(|_| inner.is_empty() && !used.is_pruned) {
            Some(name) if schema["properties"].is_object() => self.named.set(name, schema),
            _ => schema,
        };
        beside(outline.points[point].ids.0.last(), schema)
    }

    /// The schema of a value of the gateway.
    fn value(&mut self, outline: &Outline<'t>, value: &PlanValue) -> Value {
        let schema = match value {
            PlanValue::Session(SessionField::All) => reference("MySession"),
            PlanValue::Session(_) | PlanValue::User(UserField::Username | UserField::DisplayName) => {
                json!({ "type": "string" })
            }
            PlanValue::User(UserField::Id) => reference("Id"),
            PlanValue::User(UserField::Card) => self.card(),
            _ => json!({}),
        };
        if outline.screen.open { nullable(schema) } else { schema }
    }
}

/// What is put beside an id, or a list of them.
pub(super) fn beside(last: Option<&Segment>, entity: Value) -> Value {
    if last == Some(&Segment::Items) {
        return json!({ "type": "array", "items": nullable(entity) });
    }
    nullable(entity)
}

/// The contract of an answer; an empty one where there is none.
pub(super) fn contract<'t>(shape: Shape<'t>) -> &'t Contract {
    static NONE: std::sync::LazyLock<Contract> = std::sync::LazyLock::new(Contract::empty);
    shape.contract.unwrap_or(&NONE)
}

/// Whether a value stands at a path in every answer, and is not null but by its own schema.
fn is_always_there(shape: Shape<'_>, path: &[Segment]) -> bool {
    let schemas: &Schemas = shape.schemas();
    let mut here = shape.root;
    for segment in path {
        let Some(schema) = here.map(|id| schemas.get(id)) else { return false };
        let Segment::Field(name) = segment else { return false };
        let next = schema.properties.get(name).copied();
        let filled_in = next.is_some_and(|id| schemas.get(id).default.is_some());
        if schema.is_nullable() || !(schema.required.contains(name) || filled_in) {
            return false;
        }
        here = next;
    }
    true
}

fn document(fields: Vec<(String, Value)>) -> Value {
    let degraded = json!({ "type": "array", "items": reference("DegradedPart") });
    let fields: Vec<_> = fields.into_iter().chain([("degraded".to_owned(), degraded)]).collect();
    let required: Vec<Value> = fields.iter().map(|(name, _)| name.as_str().into()).collect();
    let properties: Map<String, Value> = fields.into_iter().collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// One line of a screen that is sent part by part: a field in either shape, or the end.
fn line(documents: &[Vec<(String, Value)>; 2]) -> Value {
    let part = |name: &str| json!({ "type": "string", "enum": [name] });
    let mut lines = Vec::new();
    for (name, full) in &documents[0] {
        let compact = documents[1].iter().find(|(other, _)| other == name).map(|(_, schema)| schema);
        let data = match compact.filter(|compact| *compact != full) {
            Some(compact) => json!({ "anyOf": [full, compact] }),
            None => full.clone(),
        };
        let properties = json!({ "part": part(name), "data": data });
        lines.push(json!({ "type": "object", "properties": properties, "required": ["part", "data"] }));
    }
    let degraded = json!({ "type": "array", "items": reference("DegradedPart") });
    let error = json!({
        "type": "string", "description": "The code of the problem that kept the rest from being sent.",
    });
    for (name, schema) in [("degraded", degraded), ("error", error)] {
        let properties = json!({ "part": part("end"), name: schema });
        lines.push(json!({ "type": "object", "properties": properties, "required": ["part", name] }));
    }
    json!({ "anyOf": lines })
}
