//! The configuration as operators write it. Here: what the tests of all subjects need.

mod files;
mod keys;
mod layers;
mod maps;
mod oidc;
mod rules;
mod secrets;
mod site;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::value::{Dict, Value as Figment};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{defaults, *};

const HS256_SECRET: &str = "0123456789abcdef0123456789abcdef";

fn env(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

/// What a product declares.
fn declared() -> Value {
    let upstream = |port: u16, name: &str| serde_json::json!({ "url": format!("http://127.0.0.1:{port}"), "audience": name });
    serde_json::json!({
        "upstreams": {
            "accounts": upstream(9101, "accounts"), "ledger": upstream(9102, "ledger"), "goods": upstream(9103, "goods"),
        },
        "events": { "accounts": {}, "ledger": {}, "goods": {} },
        "screens": { "front_page": {}, "order": {} },
        "accounts": { "upstream": "accounts" },
    })
}

/// Loads settings over those of the product.
fn load_with(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Config, ConfigErrors> {
    Config::load_over(&declared(), file, environment)
}

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    load_with(None, env(variables))
}

fn mistakes(variables: &[(&str, &str)]) -> String {
    load(variables).expect_err("must be refused").to_string()
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bff.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// A folder with a key, and what else production wants.
fn production() -> (tempfile::TempDir, Vec<(OsString, OsString)>) {
    let keys = tempfile::tempdir().unwrap();
    std::fs::write(keys.path().join("1.pem"), "").unwrap();
    let variables = env(&[
        ("BFF__PROFILE", "production"),
        ("BFF__SESSION__SECRET", "0123456789abcdef0123456789abcdef"),
        ("BFF__KEYS__DIR", keys.path().to_str().unwrap()),
    ]);
    (keys, variables)
}

fn leaves(tree: &Dict, prefix: &str, found: &mut BTreeSet<String>) {
    for (key, value) in tree {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Figment::Dict(_, below) => leaves(below, &path, found),
            _ => drop(found.insert(path)),
        }
    }
}

/// The defaults, with a section for each name that the product declares.
fn default_tree() -> Dict {
    let (mut tree, templates) = defaults::default_tree();
    let named = Figment::serialize(declared()).unwrap().into_dict().unwrap();
    templates.name_sections(&mut tree, &named);
    tree
}

fn default_keys() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    leaves(&default_tree(), "", &mut found);
    found
}

fn at<'a>(json: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(json, |value, key| &value[key])
}
