//! What should come of an answer, by trees: slow, and written after the agreement alone.

use serde_json::{Map, Value};

use super::shapes::{Shape, join_name};
use crate::compose::scan::{Plan, Types};

/// The answer as a tree; nothing where it is no JSON, or names a field twice.
pub(super) fn parsed(answer: &[u8]) -> Option<Value> {
    Plan::untyped().scan(answer).ok()?;
    serde_json::from_slice(answer).ok()
}

fn type_of(value: &Value) -> Types {
    match value {
        Value::Null => Types::NULL,
        Value::Bool(_) => Types::BOOLEAN,
        Value::Number(number) if number.is_f64() => Types::NUMBER,
        Value::Number(_) => Types::INTEGER,
        Value::String(_) => Types::STRING,
        Value::Array(_) => Types::ARRAY,
        Value::Object(_) => Types::OBJECT,
    }
}

impl Shape {
    pub(super) fn allows(&self, value: &Value) -> bool {
        self.types.allow(type_of(value))
            && match value {
                Value::Array(items) => {
                    items.iter().all(|item| self.items.as_ref().is_none_or(|shape| shape.allows(item)))
                }
                Value::Object(object) => self.fields.iter().all(|field| match object.get(field.name) {
                    Some(value) => field.shape.allows(value),
                    None => !field.required,
                }),
                _ => true,
            }
    }

    /// The ids at a path, in the answer's order as far as it matters: of one object.
    pub(super) fn ids(&self, value: &Value, capture: u16) -> Vec<String> {
        let mut ids = Vec::new();
        self.collect(value, capture, &mut ids);
        ids
    }

    fn collect(&self, value: &Value, capture: u16, ids: &mut Vec<String>) {
        match value {
            Value::String(text) if self.capture == Some(capture) => ids.push(text.clone()),
            Value::Number(number) if self.capture == Some(capture) => ids.push(number.to_string()),
            Value::Array(items) => {
                let most = self.at_most.map_or(usize::MAX, |most| most as usize);
                for item in items.iter().take(most) {
                    if let Some(shape) = &self.items {
                        shape.collect(item, capture, ids);
                    }
                }
            }
            Value::Object(object) => {
                for field in &self.fields {
                    if let Some(value) = object.get(field.name) {
                        field.shape.collect(value, capture, ids);
                    }
                }
            }
            _ => {}
        }
    }

    /// What leaves. `join`: what stands for an id at a place.
    pub(super) fn leaving(&self, value: &Value, join: &mut dyn FnMut(u16, &str) -> Value) -> Value {
        match value {
            Value::Array(items) => {
                let most = self.at_most.map_or(usize::MAX, |most| most as usize);
                let one = |item: &Value, join: &mut dyn FnMut(u16, &str) -> Value| match &self.items {
                    Some(shape) => shape.leaving(item, join),
                    None => item.clone(),
                };
                Value::Array(items.iter().take(most).map(|item| one(item, join)).collect())
            }
            Value::Object(object) => {
                let mut out = Map::new();
                for (name, value) in object {
                    match self.fields.iter().find(|field| field.name == name) {
                        Some(field) if field.kept => {
                            let leaving = field.shape.leaving(value, join);
                            out.insert(field.renamed.unwrap_or(field.name).to_owned(), leaving);
                        }
                        Some(_) => {}
                        None if self.keep_others => {
                            out.insert(name.clone(), value.clone());
                        }
                        None => {}
                    }
                }
                for field in self.fields.iter().filter(|field| field.kept && !object.contains_key(field.name))
                {
                    if let Some(default) = &field.default {
                        out.insert(field.renamed.unwrap_or(field.name).to_owned(), default.clone());
                    }
                }
                for (place, capture) in &self.joins {
                    let own = self.fields.iter().find_map(|field| match &field.shape {
                        shape if shape.capture == Some(*capture) => Some((field, false)),
                        shape if shape.items.as_ref().is_some_and(|item| item.capture == Some(*capture)) => {
                            Some((field, true))
                        }
                        _ => None,
                    });
                    let there = own.and_then(|(field, list)| Some((object.get(field.name)?, field, list)));
                    let joined = match there {
                        Some((value, field, true)) => {
                            let ids = field.shape.ids(value, *capture);
                            Value::Array(ids.iter().map(|id| join(*place, id)).collect())
                        }
                        Some((value, field, false)) => {
                            let ids = field.shape.ids(value, *capture);
                            ids.first().map_or(Value::Null, |id| join(*place, id))
                        }
                        None => Value::Null,
                    };
                    out.insert(join_name(*place), joined);
                }
                Value::Object(out)
            }
            other => other.clone(),
        }
    }

    /// The shape and value of an export.
    pub(super) fn exported<'s, 'v>(&'s self, value: &'v Value, export: u16) -> Option<(&'s Self, &'v Value)> {
        if self.export == Some(export) {
            return Some((self, value));
        }
        let object = value.as_object()?;
        self.fields.iter().find_map(|field| field.shape.exported(object.get(field.name)?, export))
    }
}
