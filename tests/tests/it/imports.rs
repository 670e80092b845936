//! The import table of the gateway's modules: who may know whom.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tests::imports::{Import, read};

/// Modules and crates that a module may use: whole, and of which the error types alone. `gateway` and the root
/// files may use everything.
struct Row {
    module: &'static str,
    whole: &'static [&'static str],
    errors_of: &'static [&'static str],
}

const fn row(
    module: &'static str,
    whole: &'static [&'static str],
    errors_of: &'static [&'static str],
) -> Row {
    Row { module, whole, errors_of }
}

const FRONT: &[&str] = &[
    "edge",
    "idempotency",
    "identity",
    "declare",
    "cache",
    "compose",
    "invalidation",
    // What outlives a request is handed over to it.
    "jobs",
    "store",
    "telemetry",
    "clients",
    "schemas",
];
const TABLE: [Row; 17] = [
    row("auth", FRONT, &[]),
    row("docs", FRONT, &[]),
    row("screens", FRONT, &[]),
    row("live", FRONT, &[]),
    row("routes", FRONT, &[]),
    row("idempotency", &["edge", "identity", "store", "telemetry", "schemas"], &[]),
    row("files", FRONT, &[]),
    row("edge", &["identity", "telemetry", "config", "schemas"], &["cache", "compose", "store", "clients"]),
    row("declare", &["compose", "config", "clients", "schemas"], &[]),
    row("identity", &["invalidation", "store", "telemetry", "clients", "schemas"], &[]),
    row("cache", &["compose", "invalidation", "telemetry", "schemas"], &[]),
    row("compose", &["invalidation", "telemetry", "clients", "schemas"], &[]),
    // It knows the queue, and nothing of what the work is: handlers come from above.
    row("jobs", &["store", "telemetry"], &[]),
    row("invalidation", &["store", "telemetry", "schemas"], &[]),
    row("store", &["telemetry"], &[]),
    row("telemetry", &[], &[]),
    row("config", &[], &[]),
];
/// Crates of the workspace.
const CRATES: [&str; 5] = ["clients", "schemas", "upstreams", "demo", "tests"];
/// Modules that hold no type of the web framework.
const WITHOUT_ACTIX: [&str; 7] = ["identity", "cache", "compose", "declare", "invalidation", "jobs", "store"];
const ERROR_ENDINGS: [&str; 4] = ["Error", "Failure", "Refusal", "Reason"];

/// What is wrong with an import, if anything.
fn objection(import: &Import) -> Option<&'static str> {
    let top = import.module.first().filter(|top| *top != "gateway")?;
    let Some(row) = TABLE.iter().find(|row| row.module == top) else {
        return Some("its module is not in the table");
    };
    if WITHOUT_ACTIX.contains(&row.module) && import.path.iter().any(|word| word.contains("actix")) {
        return Some("its module holds no actix types");
    }
    let from = match import.path[0].as_str() {
        "crate" | "bff" => &import.path[1..],
        first if CRATES.contains(&first) => &import.path[..],
        _ => return None,
    };
    let Some((of, items)) = from.split_first() else { return Some("the root is everything") };
    if of == top {
        return None;
    }
    if import.exported {
        return Some("whoever may use this module would get it as well");
    }
    // The first type: what follows it is its own.
    let named = items.iter().find(|item| item.starts_with(char::is_uppercase));
    let is_error = named.is_some_and(|item| ERROR_ENDINGS.iter().any(|end| item.ends_with(end)));
    let allowed = row.whole.contains(&of.as_str()) || (row.errors_of.contains(&of.as_str()) && is_error);
    (!allowed).then_some("it is not in the table")
}

fn objections(folder: &Path, roots: &[&str]) -> Vec<String> {
    let imports = read(folder, roots).expect("sources that can be read");
    assert!(!imports.is_empty(), "the reader sees nothing");
    imports.iter().filter_map(|import| Some(format!("{import}: {}", objection(import)?))).collect()
}

fn bff() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bff/src")
}

#[test]
fn no_module_uses_what_the_table_does_not_allow() {
    let found = objections(&bff(), &["lib.rs", "main.rs"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A crate of four modules; `planted` is the last line of `file`.
fn planted(file: &str, planted: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("lib.rs", "mod edge; pub mod cache; mod store; mod gateway;"),
        ("edge/mod.rs", "mod error; mod state; use actix_web::web; use crate::telemetry::Metrics;"),
        ("edge/error.rs", "use clients::UpstreamError; fn f(e: clients::UpstreamError) { e.clients(); }"),
        (
            "edge/state.rs",
            "use crate::cache::{FillError as F, document::{ReadError}}; mod t { use super::*; }",
        ),
        ("cache/mod.rs", "mod key; pub(crate) use key::Key; pub(in crate::cache) use self::key::Other;"),
        (
            "cache/key.rs",
            "//! Of `crate::edge::X`.\n use super::Tag; // crate::edge::X\n const S: &str = \"crate::edge::X\";",
        ),
        ("store/mod.rs", "mod embedded; mod conformance;"),
        ("store/embedded.rs", "#[cfg(test)] #[path = \"embedded_tests.rs\"] mod tests;"),
        ("store/embedded_tests.rs", "use super::super::conformance;"),
        ("store/conformance.rs", ""),
        ("gateway.rs", "use crate::{edge, cache::Documents}; use clients::*;"),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let more = if name == file { planted } else { "" };
        fs::write(path, format!("{text}\n{more}\n")).expect("a file");
    }
    objections(folder.path(), &["lib.rs"])
}

#[test]
fn the_checker_catches_what_is_planted_and_nothing_else() {
    assert_eq!(planted("", ""), Vec::<String>::new());
    for (file, line) in [
        ("edge/error.rs", "use clients::Clients;"),
        ("edge/error.rs", "use ::clients::Clients as C;"),
        ("edge/error.rs", "use clients::{UpstreamError as E, transport::{Gate}};"),
        ("edge/error.rs", "use clients::*;"),
        ("edge/error.rs", "use clients;"),
        ("edge/error.rs", "extern crate clients as c;"),
        ("edge/error.rs", "fn f() { clients::connect(); }"),
        ("edge/error.rs", "fn f(c: &clients::Clients) {}"),
        ("edge/error.rs", "m! { <clients::Clients as T>::x }"),
        ("edge/error.rs", "use crate::cache;"),
        ("edge/error.rs", "use crate::{cache as c};"),
        ("edge/error.rs", "use crate::cache::{self};"),
        ("edge/error.rs", "use crate::cache::*;"),
        ("edge/error.rs", "use crate::*;"),
        ("edge/error.rs", "use crate as root;"),
        ("edge/error.rs", "use super::super as root;"),
        ("edge/error.rs", "use super::super::*;"),
        ("edge/error.rs", "use super::super::cache::Tag;"),
        ("edge/error.rs", "mod t { use super::super::super::cache::Tag; }"),
        ("edge/error.rs", "fn f() { super::super::gateway::run(); }"),
        ("edge/error.rs", "pub use crate::identity::Caller;"),
        ("edge/error.rs", "use {crate::gateway::Application};"),
        ("edge/error.rs", "fn f() -> impl Sized + use<'static> { crate::gateway::run() }"),
        ("edge/mod.rs", "use self::super::gateway::Application;"),
        ("edge/mod.rs", "macro_rules! m { () => { $crate::gateway::run() } }"),
        ("cache/key.rs", "use actix_web::web::Bytes;"),
        ("cache/key.rs", "type B = tracing_actix_web::B;"),
        ("cache/key.rs", "use clients::UpstreamError;"),
        ("cache/key.rs", "#[serde(with = \"crate::edge::body\")] struct S;"),
        ("store/embedded_tests.rs", "use super::super::super::cache::Tag;"),
        ("store/embedded.rs", "use schemas::Id;"),
    ] {
        assert_eq!(planted(file, line).len(), 1, "{file}: {line}: {:#?}", planted(file, line));
    }
}

#[test]
fn a_module_that_the_table_does_not_know_is_refused_and_so_is_a_file_of_no_module() {
    assert_eq!(planted("lib.rs", "mod helpers { use crate::store::Store; }").len(), 1);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lib.rs"), "").expect("a file");
    fs::write(folder.path().join("stray.rs"), "use crate::edge::X;").expect("a file");
    assert!(read(folder.path(), &["lib.rs"]).is_err());
}
