//! `bff/docs/declarations.md` says of every key what it holds, and of no other.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::super::{Declarations, declarations_schema, write_starter};

/// Headings of the page, and the tables of the schema that are described below each, in this order.
const SECTIONS: [(&str, &[&str]); 15] = [
    ("## gateway.toml", &["gateway"]),
    ("### Upstreams: [upstreams.NAME]", &["gateway.upstreams", "gateway.upstreams.authorization"]),
    ("### Accounts: [accounts]", &["gateway.accounts"]),
    ("### Refusals: [refusals.CODE]", &["gateway.refusals"]),
    ("### Tags and topics: [tags], [topics]", &["gateway.tags", "gateway.topics"]),
    ("### Look-ups: [lookups.NAME]", &["gateway.lookups"]),
    ("## Screens", &["screen"]),
    ("### Parameters: [params.NAME]", &["screen.params", "routes.route.params"]),
    ("### Parts: [parts.NAME]", &["screen.parts"]),
    ("### Joins: [joins.NAME]", &["screen.joins", "routes.route.joins"]),
    ("### The compact view: [compact]", &["screen.compact"]),
    ("### Lives: [cache]", &["screen.cache"]),
    ("## Routes", &["routes"]),
    ("### A route: [[route]]", &["routes.route"]),
    ("### Messages: announce", &["routes.route.announce"]),
];

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/declarations.md"))
        .expect("the page")
}

/// The schema of a table: of `a.b`, or of each item of `a.b` where that is a list or a table of tables.
fn table<'s>(schema: &'s Value, path: &str) -> &'s Value {
    let mut names = path.split('.');
    let top = &schema["$defs"][names.next().expect("a kind of file")];
    names.fold(top, |at, name| {
        let key = &at["properties"][name];
        let inner = [&key["items"], &key["additionalProperties"], &key["anyOf"][1], key];
        inner.into_iter().find(|inner| inner["properties"].is_object()).expect("a table")
    })
}

/// All tables that there are below one, by their paths.
fn tables(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    for (name, key) in table(schema, path)["properties"].as_object().expect("keys") {
        let inner = [&key["items"], &key["additionalProperties"], &key["anyOf"][1], key];
        if inner.into_iter().any(|inner| inner["properties"].is_object()) {
            tables(schema, &format!("{path}.{name}"), found);
        }
    }
}

/// The keys of each table of Markdown below a heading, up to the next one.
fn described(page: &str, heading: &str) -> Vec<BTreeSet<String>> {
    let mut lines = page.lines().skip_while(|line| *line != heading).skip(1);
    let mut found = Vec::new();
    for line in lines.by_ref().take_while(|line| !line.starts_with('#')) {
        if line == "| key | holds | default | |" {
            found.push(BTreeSet::new());
        } else if let Some(row) = line.strip_prefix("| `")
            && let (Some((key, _)), Some(keys)) = (row.split_once('`'), found.last_mut())
        {
            assert!(keys.insert(key.to_owned()), "{heading}: {key} twice");
        }
    }
    found
}

#[test]
fn every_key_is_described_where_its_table_is_and_no_other() {
    let (page, schema) = (page(), declarations_schema());
    let mut covered = BTreeSet::new();
    for (heading, paths) in SECTIONS {
        let described = described(&page, heading);
        assert!(!described.is_empty(), "{heading}: no table");
        for (place, path) in paths.iter().enumerate() {
            let keys = table(&schema, path)["properties"].as_object().expect("keys");
            let known: BTreeSet<String> = keys.keys().cloned().collect();
            // Screens and routes have some tables in common: those are described once.
            assert_eq!(described[place.min(described.len() - 1)], known, "{heading}: {path}");
            covered.insert((*path).to_owned());
        }
    }
    let mut there = BTreeSet::new();
    ["gateway", "screen", "routes"].iter().for_each(|kind| tables(&schema, kind, &mut there));
    assert_eq!(covered, there, "every table has its place in the page");
}

/// The first screen that a page shows.
fn screen_of(page: &str) -> &str {
    page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a screen")
}

/// The screens of the page and of README, in the gateway that `bff new` writes, and what is said of a misspelt field.
#[test]
fn the_screens_of_the_documentation_are_sound_and_a_mistake_is_told_as_the_page_says() {
    let page = page();
    let parent = tempfile::tempdir().expect("a folder");
    let dir = parent.path().join("shop");
    let _ = write_starter(&dir).expect("a gateway");
    let file = dir.join("screens/item.toml");
    std::fs::write(&file, screen_of(&page)).expect("the screen");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("README.md");
    std::fs::write(dir.join("screens/home.toml"), screen_of(&readme)).expect("the screen");
    let plan = Declarations::from_dir(&dir).unwrap_or_else(|mistakes| panic!("{mistakes}")).compile();
    assert_eq!((plan.screens.len(), plan.routes.len(), plan.upstreams.len()), (2, 1, 1));

    std::fs::write(&file, screen_of(&page).replace("item.makerId", "item.makrId")).expect("a mistake");
    let told = Declarations::from_dir(&dir).expect_err("a mistake").to_string();
    let said = page.lines().find_map(|line| line.trim().strip_prefix("./screens/item.toml:"));
    assert_eq!(told, format!("{}:{}", file.display(), said.expect("the mistake in the page")));
}
