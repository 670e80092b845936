//! The paths of a contract and their operations.

use super::{
    intern::{Interner, Site},
    schema::SchemaId,
    template::{Template, template},
    tree::{Fields, Tree, escaped},
};

/// The methods that a path item may have (OpenAPI 3.1 section 4.8.9).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// One path of a contract.
#[derive(Debug)]
pub(super) struct PathItem {
    pub(super) template: Template,
    pub(super) operations: Vec<Operation>,
}

/// What can be done at one path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// As the contract writes it: `/orders/{id}`.
    pub path: String,
    pub operation_id: Option<String>,
    pub summary: Option<String>,
    pub description: Option<String>,
    /// Of the contract's file, counted from 1.
    pub line: u32,
    /// The path's own included.
    pub parameters: Vec<Parameter>,
    pub body: Option<RequestBody>,
    /// By status, the lowest first.
    pub successes: Vec<Success>,
    /// The other statuses that the contract names one by one.
    pub other_statuses: Vec<u16>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterPlace {
    Path,
    Query,
    Header,
    Cookie,
}

/// A parameter of an operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    pub place: ParameterPlace,
    pub required: bool,
    /// Untyped where nothing is said.
    pub schema: Option<SchemaId>,
    /// Whether items of a list are given one by one (`ids=a&ids=b`) or together (`ids=a,b`): OpenAPI 3.1 section 4.8.12.2.
    pub explode: bool,
    /// What parts the items of a list that is given together: `,`, or ` ` or `|` by its style.
    pub separator: char,
}

/// A body with its media type.
#[derive(Debug, Clone)]
pub struct Media {
    /// In small letters, without parameters.
    pub media_type: String,
    /// Untyped where nothing is said.
    pub schema: Option<SchemaId>,
}

impl Media {
    /// Whether it is JSON (RFC 6839 section 3.1 for `+json`).
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.media_type == "application/json" || self.media_type.ends_with("+json")
    }
}

/// The body of a request.
#[derive(Debug, Clone)]
pub struct RequestBody {
    pub required: bool,
    /// In the contract's order.
    pub content: Vec<Media>,
}

/// A response that is no refusal.
#[derive(Debug, Clone)]
pub struct Success {
    /// 200 for `2XX`.
    pub status: u16,
    /// Empty where the response has no content.
    pub content: Vec<Media>,
    /// Whether it names where something was made.
    pub has_location: bool,
}

impl Success {
    /// Its JSON, where it has any.
    #[must_use]
    pub fn json(&self) -> Option<&Media> {
        self.content.iter().find(|media| media.is_json())
    }
}

impl Operation {
    /// A parameter by its name (of headers without regard to case).
    #[must_use]
    pub fn parameter(&self, place: ParameterPlace, name: &str) -> Option<&Parameter> {
        let same = |known: &str| match place {
            ParameterPlace::Header => known.eq_ignore_ascii_case(name),
            _ => known == name,
        };
        self.parameters.iter().find(|parameter| parameter.place == place && same(&parameter.name))
    }

    /// The lowest success. Nothing where the contract names none.
    #[must_use]
    pub fn success(&self) -> Option<&Success> {
        self.successes.first()
    }

    /// Whether the contract names this status (`410`), by itself and not in a range.
    #[must_use]
    pub fn names_status(&self, status: u16) -> bool {
        self.other_statuses.contains(&status)
    }
}

/// Reads all paths.
pub(super) fn read<'t>(builder: &mut Interner<'t>, root: &'t Tree) -> Vec<PathItem> {
    let Some(tree) = root.get("paths") else { return Vec::new() };
    let Some(paths) = tree.as_object() else {
        builder.mistake(Site { pointer: "/paths", tree }, "is no object");
        return Vec::new();
    };
    let mut items: Vec<PathItem> = Vec::new();
    for (path, tree) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
        let pointer = format!("/paths/{}", escaped(path));
        let site = Site { pointer: &pointer, tree };
        let template = match template(path) {
            Ok(template) => template,
            Err(what) => {
                builder.mistake(site, what);
                continue;
            }
        };
        let Some((at, tree)) = builder.follow(pointer.clone(), tree) else { continue };
        let Some(fields) = tree.as_object() else {
            builder.mistake(site, "is no object");
            continue;
        };
        let operations = operations(builder, &at, path, fields);
        items.push(PathItem { template, operations });
    }
    items
}

fn operations<'t>(
    builder: &mut Interner<'t>,
    pointer: &str,
    path: &str,
    fields: &'t Fields,
) -> Vec<Operation> {
    let shared = parameters(builder, pointer, fields);
    let mut operations = Vec::new();
    for (method, tree) in fields.iter().filter(|(name, _)| METHODS.contains(&name.as_str())) {
        let pointer = format!("{pointer}/{method}");
        let Some(fields) = tree.as_object() else {
            builder.mistake(Site { pointer: &pointer, tree }, "is no object");
            continue;
        };
        let mut own = parameters(builder, &pointer, fields);
        let overridden =
            |one: &Parameter| own.iter().any(|own| own.place == one.place && own.name == one.name);
        let rest: Vec<_> = shared.iter().filter(|one| !overridden(one)).cloned().collect();
        own.extend(rest);
        let text = |name: &str| fields.get(name).and_then(Tree::as_text).map(str::to_owned);
        let (successes, other_statuses) = responses(builder, Site { pointer: &pointer, tree });
        operations.push(Operation {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            operation_id: text("operationId"),
            summary: text("summary"),
            description: text("description"),
            line: tree.line,
            parameters: own,
            body: body(builder, &pointer, fields),
            successes,
            other_statuses,
        });
    }
    operations
}

fn parameters<'t>(builder: &mut Interner<'t>, pointer: &str, fields: &'t Fields) -> Vec<Parameter> {
    let Some(tree) = fields.get("parameters") else { return Vec::new() };
    let pointer = format!("{pointer}/parameters");
    let Some(list) = tree.as_list() else {
        builder.mistake(Site { pointer: &pointer, tree }, "is no list");
        return Vec::new();
    };
    let mut parameters = Vec::new();
    for (place, tree) in list.iter().enumerate() {
        let Some((at, tree)) = builder.follow(format!("{pointer}/{place}"), tree) else { continue };
        match parameter(builder, &at, tree) {
            Some(parameter) => parameters.push(parameter),
            None => builder.mistake(Site { pointer: &at, tree }, "is no parameter: it needs `name` and `in`"),
        }
    }
    parameters
}

fn parameter<'t>(builder: &mut Interner<'t>, pointer: &str, tree: &'t Tree) -> Option<Parameter> {
    let text = |name: &str| tree.get(name).and_then(Tree::as_text);
    let place = match text("in")? {
        "path" => ParameterPlace::Path,
        "query" => ParameterPlace::Query,
        "header" => ParameterPlace::Header,
        "cookie" => ParameterPlace::Cookie,
        _ => return None,
    };
    let flag = |name: &str| tree.get(name).and_then(Tree::as_bool);
    let style = text("style").unwrap_or(match place {
        ParameterPlace::Query | ParameterPlace::Cookie => "form",
        ParameterPlace::Path | ParameterPlace::Header => "simple",
    });
    let schema = match tree.get("schema") {
        Some(schema) => Some(builder.intern(format!("{pointer}/schema"), schema)),
        None => media(builder, pointer, tree.as_object()?).into_iter().find_map(|media| media.schema),
    };
    Some(Parameter {
        name: text("name")?.to_owned(),
        place,
        required: place == ParameterPlace::Path || flag("required").unwrap_or_default(),
        schema,
        explode: flag("explode").unwrap_or(style == "form"),
        separator: match style {
            "spaceDelimited" => ' ',
            "pipeDelimited" => '|',
            _ => ',',
        },
    })
}

fn media<'t>(builder: &mut Interner<'t>, pointer: &str, fields: &'t Fields) -> Vec<Media> {
    let Some(tree) = fields.get("content") else { return Vec::new() };
    let pointer = format!("{pointer}/content");
    let Some(content) = tree.as_object() else {
        builder.mistake(Site { pointer: &pointer, tree }, "is no object");
        return Vec::new();
    };
    let mut all = Vec::with_capacity(content.len());
    for (name, tree) in content {
        let pointer = format!("{pointer}/{}/schema", escaped(name));
        let schema = tree.get("schema").map(|schema| builder.intern(pointer, schema));
        let media_type = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        all.push(Media { media_type, schema });
    }
    all
}

fn body<'t>(builder: &mut Interner<'t>, pointer: &str, fields: &'t Fields) -> Option<RequestBody> {
    let (at, tree) = builder.follow(format!("{pointer}/requestBody"), fields.get("requestBody")?)?;
    let Some(fields) = tree.as_object() else {
        builder.mistake(Site { pointer: &at, tree }, "is no object");
        return None;
    };
    let required = fields.get("required").and_then(Tree::as_bool).unwrap_or_default();
    Some(RequestBody { required, content: media(builder, &at, fields) })
}

fn responses<'t>(builder: &mut Interner<'t>, operation: Site<'_, 't>) -> (Vec<Success>, Vec<u16>) {
    let (mut successes, mut others) = (Vec::new(), Vec::new());
    let Some(tree) = operation.tree.get("responses") else { return (successes, others) };
    let pointer = format!("{}/responses", operation.pointer);
    let Some(responses) = tree.as_object() else {
        builder.mistake(Site { pointer: &pointer, tree }, "is no object");
        return (successes, others);
    };
    for (name, tree) in responses.iter().filter(|(name, _)| !name.starts_with("x-")) {
        let pointer = format!("{pointer}/{}", escaped(name));
        let status = match name.as_str() {
            "2XX" | "2xx" => 200,
            "default" | "1XX" | "3XX" | "4XX" | "5XX" | "1xx" | "3xx" | "4xx" | "5xx" => continue,
            name => match name.parse::<u16>() {
                Ok(status) if (100..600).contains(&status) => status,
                _ => {
                    builder.mistake(Site { pointer: &pointer, tree }, "is no status");
                    continue;
                }
            },
        };
        if !(200..300).contains(&status) {
            others.push(status);
            continue;
        }
        let Some((at, tree)) = builder.follow(pointer.clone(), tree) else { continue };
        let Some(fields) = tree.as_object() else {
            builder.mistake(Site { pointer: &at, tree }, "is no object");
            continue;
        };
        let headers = fields.get("headers").and_then(Tree::as_object);
        let has_location =
            headers.is_some_and(|headers| headers.keys().any(|name| name.eq_ignore_ascii_case("location")));
        successes.push(Success { status, content: media(builder, &at, fields), has_location });
    }
    successes.sort_by_key(|success| success.status);
    (successes, others)
}
