//! A JSON object as its members: names, and values as they are written.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Deeper values are refused, as everywhere in the gateway.
const MAX_DEPTH: usize = 128;

/// The members of one object, in their order; no name is there twice.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// # Errors
    /// Not one JSON object in UTF-8, or a name is there twice.
    pub(super) fn of(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    /// Puts `value` in the place of the member `name`, or at the end.
    pub(super) fn set(&mut self, name: &str, value: &'a RawValue) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, held)) => *held = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, raw)| (name.as_str(), *raw))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    if members.get(&name).is_some() {
                        return Err(A::Error::custom("a name is there twice"));
                    }
                    members.0.push((name, raw));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The object that `members` make, without white space between tokens.
///
/// # Errors
/// A value is nested too deeply.
pub(super) fn written<'m>(
    members: impl IntoIterator<Item = (&'m str, &'m RawValue)>,
) -> Result<Box<RawValue>, serde_json::Error> {
    let mut text = String::from("{");
    for (name, raw) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&serde_json::to_string(name)?);
        text.push(':');
        push_compact(raw.get(), &mut text)?;
    }
    text.push('}');
    RawValue::from_string(text)
}

/// Appends a JSON value without the white space between its tokens.
fn push_compact(json: &str, text: &mut String) -> Result<(), serde_json::Error> {
    if !json.starts_with(['{', '[']) {
        text.push_str(json);
        return Ok(());
    }
    let (mut depth, mut in_string, mut escaped, mut from) = (0_usize, false, false, 0);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b' ' | b'\t' | b'\n' | b'\r' => {
                text.push_str(&json[from..at]);
                from = at + 1;
            }
            _ => {}
        }
        // The object around it is one level.
        if depth >= MAX_DEPTH {
            return Err(serde_json::Error::custom("nested too deeply"));
        }
    }
    text.push_str(&json[from..]);
    Ok(())
}
