//! The keywords of one schema (JSON Schema 2020-12, as OpenAPI 3.1 uses it).

use std::collections::BTreeSet;

use super::{
    intern::{Interner, Site},
    schema::{Check, Others, Schema, SchemaId, Source},
    tree::{Fields, Json, Tree, escaped},
};
use crate::compose::scan::Types;

/// What a schema says itself, and what it is made of.
pub(super) struct Own {
    pub(super) schema: Schema,
    /// Members that a value has to obey, all of them.
    pub(super) all: Vec<SchemaId>,
    /// Lists of members of each of which it has to obey one.
    pub(super) unions: Vec<Vec<SchemaId>>,
}

/// Reads a schema. What is wrong with it is told to the interner.
pub(super) fn read<'t>(interner: &mut Interner<'t>, site: Site<'_, 't>, fields: &'t Fields) -> Own {
    let mut schema = Schema::any(Source::At(site.pointer.to_owned()), site.tree.line);
    let mut reader = Reader { interner, site, fields };
    schema.types = reader.types();
    schema.properties = reader.properties();
    schema.required = reader.required();
    schema.others = reader.others();
    schema.items = reader.items();
    schema.checks = reader.checks();
    schema.default = fields.get("default").map(Tree::to_json);
    let text = |name: &str| fields.get(name).and_then(Tree::as_text).map(str::to_owned);
    (schema.title, schema.description, schema.format) = (text("title"), text("description"), text("format"));
    let flag = |name: &str| fields.get(name).and_then(Tree::as_bool).unwrap_or_default();
    (schema.read_only, schema.write_only) = (flag("readOnly"), flag("writeOnly"));
    let mut all = reader.members("allOf");
    if fields.contains_key("$ref") {
        // In 3.1 what stands beside a reference counts as well.
        let target = reader.interner.follow(site.pointer.to_owned(), site.tree);
        all.extend(target.map(|(pointer, tree)| reader.interner.intern(pointer, tree)));
    }
    if fields.contains_key("$dynamicRef") {
        reader.mistake(site.tree, "$dynamicRef", "is not read: name the schema with `$ref`");
    }
    let unions = [reader.members("anyOf"), reader.members("oneOf")];
    Own { schema, all, unions: unions.into_iter().filter(|members| !members.is_empty()).collect() }
}

struct Reader<'b, 'p, 't> {
    interner: &'b mut Interner<'t>,
    site: Site<'p, 't>,
    fields: &'t Fields,
}

impl<'t> Reader<'_, '_, 't> {
    fn mistake(&mut self, tree: &Tree, name: &str, what: impl Into<String>) {
        let pointer = format!("{}/{}", self.site.pointer, escaped(name));
        self.interner.mistake(Site { pointer: &pointer, tree }, what);
    }

    fn types(&mut self) -> Types {
        let said = match self.fields.get("type") {
            None => Types::ANY,
            Some(one) => {
                let list = one.as_list().unwrap_or(std::slice::from_ref(one));
                list.iter().fold(Types::default(), |types, one| match one.as_text().and_then(type_of_name) {
                    Some(known) => types.or(known),
                    None => {
                        self.mistake(one, "type", "is no type of JSON");
                        types
                    }
                })
            }
        };
        let values = match (self.fields.get("const"), self.fields.get("enum")) {
            (Some(one), _) => std::slice::from_ref(one),
            (None, Some(list)) => match list.as_list() {
                Some(values) => values,
                None => {
                    self.mistake(list, "enum", "is no list");
                    return said;
                }
            },
            (None, None) => return said,
        };
        said.and(values.iter().fold(Types::default(), |types, value| types.or(type_of(value))))
    }

    fn properties(&mut self) -> indexmap::IndexMap<String, SchemaId> {
        let Some(tree) = self.fields.get("properties") else { return Default::default() };
        let Some(named) = tree.as_object() else {
            self.mistake(tree, "properties", "is no object");
            return Default::default();
        };
        let mut properties = indexmap::IndexMap::with_capacity(named.len());
        for (name, value) in named {
            let pointer = format!("{}/properties/{}", self.site.pointer, escaped(name));
            properties.insert(name.clone(), self.interner.intern(pointer, value));
        }
        properties
    }

    fn required(&mut self) -> BTreeSet<String> {
        let Some(tree) = self.fields.get("required") else { return BTreeSet::new() };
        let names = tree.as_list().map(|names| names.iter().map(Tree::as_text).collect::<Option<Vec<_>>>());
        let Some(Some(names)) = names else {
            self.mistake(tree, "required", "is no list of names");
            return BTreeSet::new();
        };
        names.into_iter().map(str::to_owned).collect()
    }

    fn others(&mut self) -> Others {
        let said = self.fields.get("additionalProperties").map(|tree| (tree, "additionalProperties"));
        let said = said
            .or_else(|| self.fields.get("unevaluatedProperties").map(|tree| (tree, "unevaluatedProperties")));
        let by_pattern = self.fields.get("patternProperties").and_then(Tree::as_object);
        let others = match said {
            None => Others::Unsaid,
            Some((Tree { value: Json::Bool(true), .. }, _)) => Others::Any,
            Some((Tree { value: Json::Bool(false), .. }, _)) => Others::Refused,
            Some((tree, _)) if tree.as_object().is_some_and(Fields::is_empty) => Others::Any,
            Some((tree, name)) => {
                let pointer = format!("{}/{name}", self.site.pointer);
                Others::Of(self.interner.intern(pointer, tree))
            }
        };
        if by_pattern.is_some_and(|patterns| !patterns.is_empty()) { Others::Any } else { others }
    }

    fn items(&mut self) -> Option<SchemaId> {
        let first = self.members("prefixItems");
        let rest = match self.fields.get("items") {
            Some(Tree { value: Json::Bool(false), .. }) => {
                return (!first.is_empty()).then(|| self.interner.any(first));
            }
            None | Some(Tree { value: Json::Bool(true), .. }) => None,
            Some(tree) => Some(self.interner.intern(format!("{}/items", self.site.pointer), tree)),
        };
        rest.map(|rest| self.interner.any(first.into_iter().chain([rest])))
    }

    fn members(&mut self, name: &str) -> Vec<SchemaId> {
        let Some(tree) = self.fields.get(name) else { return Vec::new() };
        let Some(members) = tree.as_list() else {
            self.mistake(tree, name, "is no list of schemas");
            return Vec::new();
        };
        let place =
            |(place, member)| self.interner.intern(format!("{}/{name}/{place}", self.site.pointer), member);
        members.iter().enumerate().map(place).collect()
    }

    fn checks(&mut self) -> Vec<Check> {
        let Some(tree) = self.fields.get("x-checks") else { return Vec::new() };
        let check = |one: &Tree| {
            let text = |name: &str| one.get(name).and_then(Tree::as_text).map(str::to_owned);
            Some(Check { pattern: text("pattern")?, code: text("code")?, message: text("message") })
        };
        let checks = tree.as_list().and_then(|list| list.iter().map(check).collect::<Option<Vec<_>>>());
        checks.unwrap_or_else(|| {
            self.mistake(tree, "x-checks", "is no list of `{ pattern, code }`");
            Vec::new()
        })
    }
}

fn type_of_name(name: &str) -> Option<Types> {
    Some(match name {
        "null" => Types::NULL,
        "boolean" => Types::BOOLEAN,
        "integer" => Types::INTEGER,
        "number" => Types::NUMBER,
        "string" => Types::STRING,
        "array" => Types::ARRAY,
        "object" => Types::OBJECT,
        _ => return None,
    })
}

fn type_of(value: &Tree) -> Types {
    match &value.value {
        Json::Null => Types::NULL,
        Json::Bool(_) => Types::BOOLEAN,
        // 1.0 is an integer as well as 1.
        Json::Number(_) => Types::NUMBER,
        Json::Text(_) => Types::STRING,
        Json::List(_) => Types::ARRAY,
        Json::Object(_) => Types::OBJECT,
    }
}
