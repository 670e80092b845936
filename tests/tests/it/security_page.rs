//! `bff/docs/security.md` names tests. They are there.

use std::{fs, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where a file that the page names is: a bare name or a folder of the suites, or a path of the gateway's sources, or
/// one from the top.
fn find(file: &str) -> Option<String> {
    let places = ["tests/tests/it", "bff/src", "."];
    places.iter().find_map(|place| fs::read_to_string(root().join(place).join(file)).ok())
}

#[test]
fn every_test_that_the_security_page_names_exists() {
    let page = fs::read_to_string(root().join("bff/docs/security.md")).expect("the page");
    let named: Vec<_> = page
        .split('`')
        .filter_map(|quoted| quoted.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
        .collect();
    assert!(named.len() > 50, "{} tests are named", named.len());
    let missing: Vec<_> = named
        .iter()
        .filter(|(file, test)| !find(file).is_some_and(|text| text.contains(&format!("fn {test}("))))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
