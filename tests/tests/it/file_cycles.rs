//! No file depends on one that depends on it, in the gateway, the clients and the reference services: each can be read
//! from the bottom up. What a dependency is: see [`tests::file_graph`].

use std::{fs, path::Path};

use tests::file_graph::FileGraph;

/// Each crate with its root files.
const CRATES: [(&str, &str); 5] = [
    ("bff/src", "lib.rs"),
    ("bff/src", "main.rs"),
    ("clients/src", "lib.rs"),
    ("deploy/upstreams/src", "lib.rs"),
    ("deploy/upstreams/src", "main.rs"),
];

/// The cycles of the crate whose root is `root` in `folder`: the text of each.
fn cycles(folder: &Path, root: &str) -> Vec<String> {
    let graph = FileGraph::read(folder, root).expect("sources that can be read");
    let shown = |edges: Vec<&tests::file_graph::Edge>| {
        edges.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    graph.cycles().into_iter().map(shown).collect()
}

#[test]
fn no_file_depends_on_one_that_depends_on_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for (folder, file) in CRATES {
        found.extend(cycles(&root.join(folder), file));
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// The cycles of a crate of seven files without any, with `line` more in `file`.
fn planted(file: &str, line: &str) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("lib.rs", "mod store; mod cache; pub use cache::{Cache, Key as CacheKey};"),
        ("store.rs", "//! For `crate::cache`.\n pub struct Store; pub trait Read {}"),
        // A parent uses its children, and hands on what they define.
        ("cache/mod.rs", "mod key; mod entry; mod purge; pub use key::Key; pub struct Cache(entry::Entry);"),
        (
            "cache/key.rs",
            "use crate::store::Store; pub struct Key(Store); pub fn of(_: &str) -> Key { todo!() }",
        ),
        // By way of the parent, from a file that uses nothing of the parent's own.
        (
            "cache/entry.rs",
            "use super::Key; pub struct Entry(Key); #[cfg(test)] mod tests { use super::super::Cache; }",
        ),
        (
            "cache/purge.rs",
            "use super::*; pub fn purge(_: Key) { let _ = \"super::Cache\"; } #[cfg(test)] use super::Cache;",
        ),
        ("cache/purge/tests.rs", "use crate::Cache;"),
    ] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let more = if name == file { line } else { "" };
        fs::write(path, format!("{text}\n{more}\n")).expect("a file");
    }
    cycles(folder.path(), "lib.rs").len()
}

#[test]
fn the_checker_catches_what_is_planted_and_nothing_else() {
    assert_eq!(planted("", ""), 0);
    for (file, line) in [
        ("store.rs", "use crate::cache::Key;"),
        ("store.rs", "use crate::{cache::Key as K};"),
        ("store.rs", "fn f() { crate::cache::key::of(\"\"); }"),
        ("store.rs", "fn f(k: &crate::CacheKey) {}"),
        ("store.rs", "use crate::cache; fn f(k: Option<cache::Key>) {}"),
        ("store.rs", "use super::cache::{self as c}; impl Read for c::Key {}"),
        ("store.rs", "pub use crate::cache::Key; struct Other(Key);"),
        ("store.rs", "fn f() { println!(\"{}\", crate::cache::Key::LEN); }"),
        ("store.rs", "#[serde(with = \"crate::cache::Key\")] struct Other;"),
        ("store.rs", "mod inner { use crate::cache::Key; }"),
        ("cache/key.rs", "use super::Cache;"),
        ("cache/key.rs", "fn f() { super::entry::Entry::new(); }"),
        ("cache/key.rs", "use super::entry::Entry as _;"),
        ("cache/key.rs", "#[cfg(not(test))] use super::entry::Entry;"),
        ("cache/entry.rs", "use crate::Cache;"),
        (
            "cache/mod.rs",
            "use purge::purge; fn f() {} pub fn unit() {} mod more { use super::super::Cache; }",
        ),
    ] {
        let wanted = usize::from(file != "cache/mod.rs");
        assert_eq!(planted(file, line), wanted, "{file}: {line}");
    }
    for (file, line) in [
        ("store.rs", "// use crate::cache::Key;"),
        ("store.rs", "/// See [`crate::cache::Key`].\n struct Other;"),
        ("store.rs", "#[cfg(test)] mod tests { use crate::cache::Key; }"),
        ("store.rs", "struct Other { #[cfg(test)] key: crate::cache::Key }"),
        ("store.rs", "pub use crate::cache::Key;"),
        ("store.rs", "use std::cache::Key; use ::cache::Key as K;"),
        ("cache/key.rs", "use super::Key as Same; use crate::cache::key::of as again;"),
    ] {
        assert_eq!(planted(file, line), 0, "{file}: {line}");
    }
}
