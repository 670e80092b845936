//! Reads YAML 1.2 (core schema, and the merge keys of 1.1) into a [`Tree`]. The parser hands out one event after the other,
//! so that depth and size are bounded before anything is built.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::Number;

use super::{
    mistake::Mistake,
    tree::{Budget, Fields, Json, Tree, cost},
};
use crate::compose::scan::MAX_DEPTH;

/// Reads a whole document.
///
/// # Errors
/// The first thing that is no YAML, a field that is named twice, or too large or too deep a document.
pub(super) fn read(text: &str) -> Result<Tree, Mistake> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            Mistake::at(line(error.marker().line()), "", format!("is no YAML: {}", error.info()))
        })?;
        let at = line(span.start.line());
        builder.event(event, at).map_err(|what| Mistake::at(at, "", what))?;
    }
    builder.root.ok_or_else(|| Mistake::at(1, "", "is empty"))
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// A list or object that has not ended.
struct Open {
    tree: Tree,
    anchor: usize,
    /// The name of the field that comes, and where it stands.
    key: Option<(String, u32)>,
    /// What `<<` names: objects of which absent fields are taken.
    merged: Vec<Fields>,
}

#[derive(Default)]
struct Builder {
    root: Option<Tree>,
    open: Vec<Open>,
    anchors: HashMap<usize, Tree>,
    budget: Budget,
}

type Step = Result<(), &'static str>;

impl Builder {
    fn event(&mut self, event: Event<'_>, line: u32) -> Step {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err("holds more than one document"),
            Event::Scalar(text, style, anchor, tag) => {
                if self.takes_key() {
                    return self.key(text.into_owned(), line);
                }
                self.spend(text.len())?;
                let value = scalar(&text, style, tag.as_deref());
                self.close(Tree { line, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Json::List(Vec::new()), anchor, line),
            Event::MappingStart(anchor, _) => self.begin(Json::Object(Fields::new()), anchor, line),
            Event::SequenceEnd | Event::MappingEnd => {
                let mut ended = self.open.pop().ok_or("ends what did not begin")?;
                if let Json::Object(fields) = &mut ended.tree.value {
                    for (name, value) in ended.merged.into_iter().flatten() {
                        fields.entry(name).or_insert(value);
                    }
                }
                self.close(ended.tree, ended.anchor)
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).ok_or("an alias within what it stands for")?;
                let cost = target.cost();
                if !self.budget.spend(cost) {
                    return Err("is too large with all aliases written out");
                }
                // Cloned after it was paid for.
                let copy = self.anchors.get(&anchor).cloned().ok_or("an alias of nothing")?;
                self.close(copy, 0)
            }
            _ => Ok(()),
        }
    }

    fn spend(&mut self, text: usize) -> Step {
        if self.budget.spend(cost(text)) { Ok(()) } else { Err("is too large") }
    }

    fn takes_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.key.is_none() && matches!(open.tree.value, Json::Object(_)))
    }

    fn key(&mut self, name: String, line: u32) -> Step {
        self.spend(name.len())?;
        let open = self.open.last_mut().ok_or("a key outside of an object")?;
        open.key = Some((name, line));
        Ok(())
    }

    fn begin(&mut self, value: Json, anchor: usize, line: u32) -> Step {
        if self.takes_key() {
            return Err("a key is a list or an object");
        }
        if self.open.len() >= MAX_DEPTH {
            return Err("is nested too deeply");
        }
        self.spend(0)?;
        self.open.push(Open { tree: Tree { line, value }, anchor, key: None, merged: Vec::new() });
        Ok(())
    }

    /// A value has ended: it goes where it belongs.
    fn close(&mut self, mut tree: Tree, anchor: usize) -> Step {
        if anchor > 0 {
            if !self.budget.spend(tree.cost()) {
                return Err("is too large");
            }
            self.anchors.insert(anchor, tree.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(tree);
            return Ok(());
        };
        match &mut open.tree.value {
            Json::List(items) => items.push(tree),
            Json::Object(fields) => {
                let (name, line) = open.key.take().ok_or("a key is no text")?;
                if name == "<<" {
                    open.merged.extend(merged(tree)?);
                    return Ok(());
                }
                if fields.contains_key(&name) {
                    return Err("a field is named twice");
                }
                tree.line = line;
                fields.insert(name, tree);
            }
            _ => {}
        }
        Ok(())
    }
}

fn merged(tree: Tree) -> Result<Vec<Fields>, &'static str> {
    match tree.value {
        Json::Object(fields) => Ok(vec![fields]),
        Json::List(items) => {
            let all = items.into_iter().map(merged).collect::<Result<Vec<_>, _>>()?;
            Ok(all.into_iter().flatten().collect())
        }
        _ => Err("`<<` names what is no object"),
    }
}

/// A scalar by the core schema (YAML 1.2.2 section 10.3.2). What JSON cannot hold (`.inf`, `.nan`) stays text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Json {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return Json::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Json::Text(text.to_owned()), Json::Number)
}

fn number(text: &str) -> Option<Number> {
    let based = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(Number::from);
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let looks_like_one = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.bytes().any(|byte| byte.is_ascii_digit());
    if !looks_like_one {
        return None;
    }
    let plain = text.strip_prefix('+').unwrap_or(text);
    plain
        .parse::<u64>()
        .map(Number::from)
        .or_else(|_| plain.parse::<i64>().map(Number::from))
        .ok()
        .or_else(|| plain.parse::<f64>().ok().and_then(Number::from_f64))
}
