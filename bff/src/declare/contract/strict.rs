//! Reads a body as JSON, and sees what a tree of values cannot hold: a field that is named twice.

use std::{cell::RefCell, fmt};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Fields that are named twice, which are told of one body.
const MAX_DUPLICATES: usize = 20;

/// The value, and the paths of fields that are named twice. Nothing where it is no JSON.
pub(super) fn read(bytes: &[u8]) -> Option<(Value, Vec<String>)> {
    let twice = RefCell::new(Vec::new());
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = Seed { path: Path::Root, twice: &twice }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some((value, twice.into_inner()))
}

/// Where a value stands; written out only where it is wrong.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Field(&'p Path<'p>, &'p str),
    Item(&'p Path<'p>, usize),
}

impl Path<'_> {
    /// As a mistake names it: the body itself is `.`.
    pub(super) fn field(self) -> String {
        if matches!(self, Self::Root) { ".".to_owned() } else { self.to_string() }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(object, name) => write!(f, "{object}.{name}"),
            Self::Item(list, place) => write!(f, "{list}[{place}]"),
        }
    }
}

struct Seed<'p> {
    path: Path<'p>,
    twice: &'p RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, one: bool) -> Result<Value, E> {
        Ok(Value::Bool(one))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) =
            list.next_element_seed(Seed { path: Path::Item(&self.path, items.len()), twice: self.twice })?
        {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let path = Path::Field(&self.path, &name);
            let value = object.next_value_seed(Seed { path, twice: self.twice })?;
            if fields.contains_key(&name) && self.twice.borrow().len() < MAX_DUPLICATES {
                self.twice.borrow_mut().push(path.to_string());
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
