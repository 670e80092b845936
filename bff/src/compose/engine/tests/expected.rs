//! What the reference makes of random declarations.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    declared::Declared,
    reference::parsed,
    shapes::Shape,
    world::{IDS, World},
};

/// What the reference was asked for, and what it knows from before.
pub(super) struct Case<'c> {
    pub(super) world: &'c World,
    pub(super) signed_in: bool,
    pub(super) compact: bool,
    pub(super) cursor: bool,
    pub(super) before: Option<&'c Composed>,
}

/// What the reference made.
#[derive(Debug, Default, Clone)]
pub(super) struct Composed {
    pub(super) document: Map<String, Value>,
    /// Status by part.
    pub(super) degraded: HashMap<String, &'static str>,
    /// Answers by part, with the call that they are of.
    answers: HashMap<usize, (String, Value)>,
    /// What stood at places, by id.
    shown: HashMap<(u16, String), Value>,
    withheld: bool,
}

impl Declared {
    /// Composes by trees: the document, or all the errors of which one is to be told.
    pub(super) fn compose(&self, case: &Case<'_>) -> Result<Composed, Vec<&'static str>> {
        let (mut all, mut errors) = (Composed::default(), Vec::new());
        // What became of each part; `Err(true)`: it failed.
        let mut came: Vec<Result<Value, bool>> = Vec::new();
        for place in 0..self.parts.len() {
            let one = self.part(place, case, &came, &mut all, &mut errors);
            came.push(one);
        }
        for fields in &self.at_least_one {
            if fields
                .iter()
                .all(|field| self.fields[*field].source.is_some_and(|(part, _)| came[part].is_err()))
            {
                errors.push("nothing left");
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for field in self.fields.iter().filter(|field| !(case.compact && field.only_full)) {
            let value = match field.source {
                None if case.signed_in => json!("me"),
                None => Value::Null,
                Some((place, export)) => match &came[place] {
                    Ok(answer) => {
                        let part = &self.parts[place];
                        let plans = [Some(self.shape(place, case)), part.further.as_ref()];
                        let found = plans.iter().flatten().find_map(|shape| shape.exported(answer, export));
                        found.map_or(Value::Null, |(shape, value)| {
                            shape.leaving(value, &mut |place, id| self.joined(place, id, case, &mut all))
                        })
                    }
                    Err(_) => Value::Null,
                },
            };
            all.document.insert(field.name.into(), value);
        }
        Ok(all)
    }

    fn shape(&self, place: usize, case: &Case<'_>) -> &Shape {
        if case.compact { &self.parts[place].compact } else { &self.parts[place].full }
    }

    fn part(
        &self,
        place: usize,
        case: &Case<'_>,
        came: &[Result<Value, bool>],
        all: &mut Composed,
        errors: &mut Vec<&'static str>,
    ) -> Result<Value, bool> {
        let part = &self.parts[place];
        let shape = self.shape(place, case);
        let fits =
            |value: &Value| shape.allows(value) && part.further.iter().all(|further| further.allows(value));
        let left_out = |errors: &mut Vec<&'static str>| {
            if part.required {
                errors.push("required");
            }
            Err(false)
        };
        let otherwise = |errors: &mut Vec<&'static str>| match &part.otherwise {
            Some(json) if fits(json) => Ok(json.clone()),
            _ => left_out(errors),
        };
        if part.when && !case.signed_in {
            return otherwise(errors);
        }
        let mut target = format!("/{place}");
        let mut failure = None;
        if let Some((of, capture)) = part.needs {
            match &came[of] {
                Ok(answer) => match self.shape(of, case).ids(answer, capture).first() {
                    Some(id) if schemas::Id::new(id).is_err() || id == "i7" => {
                        failure = Some(("required", false))
                    }
                    Some(id) => target = format!("{target}/{id}"),
                    None => return left_out(errors),
                },
                Err(true) => failure = Some(("required", false)),
                Err(false) => return left_out(errors),
            }
        }
        if failure.is_none() {
            match case.world.part(self, place, &target) {
                Ok(bytes) => match parsed(&bytes).filter(fits) {
                    // What is no object speaks of nothing else.
                    Some(answer) if !part.expects || !answer.is_object() || answer["about"] == "me" => {
                        all.answers.insert(place, (target, answer.clone()));
                        return Ok(answer);
                    }
                    _ => failure = Some(("required", false)),
                },
                Err(404) if part.not_found_is_otherwise => {
                    let otherwise = otherwise(errors);
                    if let Ok(json) = &otherwise {
                        all.answers.insert(place, (target, json.clone()));
                    }
                    return otherwise;
                }
                Err(404) if part.subject => failure = Some(("refused", false)),
                Err(404) => failure = Some(("required", false)),
                Err(403) => failure = Some(("refused", true)),
                Err(code) => {
                    if code == 400 && part.page && case.cursor && !part.required {
                        errors.push("cursor");
                    }
                    failure = Some(("required", false));
                }
            }
        }
        let (kind, withheld) = failure.expect("failed");
        // What is asked of a part that failed is not known.
        if part.required || (kind == "refused" && !withheld) {
            errors.push(kind);
            return Err(true);
        }
        all.withheld |= withheld;
        let before = case.before.and_then(|before| before.answers.get(&place));
        match before.filter(|(before, _)| !withheld && *before == target) {
            Some(before) => {
                all.degraded.insert(format!("part{place}"), "stale");
                all.answers.insert(place, before.clone());
                Ok(before.1.clone())
            }
            None => {
                all.degraded.insert(format!("part{place}"), "missing");
                Err(true)
            }
        }
    }

    fn joined(&self, place: u16, id: &str, case: &Case<'_>, all: &mut Composed) -> Value {
        let point = self.points.iter().find(|point| point.place == place).expect("a point");
        if schemas::Id::new(id).is_err() {
            return Value::Null;
        }
        let failing = case.world.lookups_failing.get(&point.join);
        let entity = if failing.is_some_and(|code| *code != 404 || !self.singly[point.join])
            && !case.world.is_shared(point.join, id)
        {
            let withheld = matches!(failing, Some(403));
            all.withheld |= withheld;
            let before = case.before.and_then(|before| before.shown.get(&(place, id.to_owned())));
            let name = format!("join{}", point.join);
            match before.filter(|_| !withheld) {
                Some(entity) => {
                    all.degraded.entry(name).or_insert("stale");
                    entity.clone()
                }
                None => {
                    all.degraded.insert(name, "missing");
                    return Value::Null;
                }
            }
        } else if failing == Some(&404) && !case.world.is_shared(point.join, id) {
            Value::Null
        } else {
            case.world.entity(self, point.join, id).unwrap_or_default()
        };
        all.shown.insert((place, id.to_owned()), entity.clone());
        let shape = point.shows.as_ref().map(|(full, compact)| if case.compact { compact } else { full });
        match shape {
            _ if entity.is_null() => Value::Null,
            None => entity,
            Some(shape) if !shape.allows(&entity) => Value::Null,
            Some(shape) => shape.leaving(&entity, &mut |place, id| self.joined(place, id, case, all)),
        }
    }

    /// All tags that something may bear: of parts, and of what joins look up.
    pub(super) fn tags(&self) -> Vec<String> {
        let parts = (0..self.parts.len()).map(|part| format!("part:{part}"));
        let all = IDS.into_iter().chain(["0", "1", "2", "3"]);
        let ids =
            (0..self.entities.len()).flat_map(|join| all.clone().map(move |id| format!("kind{join}:{id}")));
        parts.chain(ids).collect()
    }
}
