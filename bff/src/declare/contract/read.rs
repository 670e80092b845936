//! Reads a contract from its file. What comes is not trusted: a contract of any size and any shape ends in a [`Contract`] or
//! in mistakes, within bounded time and memory.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    build,
    document::Contract,
    intern::{Interner, Site},
    json,
    mistake::{ContractMistake, Mistake},
    operations,
    schema::{SchemaId, Schemas},
    tree::{Json, Tree, escaped},
    upgrade, yaml,
};

/// The largest contract, in bytes.
const MAX_BYTES: u64 = 16 << 20;

impl Contract {
    /// The contract of a service of which nothing is known.
    pub(in crate::declare) fn empty() -> Self {
        Self {
            file: PathBuf::new(),
            schemas: Schemas::default(),
            paths: Vec::new(),
            named: BTreeMap::new(),
            tree: Tree { line: 0, value: Json::Null },
        }
    }

    /// Reads the contract at `path`: JSON or YAML, by what it begins with.
    ///
    /// # Errors
    /// Everything that is wrong with it (at most 100 mistakes); where it is neither JSON nor YAML, the first thing that is.
    pub fn read(path: &Path) -> Result<Self, Vec<ContractMistake>> {
        let whole = |what: String| vec![Mistake::at(0, "", what).of(path)];
        let file = fs::File::open(path).map_err(|error| whole(format!("cannot be read: {error}")))?;
        let mut bytes = Vec::new();
        // One byte more shows that there are more.
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        let _ = read.map_err(|error| whole(format!("cannot be read: {error}")))?;
        Self::parse(path, &bytes)
    }

    /// The contract that `bytes` are; `file` is what mistakes name.
    ///
    /// # Errors
    /// As [`Contract::read`].
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, Vec<ContractMistake>> {
        let told =
            |mistakes: Vec<Mistake>| mistakes.into_iter().map(|mistake| mistake.of(file)).collect::<Vec<_>>();
        let tree = document(bytes).map_err(|mistake| told(vec![mistake]))?;
        let mut interner = Interner::new(&tree);
        let named = named(&mut interner, &tree);
        let paths = operations::read(&mut interner, &tree);
        let (schemas, mut mistakes) = build::all(interner);
        if mistakes.is_empty() {
            return Ok(Self { file: file.to_owned(), schemas, paths, named, tree });
        }
        mistakes.sort_by_key(|mistake| mistake.line);
        mistakes.dedup();
        Err(told(mistakes))
    }
}

fn document(bytes: &[u8]) -> Result<Tree, Mistake> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Mistake::at(0, "", format!("is larger than {} MiB", MAX_BYTES >> 20)));
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Mistake::at(u32::try_from(line).unwrap_or(u32::MAX), "", "is no UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = if is_json(text) { json::read(text) } else { yaml::read(text) }?;
    if tree.as_object().is_none() {
        return Err(Mistake::at(tree.line, "", "is no OpenAPI document: it is no object"));
    }
    if is_3_0(&tree)? {
        upgrade::document(&mut tree);
    }
    Ok(tree)
}

/// Whether a document begins as JSON does. An object in YAML may begin with a brace as well, and with a name without quotes.
fn is_json(text: &str) -> bool {
    let object = text.trim_start().strip_prefix('{').map(str::trim_start);
    object.is_some_and(|object| object.starts_with(['"', '}']))
}

/// Whether the document is one of 3.0. Others than 3.0 and 3.1 are refused.
fn is_3_0(tree: &Tree) -> Result<bool, Mistake> {
    let Some(version) = tree.get("openapi") else {
        let what = if tree.get("swagger").is_some() {
            "is a Swagger 2.0 document: only OpenAPI 3.0 and 3.1 are read"
        } else {
            "is no OpenAPI document: `openapi` names no version"
        };
        return Err(Mistake::at(tree.line, "", what));
    };
    let text = match &version.value {
        Json::Text(text) => text.clone(),
        // `openapi: 3.1` in YAML.
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let is =
        |minor: &str| text == minor || text.strip_prefix(minor).is_some_and(|rest| rest.starts_with('.'));
    match (is("3.0"), is("3.1")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Mistake::at(version.line, "/openapi", "only OpenAPI 3.0 and 3.1 are read")),
    }
}

fn named<'t>(interner: &mut Interner<'t>, tree: &'t Tree) -> BTreeMap<String, SchemaId> {
    let Some(schemas) = tree.get("components").and_then(|components| components.get("schemas")) else {
        return BTreeMap::new();
    };
    let Some(schemas_by_name) = schemas.as_object() else {
        interner.mistake(Site { pointer: "/components/schemas", tree: schemas }, "is no object");
        return BTreeMap::new();
    };
    let mut named = BTreeMap::new();
    for (name, schema) in schemas_by_name {
        let pointer = format!("/components/schemas/{}", escaped(name));
        named.insert(name.clone(), interner.intern(pointer, schema));
    }
    named
}
