//! A parsed document: JSON values that keep the order of their fields and the line each began on.

use indexmap::IndexMap;
use serde_json::{Number, Value};

/// A value of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    /// Counted from 1; 0 where the value was made by the gateway.
    pub(super) line: u32,
    pub(super) value: Json,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    Object(Fields),
}

pub(super) type Fields = IndexMap<String, Tree>;

/// What the values of a document cost in memory, bounded: an alias in YAML repeats a whole subtree for a few bytes.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// What a value costs beside its text: about what the allocations for it take.
const NODE: usize = 64;
/// A contract of 10 MiB costs about 70 MiB; the largest file that is read may hold more values than are worth reading.
const MAX_COST: usize = 128 << 20;

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_COST)
    }
}

impl Budget {
    /// Whether `cost` is still affordable, and spends it.
    pub(super) fn spend(&mut self, cost: usize) -> bool {
        match self.0.checked_sub(cost) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => {
                self.0 = 0;
                false
            }
        }
    }
}

/// The cost of one value (or key) of so much text.
pub(super) const fn cost(text: usize) -> usize {
    NODE + text
}

impl Tree {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { line: 0, value: Json::Text(text.into()) }
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self { line: 0, value: Json::List(items) }
    }

    pub(super) fn object(fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { line: 0, value: Json::Object(fields) }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    pub(super) fn as_object(&self) -> Option<&Fields> {
        if let Json::Object(fields) = &self.value { Some(fields) } else { None }
    }

    pub(super) fn as_list(&self) -> Option<&[Self]> {
        if let Json::List(items) = &self.value { Some(items) } else { None }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Json::Text(text) = &self.value { Some(text) } else { None }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        if let Json::Bool(one) = &self.value { Some(*one) } else { None }
    }

    /// The value at a JSON pointer (RFC 6901) without its `#`.
    pub(super) fn at(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |here, step| match &here.value {
            Json::Object(fields) => fields.get(&unescaped(step)),
            Json::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.value {
            Json::Null => Value::Null,
            Json::Bool(one) => Value::Bool(*one),
            Json::Number(number) => Value::Number(number.clone()),
            Json::Text(text) => Value::String(text.clone()),
            Json::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Json::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), value.to_json())).collect())
            }
        }
    }

    /// How much memory a copy takes.
    pub(super) fn cost(&self) -> usize {
        match &self.value {
            Json::Text(text) => cost(text.len()),
            Json::List(items) => cost(0) + items.iter().map(Self::cost).sum::<usize>(),
            Json::Object(fields) => {
                cost(0) + fields.iter().map(|(name, value)| cost(name.len()) + value.cost()).sum::<usize>()
            }
            _ => cost(0),
        }
    }
}

/// One step of a JSON pointer, for a name.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name that a step of a JSON pointer stands for (RFC 6901 section 4).
fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// A URI fragment as text (RFC 6901 section 6).
pub(super) fn percent_decoded(step: &str) -> String {
    if !step.contains('%') {
        return step.to_owned();
    }
    let (bytes, mut out, mut at) = (step.as_bytes(), Vec::with_capacity(step.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = step.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match hex.filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
