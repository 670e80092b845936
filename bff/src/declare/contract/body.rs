//! Bodies that callers send, held against a schema before an upstream is called. JSON Schema says most of it; what it cannot
//! say (codes of rules, unknown fields over several members, whole numbers that fit) is walked by the gateway's own table.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use schemas::FieldError;
use serde_json::{Value, json};

use super::{
    body_errors::{Mistakes, of_schema},
    document::Contract,
    mistake::{ContractMistake, Mistake},
    schema::{Others, Schema, SchemaId},
    strict::{self, Path},
};
use crate::compose::scan::Types;

/// Steps of a pattern that looks around or refers back, after which it is taken as not matching. Others need no bound: they
/// take time in proportion to the text.
const BACKTRACK_LIMIT: usize = 100_000;
/// The largest compiled pattern, in bytes.
const PATTERN_SIZE: usize = 4 << 20;

/// Validates bodies by one schema.
#[derive(Debug)]
pub struct BodyValidator {
    validator: Validator,
    nodes: Vec<Node>,
}

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyMistake {
    /// 400: no JSON (RFC 8259), or nested too deeply.
    NoJson,
    /// 422: the fields that are wrong.
    Fields(Vec<FieldError>),
}

/// What is known of values that one schema describes, beyond what the validator knows.
#[derive(Debug, Default)]
struct Node {
    fields: HashMap<String, usize>,
    /// Fields that only answers have.
    read_only: Vec<String>,
    /// Whether an object may have fields without a name here.
    open: bool,
    others: Option<usize>,
    items: Option<usize>,
    checks: Vec<Rule>,
    /// The numbers that fit an integer format.
    range: Option<(i128, i128)>,
}

#[derive(Debug)]
struct Rule {
    pattern: Validator,
    code: String,
    message: String,
}

impl BodyValidator {
    /// A validator of bodies that are as `id` says.
    ///
    /// # Errors
    /// Where a pattern is none (ECMA 262), is too large, or the schema is none otherwise.
    pub fn compile(contract: &Contract, id: SchemaId) -> Result<Self, Vec<ContractMistake>> {
        let schema = contract.bundle(id, true);
        let told =
            |line, pointer: &str, what: String| vec![Mistake::at(line, pointer, what).of(&contract.file)];
        let validator = options().build(&schema).map_err(|error| {
            let (line, pointer) = contract.place(id);
            told(line, pointer, format!("cannot be validated by: {}", error.masked()))
        })?;
        let (mut known, mut waiting) = (HashMap::from([(id, 0)]), vec![id]);
        let (mut nodes, mut next) = (Vec::new(), 0);
        while let Some(id) = waiting.get(next).copied() {
            let mut number = |id: SchemaId| {
                *known.entry(id).or_insert_with(|| {
                    waiting.push(id);
                    waiting.len() - 1
                })
            };
            let node = Node::of(contract, contract.schemas.get(id), &mut number).map_err(|what| {
                let (line, pointer) = contract.place(id);
                told(line, pointer, what)
            })?;
            nodes.push(node);
            next += 1;
        }
        Ok(Self { validator, nodes })
    }

    /// Reads a body. Beside what [`BodyValidator::validate`] finds, a field that is named twice is a mistake.
    ///
    /// # Errors
    /// Where it is no JSON, or fields are wrong.
    pub fn read(&self, body: &[u8]) -> Result<Value, BodyMistake> {
        let (value, twice) = strict::read(body).ok_or(BodyMistake::NoJson)?;
        let mut mistakes = Mistakes::default();
        for field in twice {
            mistakes.add(field, "duplicate", "is given twice");
        }
        self.collect(&value, &mut mistakes);
        let errors = mistakes.into_errors();
        if errors.is_empty() { Ok(value) } else { Err(BodyMistake::Fields(errors)) }
    }

    /// Everything that is wrong with a body, each mistake once: those of shape (codes `required`, `unknown_field`,
    /// `duplicate`, `invalid`) before those of rules (`too_short`, `too_long`, `out_of_range`, and those of `x-checks`).
    #[must_use]
    pub fn validate(&self, body: &Value) -> Vec<FieldError> {
        let mut mistakes = Mistakes::default();
        self.collect(body, &mut mistakes);
        mistakes.into_errors()
    }

    fn collect(&self, body: &Value, mistakes: &mut Mistakes) {
        self.walk(body, 0, Path::Root, mistakes);
        if mistakes.is_full() {
            return;
        }
        for error in self.validator.iter_errors(body) {
            of_schema(&error, mistakes);
            if mistakes.is_full() {
                return;
            }
        }
    }

    fn walk(&self, value: &Value, at: usize, path: Path<'_>, mistakes: &mut Mistakes) {
        let node = &self.nodes[at];
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = Path::Field(&path, name);
                    let refused = node.read_only.contains(name);
                    match (node.fields.get(name), node.others) {
                        (Some(field), _) if !refused => self.walk(value, *field, path, mistakes),
                        (None, Some(others)) => self.walk(value, others, path, mistakes),
                        (None, None) if node.open => {}
                        _ => mistakes.add(path.to_string(), "unknown_field", "is not known here"),
                    }
                    if mistakes.is_full() {
                        return;
                    }
                }
            }
            Value::Array(items) => {
                let Some(of_items) = node.items else { return };
                for (place, item) in items.iter().enumerate() {
                    self.walk(item, of_items, Path::Item(&path, place), mistakes);
                    if mistakes.is_full() {
                        return;
                    }
                }
            }
            Value::String(_) => {
                let failed = node.checks.iter().find(|check| !check.pattern.is_valid(value));
                if let Some(rule) = failed {
                    mistakes.add(path.field(), &rule.code, rule.message.clone());
                }
            }
            Value::Number(number) => {
                let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                let whole = whole.or_else(|| whole_double(number.as_f64()?));
                let fits = |(least, most)| whole.is_none_or(|whole| (least..=most).contains(&whole));
                if !node.range.is_none_or(fits) {
                    mistakes.add(path.field(), "invalid", "has the wrong type or form");
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

impl Node {
    fn of(
        contract: &Contract,
        schema: &Schema,
        number: &mut dyn FnMut(SchemaId) -> usize,
    ) -> Result<Self, String> {
        let mut node = Self { open: schema.is_open(), ..Self::default() };
        // Of what cannot be an object, JSON Schema says so; its fields are no news then.
        node.open |= !schema.types.allow(Types::OBJECT);
        for (name, id) in &schema.properties {
            node.fields.insert(name.clone(), number(*id));
            if contract.schemas.get(*id).read_only {
                node.read_only.push(name.clone());
            }
        }
        if let Others::Of(id) = schema.others {
            node.others = Some(number(id));
        }
        node.items = schema.items.map(&mut *number);
        for check in &schema.checks {
            let pattern = json!({ "pattern": check.pattern });
            let pattern = options().build(&pattern).map_err(|_| {
                let short: String = check.pattern.chars().take(80).collect();
                format!("`x-checks`: `{short}` is no pattern, or too large")
            })?;
            let message = check.message.clone().unwrap_or_else(|| default_message(&check.code).to_owned());
            node.checks.push(Rule { pattern, code: check.code.clone(), message });
        }
        node.range = schema.format.as_deref().and_then(range).filter(|_| schema.types.allow(Types::INTEGER));
        Ok(node)
    }
}

/// What callers are told where the contract says nothing: of codes that the gateway uses itself, its own words.
fn default_message(code: &str) -> &'static str {
    match code {
        "too_short" => "must not be blank",
        "too_long" => "is too long",
        "out_of_range" => "is out of range",
        "invalid_characters" => "must hold no control characters",
        _ => "is not allowed here",
    }
}

/// The numbers of an integer format (the OpenAPI format registry).
fn range(format: &str) -> Option<(i128, i128)> {
    Some(match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint64" => (0, u64::MAX.into()),
        _ => return None,
    })
}

/// A number that is whole and beyond 64 bits, or is written with a fraction of zeros. One that `i128` cannot hold becomes its
/// bound, which fits no format.
fn whole_double(double: f64) -> Option<i128> {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and saturates")]
    (double.fract() == 0.0).then_some(double as i128)
}

fn options() -> jsonschema::ValidationOptions<'static> {
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(BACKTRACK_LIMIT)
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE);
    jsonschema::draft202012::options().offline().should_validate_formats(true).with_pattern_options(patterns)
}
