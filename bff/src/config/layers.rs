//! Merges the layers and turns them into a [`Config`], key by key, so that one wrong value
//! hides no other: whatever cannot be used is reported and replaced by its default.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::{Error as FigmentError, Kind};
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Empty, Tag, Value};

use super::named::Templates;
use super::{Config, ConfigErrors, authorization, defaults::default_tree, free};

const PREFIX: &str = "BFF__";

/// All layers in one tree, and what stood in the layers above the defaults.
pub(super) struct Merged {
    defaults: Dict,
    /// Only known keys; kinds (section or value) as in the defaults.
    values: Dict,
    /// Paths of the values that declarations, file or environment set.
    set: BTreeSet<String>,
}

impl Merged {
    /// Whether a layer above the defaults sets `path`, also to what is the default anyway.
    pub(super) fn is_set(&self, path: &str) -> bool {
        self.set.contains(path)
    }

    /// The set paths that start with `prefix`.
    pub(super) fn set_below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.set.iter().map(String::as_str).filter(move |path| path.starts_with(prefix))
    }
}

/// What declarations may set: the rest is the operator's.
const DECLARABLE: [&str; 4] = ["upstreams", "accounts", "screens", "events"];

pub(super) fn merge(
    declared: &serde_json::Value,
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    mistakes: &mut ConfigErrors,
) -> Merged {
    let (mut defaults, templates) = default_tree();
    let mut set = BTreeSet::new();
    let environment: Vec<_> = environment.into_iter().collect();
    let mut from_declarations = read_declared(declared, mistakes);
    templates.settle_names(&mut from_declarations, mistakes);
    templates.name_sections(&mut defaults, &from_declarations);
    let mut from_file = file.map(|path| read_file(path, mistakes)).unwrap_or_default();
    templates.settle_names(&mut from_file, mistakes);
    templates.name_sections(&mut defaults, &from_file);
    for path in environment.iter().filter_map(|(name, _)| path_of(name, &templates)) {
        templates.name_section(&mut defaults, &path);
    }
    keep_known(&mut from_declarations, &defaults, "", &mut set, mistakes);
    keep_known(&mut from_file, &defaults, "", &mut set, mistakes);
    let mut from_environment = read_environment(environment, &defaults, &templates, mistakes);
    templates.settle_names(&mut from_environment, mistakes);
    keep_known(&mut from_environment, &defaults, "", &mut set, mistakes);

    let figment = Figment::from(Serialized::defaults(&defaults))
        .merge(Serialized::defaults(from_declarations))
        .merge(Serialized::defaults(from_file))
        .merge(Serialized::defaults(from_environment));
    // Dictionaries merge into a dictionary.
    let values = figment.extract().unwrap_or_else(|_| defaults.clone());
    Merged { defaults, values, set }
}

fn read_declared(declared: &serde_json::Value, mistakes: &mut ConfigErrors) -> Dict {
    if declared.is_null() {
        return Dict::new();
    }
    let tree = Value::serialize(declared).ok().and_then(Value::into_dict);
    let Some(mut tree) = tree else {
        mistakes.add("", "declarations: no sections");
        return Dict::new();
    };
    tree.retain(|section, _| {
        let known = DECLARABLE.contains(&section.as_str());
        if !known {
            mistakes.add(section.as_str(), "cannot be declared: it belongs into the configuration");
        }
        known
    });
    tree
}

/// `declarations.dir` of the file and the environment, before the rest of them can be read: what they may name depends on
/// what is declared there. Mistakes are left to whoever reads all of it.
pub(super) fn declarations_dir(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Option<PathBuf> {
    let variable = format!("{PREFIX}DECLARATIONS__DIR");
    let told = environment.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(&variable));
    let in_file = || {
        let tree: Dict = Toml::from_str(&std::fs::read_to_string(file?).ok()?).ok()?;
        find(&tree, &["declarations".to_owned(), "dir".to_owned()])?.as_str().map(OsString::from)
    };
    told.map(|(_, value)| value).or_else(in_file).filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

fn read_file(path: &Path, mistakes: &mut ConfigErrors) -> Dict {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            mistakes.add("", format!("configuration file {} cannot be read: {error}", path.display()));
            return Dict::new();
        }
    };
    match Toml::from_str(&text) {
        Ok(tree) => tree,
        Err(error) => {
            // Not the error's own text: it quotes the line, which may hold a secret.
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            mistakes.add("", format!("{}, line {line}: {}", path.display(), error.message()));
            Dict::new()
        }
    }
}

/// `BFF__A__B=text` becomes `a.b`. The default's type decides how the text is read, so that a secret
/// made of digits stays text.
fn read_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    defaults: &Dict,
    templates: &Templates,
    mistakes: &mut ConfigErrors,
) -> Dict {
    let mut tree = Dict::new();
    for (name, value) in environment {
        let Some(path) = path_of(&name, templates) else { continue };
        let Some(text) = value.to_str() else {
            mistakes.add(path.join("."), "the environment variable is not UTF-8");
            continue;
        };
        let value = match free::within(&path) {
            None if authorization::is_file(&path) => Ok(Value::from(text)),
            None => Ok(parse_text(text, find(defaults, &path))),
            Some(free::Place::Whole) => free::from_json(text),
            Some(free::Place::Key) => Err(free::NOT_BY_KEY.to_owned()),
        };
        match value {
            Ok(value) => insert(&mut tree, &path, value),
            Err(message) => mistakes.add(path.join("."), message),
        }
    }
    tree
}

/// Whether an environment variable is one of ours, or nearly.
pub(super) fn is_ours(variable: &OsStr) -> bool {
    let start = variable.as_encoded_bytes().get(..PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

/// The keys that an environment variable of ours names.
fn path_of(variable: &OsStr, templates: &Templates) -> Option<Vec<String>> {
    let key = variable.to_str()?.strip_prefix(PREFIX)?;
    let mut path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
    templates.spell(&mut path);
    Some(path)
}

fn parse_text(text: &str, default: Option<&Value>) -> Value {
    match default {
        Some(Value::String(..)) => Value::from(text),
        Some(Value::Array(..)) if !text.trim_start().starts_with('[') => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::from(items.map(Value::from).collect::<Vec<_>>())
        }
        _ => text.trim().parse().unwrap_or_else(|error| match error {}),
    }
}

fn find<'a>(tree: &'a Dict, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = tree.get(first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_dict()?, rest) }
}

fn insert(tree: &mut Dict, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        tree.insert(first.clone(), value);
        return;
    }
    let slot = tree.entry(first.clone()).or_insert_with(|| Value::from(Dict::new()));
    if slot.as_dict().is_none() {
        *slot = Value::from(Dict::new());
    }
    if let Value::Dict(_, below) = slot {
        insert(below, rest, value);
    }
}

/// Takes out of `tree` what the defaults do not know and notes the paths of the rest in `set`.
fn keep_known(
    tree: &mut Dict,
    known: &Dict,
    prefix: &str,
    set: &mut BTreeSet<String>,
    mistakes: &mut ConfigErrors,
) {
    tree.retain(|key, value| {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (known.get(key), value) {
            (Some(Value::Dict(..)), Value::Dict(_, below)) if path == free::SECTION => {
                free::tidy(below);
                set.insert(path);
                true
            }
            (None, _) => {
                mistakes.add(path, unknown(key, known));
                false
            }
            (Some(Value::Dict(_, known)), Value::Dict(_, below)) => {
                keep_known(below, known, &path, set, mistakes);
                true
            }
            (Some(Value::Dict(..)), _) => {
                mistakes.add(path, "is a section, not a value");
                false
            }
            (Some(Value::String(..)), Value::Dict(..)) if authorization::is_at(&path) => {
                set.insert(path);
                true
            }
            (Some(_), Value::Dict(..)) => {
                mistakes.add(path, "is a value, not a section");
                false
            }
            (Some(_), _) => {
                set.insert(path);
                true
            }
        }
    });
}

fn unknown(key: &str, known: &Dict) -> String {
    // The nearest known key, if it is near enough to have been meant.
    let near = known.keys().map(|other| (distance(key, other), other)).min();
    match near {
        Some((changes, other)) if changes <= 2.min(key.len() / 3) => {
            format!("unknown key; did you mean `{other}`?")
        }
        _ => "unknown key".to_owned(),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

/// Reads the merged tree into a [`Config`]. Each set value is tried alone within the defaults, so that
/// serde, which stops at its first error, gets to see every one.
pub(super) fn extract(merged: &Merged, mistakes: &mut ConfigErrors) -> Config {
    let mut usable = merged.values.clone();
    for path in &merged.set {
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        let (Some(value), Some(default)) = (find(&merged.values, &keys), find(&merged.defaults, &keys))
        else {
            continue;
        };
        let mut trial = merged.defaults.clone();
        insert(&mut trial, &keys, value.clone());
        if let Err(error) = Value::Dict(Tag::Default, trial).deserialize::<Config>() {
            mistakes.add(path.as_str(), describe(&error, path, value));
            insert(&mut usable, &keys, default.clone());
        }
    }
    #[expect(
        clippy::expect_used,
        reason = "each value was accepted above or is a default, which a test loads"
    )]
    Value::Dict(Tag::Default, usable).deserialize().expect("the checked values make a configuration")
}

fn describe(error: &FigmentError, path: &str, value: &Value) -> String {
    let secret = ["secret", "token", "url"].iter().any(|name| path.ends_with(name));
    match &error.kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if secret => {
            format!("expected {expected}")
        }
        Kind::UnknownVariant(found, expected) => {
            let expected = expected.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
            format!("expected {}, found \"{found}\"", expected.join(" or "))
        }
        Kind::InvalidType(..) | Kind::InvalidValue(..) if matches!(value, Value::Empty(_, Empty::Unit)) => {
            "is empty".to_owned()
        }
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("expected {expected}, found {found}")
        }
        // `custom` messages of the value types; std's parsers do not say what they parsed.
        Kind::Message(message) if path.ends_with("listen") => {
            format!("expected an address with a port such as 127.0.0.1:8080 ({message})")
        }
        other => other.to_string(),
    }
}
