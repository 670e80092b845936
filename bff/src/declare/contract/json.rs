//! Reads JSON into a [`Tree`], with the line of each value.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use super::{
    mistake::Mistake,
    tree::{Budget, Fields, Json, Tree, cost},
};

/// Reads a whole document.
///
/// # Errors
/// The first thing that is no JSON, a field that is named twice, or too large a document.
pub(super) fn read(text: &str) -> Result<Tree, Mistake> {
    let (lines, budget) = (Cell::new(1), RefCell::new(Budget::default()));
    let reader = Counting { left: text.as_bytes(), lines: &lines };
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::with_capacity(1, reader));
    let seed = Seed { lines: &lines, budget: &budget };
    let tree = seed.deserialize(&mut json);
    tree.and_then(|tree| json.end().map(|()| tree)).map_err(|error| {
        let (line, text) = (u32::try_from(error.line()).unwrap_or(u32::MAX), error.to_string());
        let what = text.split(" at line ").next().unwrap_or_default();
        Mistake::at(line, "", format!("is no JSON: {what}"))
    })
}

/// Counts the lines that were read.
struct Counting<'t, 'l> {
    left: &'t [u8],
    lines: &'l Cell<u32>,
}

impl io::Read for Counting<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.left.read(into)?;
        let lines = into[..read].iter().filter(|byte| **byte == b'\n').count();
        self.lines.set(self.lines.get().saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)));
        Ok(read)
    }
}

#[derive(Clone, Copy)]
struct Seed<'b> {
    lines: &'b Cell<u32>,
    budget: &'b RefCell<Budget>,
}

impl Seed<'_> {
    fn spend<E: Error>(self, text: usize) -> Result<(), E> {
        let spent = self.budget.borrow_mut().spend(cost(text));
        if spent { Ok(()) } else { Err(E::custom("the document is too large")) }
    }

    fn tree<E: Error>(self, line: u32, value: Json) -> Result<Tree, E> {
        self.spend(if let Json::Text(text) = &value { text.len() } else { 0 })?;
        Ok(Tree { line, value })
    }

    fn plain<E: Error>(self, value: Json) -> Result<Tree, E> {
        self.tree(self.lines.get(), value)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        self.plain(Json::Null)
    }

    fn visit_bool<E: Error>(self, one: bool) -> Result<Tree, E> {
        self.plain(Json::Bool(one))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        self.plain(Json::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        self.plain(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        let number = serde_json::Number::from_f64(number).ok_or_else(|| E::custom("number out of range"))?;
        self.plain(Json::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        self.plain(Json::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Tree, E> {
        self.plain(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let (line, mut items) = (self.lines.get(), Vec::new());
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        self.tree(line, Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
        let (line, mut fields) = (self.lines.get(), Fields::new());
        while let Some(name) = object.next_key::<String>()? {
            self.spend(name.len())?;
            // The line of its name says where a field stands better than that of its value.
            let at = self.lines.get();
            let mut value = object.next_value_seed(self)?;
            value.line = at;
            if fields.contains_key(&name) {
                return Err(A::Error::custom("a field is named twice"));
            }
            fields.insert(name, value);
        }
        self.tree(line, Json::Object(fields))
    }
}
