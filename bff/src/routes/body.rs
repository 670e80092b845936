//! What a caller sends: parsed once to be checked by the contract, and passed on as the bytes that came.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use schemas::FieldError;

use crate::{compose::plan::BodyPlan, edge::ApiError};

/// Longest path of a field in an answer, in characters: it may be a name that the caller made up.
const MAX_FIELD: usize = 100;

/// Checks the bytes of a body. Its value, where nothing is wrong.
///
/// # Errors
/// 400: it is no JSON. 422: every mistake, each with its field.
pub(super) fn checked(plan: &BodyPlan, bytes: &[u8]) -> Result<Value, ApiError> {
    let (value, mut errors) = parsed(bytes).map_err(|_| ApiError::InvalidBody)?;
    errors.extend((plan.check.0)(&value));
    for error in &mut errors {
        if let Some((end, _)) = error.field.char_indices().nth(MAX_FIELD) {
            error.field.truncate(end);
        }
    }
    if errors.is_empty() { Ok(value) } else { Err(ApiError::Invalid(errors)) }
}

/// A value in which equal ones are written alike: `1.0` is `1` (JSON Schema 2020-12 section 4.2.2), and names are sorted.
pub(super) fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(canonical_number(number)),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_unstable_by_key(|(name, _)| *name);
            Value::Object(names.into_iter().map(|(name, value)| (name.clone(), canonical(value))).collect())
        }
        other => other.clone(),
    }
}

/// Beyond 2^53 not every whole number is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn canonical_number(number: &Number) -> Number {
    match number.as_f64().filter(|_| number.is_f64()) {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and not beyond 2^53")]
        Some(double) if double.fract() == 0.0 && double.abs() <= EXACT => Number::from(double as i64),
        _ => number.clone(),
    }
}

/// The value of a JSON text, and the fields that it names twice: the upstream might take the other one.
fn parsed(bytes: &[u8]) -> Result<(Value, Vec<FieldError>), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let (mut path, mut twice) = (String::new(), Vec::new());
    let value = Seed { path: &mut path, twice: &mut twice }.deserialize(&mut json)?;
    json.end()?;
    Ok((value, twice))
}

/// Reads a value that stands at `path`.
struct Seed<'s> {
    path: &'s mut String,
    twice: &'s mut Vec<FieldError>,
}

/// No caller learns anything from more.
const MAX_TWICE: usize = 100;

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (mut list, before) = (Vec::new(), self.path.len());
        loop {
            self.path.push_str(&format!("[{}]", list.len()));
            let item = items.next_element_seed(Seed { path: &mut *self.path, twice: &mut *self.twice })?;
            self.path.truncate(before);
            match item {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let (mut object, before) = (Map::new(), self.path.len());
        while let Some(name) = fields.next_key::<String>()? {
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            let is_known = object.contains_key(&name);
            if is_known && self.twice.len() < MAX_TWICE {
                let (code, message) = ("duplicate".into(), "is given twice".into());
                self.twice.push(FieldError { field: self.path.clone(), code, message });
            }
            let value = fields.next_value_seed(Seed { path: &mut *self.path, twice: &mut *self.twice })?;
            self.path.truncate(before);
            if !is_known {
                object.insert(name, value);
            }
        }
        if object.len() > usize::from(u16::MAX) {
            return Err(A::Error::custom("an object of too many fields"));
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use schemas::FieldError;
    use serde_json::{Value, json};

    use super::{ApiError, canonical, checked, parsed};
    use crate::compose::plan::{BodyCheck, BodyPlan};

    fn plan() -> BodyPlan {
        let check = |value: &Value| {
            let error = |field: &str| FieldError {
                field: field.to_owned(),
                code: "required".into(),
                message: "must be given".into(),
            };
            ["a", "b"].into_iter().filter(|name| value.get(name).is_none()).map(error).collect()
        };
        BodyPlan { media_type: "application/json".into(), required: true, check: BodyCheck(Arc::new(check)) }
    }

    fn told(body: &str) -> Vec<(String, String)> {
        match checked(&plan(), body.as_bytes()) {
            Ok(_) => Vec::new(),
            Err(ApiError::Invalid(errors)) => errors.into_iter().map(|e| (e.field, e.code)).collect(),
            Err(other) => vec![(String::new(), other.code().to_owned())],
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_a_field_that_is_there_twice_is_one() {
        let one = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(told(r#"{"a":1,"b":2}"#), []);
        assert_eq!(told("{}"), [one("a", "required"), one("b", "required")]);
        assert_eq!(
            told(r#"{"a":1,"b":[{"c":1,"c":2}],"a":3}"#),
            [one("b[0].c", "duplicate"), one("a", "duplicate")]
        );
        for broken in ["", "{", "nope", r#"{"a":1,"b":2} x"#, "\u{feff}{}", &"[".repeat(200)] {
            assert_eq!(told(broken), [one("", "invalid_body")], "{broken}");
        }
    }

    #[test]
    fn bodies_with_equal_values_are_the_same_however_they_are_written() {
        let written = |text: &str| {
            let (value, twice) = parsed(text.as_bytes()).expect("json");
            assert!(twice.is_empty());
            canonical(&value).to_string()
        };
        assert_eq!(
            written(r#"{"b":1.0,"a":[1e2,"\u0041"]}"#),
            written(r#" { "a" : [ 100, "A" ], "b" : 1 } "#)
        );
        assert_ne!(written(r#"{"a":1}"#), written(r#"{"a":1.5}"#));
        assert_ne!(written("[1,2]"), written("[2,1]"));
        assert_ne!(written("9007199254740993"), written("9007199254740992"));
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_what_serde_json_parses(text in "[\\[\\]{}\",:a0-9.eE+\\- ]{0,40}") {
            let theirs = serde_json::from_str::<Value>(&text);
            match parsed(text.as_bytes()) {
                Ok((ours, twice)) if twice.is_empty() => prop_assert_eq!(ours, theirs.expect("json")),
                Ok(_) => prop_assert!(theirs.is_ok()),
                Err(_) => prop_assert!(theirs.is_err()),
            }
        }
    }

    #[test]
    fn what_is_kept_of_a_body_is_its_value() {
        let value = checked(&plan(), br#"{"a":[null,true,-1,18446744073709551615,1.5],"b":"x"}"#);
        let expected = json!({"a": [null, true, -1, u64::MAX, 1.5], "b": "x"});
        assert_eq!(value.expect("nothing is wrong"), expected);
    }
}
