//! The import table of the gateway's modules: who may know whom.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// For each module: what it may use whole, and of which it may use the error types alone.
const TABLE: [(&str, &[&str], &[&str]); 12] = [
    ("api", FRONT, &[]),
    ("screens", FRONT, &[]),
    ("live", FRONT, &[]),
    ("files", FRONT, &[]),
    ("edge", &["identity", "telemetry", "config", "schemas"], &["cache", "compose", "store", "clients"]),
    ("identity", &["store", "telemetry", "clients", "schemas"], &[]),
    ("compose", &["cache", "telemetry", "schemas"], &["clients"]),
    ("cache", &["store", "telemetry", "schemas"], &[]),
    ("store", &["telemetry"], &[]),
    ("telemetry", &[], &[]),
    ("config", &[], &[]),
    ("app", ALL, &[]),
];

const FRONT: &[&str] = &["edge", "identity", "cache", "compose", "store", "telemetry", "clients", "schemas"];
const ALL: &[&str] = &[
    "api",
    "screens",
    "live",
    "files",
    "edge",
    "identity",
    "compose",
    "cache",
    "store",
    "telemetry",
    "config",
    "clients",
    "schemas",
];
/// Crates of the workspace that count as modules.
const CRATES: [&str; 2] = ["clients", "schemas"];
/// Modules that hold no type of the web framework.
const WITHOUT_ACTIX: [&str; 4] = ["identity", "cache", "compose", "store"];

/// One thing that a file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    /// Module or crate.
    of: String,
    /// The item in it; empty where the module itself is named.
    item: String,
}

#[test]
fn no_module_uses_what_the_table_does_not_allow() {
    let mut wrong = Vec::new();
    for (module, path, text) in sources() {
        let Some((_, whole, errors_of)) = TABLE.iter().find(|(name, ..)| *name == module) else {
            wrong.push(format!("{}: module `{module}` is not in the table", path.display()));
            continue;
        };
        for Use { of, item } in uses(&text, depth(&path)) {
            let allowed = of == module || whole.contains(&of.as_str());
            let error_type = errors_of.contains(&of.as_str()) && is_error_type(&item);
            if !allowed && !error_type {
                wrong.push(format!("{}: {module} uses {of}::{item}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_inner_modules_hold_no_actix_types() {
    let found: Vec<_> = sources()
        .filter(|(module, ..)| WITHOUT_ACTIX.contains(&module.as_str()))
        .filter(|(_, _, text)| code(text).contains("actix"))
        .map(|(_, path, _)| path)
        .collect();
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn reqwest_clients_are_built_in_the_transport_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/src");
    let mut found = Vec::new();
    for path in files(&root).into_iter().chain(files(&bff())) {
        let text = code(&fs::read_to_string(&path).expect("a source"));
        let tests = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        if (text.contains("Client::builder(")
            || text.contains("Client::new(")
            || text.contains("ClientBuilder"))
            && text.contains("reqwest")
            && !path.starts_with(root.join("transport"))
            && !tests
        {
            found.push(path);
        }
    }
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn the_reader_of_sources_sees_what_it_should() {
    let text = r#"
        //! Speaks of crate::edge::Nothing in a comment.
        use std::sync::Arc;
        use clients::{KeyError, transport::{Clients, UpstreamError as Failure}};
        use crate::{cache::{Tag, document::Document}, telemetry, identity::Caller as Who};
        use super::super::store::{self, Store};
        // use crate::api::Api;
        /* crate::screens::Screens */
        fn f() { let x = crate::config::Config::default(); let s = "crate::live::Live"; schemas::Id::new(s); }
        use super::sibling::Thing;
        mod clients_of_ours { }
    "#;
    let found: BTreeMap<_, Vec<_>> = uses(text, 2).into_iter().fold(BTreeMap::new(), |mut map, found| {
        map.entry(found.of).or_insert_with(Vec::new).push(found.item);
        map
    });
    let expected = [
        ("cache", vec!["Document", "Tag"]),
        ("clients", vec!["Clients", "KeyError", "UpstreamError"]),
        ("config", vec!["Config"]),
        ("identity", vec!["Caller"]),
        ("schemas", vec!["Id"]),
        ("store", vec!["Store", "self"]),
        ("telemetry", vec![""]),
    ];
    let expected =
        expected.map(|(of, items)| (of.to_owned(), items.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(found, BTreeMap::from(expected));
}

fn is_error_type(item: &str) -> bool {
    ["Error", "Errors", "Failure", "Refusal", "Reason"].iter().any(|end| item.ends_with(end))
}

fn bff() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bff/src")
}

/// Every source of a module: the module's name, the file, its text without its tests.
fn sources() -> impl Iterator<Item = (String, PathBuf, String)> {
    let root = bff();
    files(&root).into_iter().filter_map(move |path| {
        let inside = path.strip_prefix(&root).expect("a file below it").to_owned();
        let first = inside.iter().next()?.to_string_lossy().trim_end_matches(".rs").to_owned();
        if matches!(first.as_str(), "lib" | "main") {
            return None;
        }
        let text = fs::read_to_string(&path).expect("a source");
        Some((first, inside, text))
    })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// How many `super` lead from a file of `bff/src` to the crate: 1 for `cache/mod.rs`, 2 for `cache/key.rs`.
fn depth(inside: &Path) -> usize {
    let steps = inside.components().count();
    if inside.file_name().is_some_and(|name| name == "mod.rs") { steps - 1 } else { steps }
}

/// The text without comments and without what is in string literals.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r#\"") {
            out.push('"');
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            out.push('"');
            string_end(rest)
        } else if let Some(end) = char_literal(rest) {
            end
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[skipped..];
    }
    out
}

fn string_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// `'"'` and `'\''`, which would open a string that is none.
fn char_literal(text: &str) -> Option<usize> {
    ["'\"'", "'\\''", "'\\\\'", "'\\\"'", "b'\"'"].iter().find(|l| text.starts_with(**l)).map(|l| l.len())
}

/// What the text names of other modules and of our crates.
fn uses(text: &str, depth: usize) -> Vec<Use> {
    let flat =
        code(text).split_whitespace().collect::<Vec<_>>().join(" ").replace(" ::", "::").replace(":: ", "::");
    let up = "super::".repeat(depth);
    let mut found = Vec::new();
    let mut starts: Vec<(usize, String, bool)> = Vec::new();
    for prefix in ["crate::", &*up] {
        let sure = prefix == "crate::";
        starts.extend(occurrences(&flat, prefix).map(|at| (at + prefix.len(), String::new(), sure)));
    }
    for name in CRATES {
        let prefix = format!("{name}::");
        // Not `crate::clients::`, which would be a module.
        let own = occurrences(&flat, &prefix).filter(|at| !flat[..*at].ends_with("::"));
        starts.extend(own.map(|at| (at + prefix.len(), name.to_owned(), true)));
    }
    for (at, of, sure) in starts {
        let before = found.len();
        walk(&flat[at..], &of, &mut found);
        // In a module within the file, so many `super` lead to the file's own neighbours.
        let known = |of: &str| TABLE.iter().any(|(module, ..)| *module == of);
        let kept = found.split_off(before).into_iter().filter(|found| sure || known(&found.of));
        found.extend(kept.collect::<Vec<_>>());
    }
    found.sort();
    found.dedup();
    found
}

/// Where `prefix` begins a path.
fn occurrences<'t>(text: &'t str, prefix: &'t str) -> impl Iterator<Item = usize> + 't {
    let begins = |at: &usize| {
        let before = text[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || (c == ':' && prefix.starts_with("super")))
    };
    text.match_indices(prefix).map(|(at, _)| at).filter(begins)
}

/// Collects the leaves of a path or a `{…}` tree. `of` is the module, once it is known.
fn walk(text: &str, of: &str, found: &mut Vec<Use>) {
    if let Some(tree) = text.strip_prefix('{') {
        for branch in branches(tree) {
            walk(branch.trim(), of, found);
        }
        return;
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let deeper = rest.strip_prefix("::");
    let is_type = name.chars().next().is_some_and(char::is_uppercase);
    match (of, deeper) {
        _ if name.is_empty() => {}
        ("", None) => found.push(Use { of: name.to_owned(), item: String::new() }),
        ("", Some(deeper)) => walk(deeper, name, found),
        // A type's own items are part of it; a module's are looked at.
        (of, Some(deeper)) if !is_type => walk(deeper, of, found),
        (of, _) => found.push(Use { of: of.to_owned(), item: name.to_owned() }),
    }
}

/// The branches of a tree whose `{` is behind us.
fn branches(tree: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&tree[start..at]);
                return found;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}
