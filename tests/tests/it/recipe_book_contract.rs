//! Every read and write of the recipe book, as the committed contract with callers tells of it: who may call, what a success
//! is, and what is made once.

use std::{fs, path::Path};

use serde_json::Value;

/// Method, path, whether it is open to everybody, status. DESIGN section 4.
const ROUTES: [(&str, &str, bool, &str); 25] = [
    ("delete", "/api/comments/{id}", false, "204"),
    ("put", "/api/comments/{id}", false, "200"),
    ("delete", "/api/comments/{id}/like", false, "204"),
    ("put", "/api/comments/{id}/like", false, "204"),
    ("delete", "/api/follows/{memberId}", false, "204"),
    ("put", "/api/follows/{memberId}", false, "204"),
    ("get", "/api/ingredients", true, "200"),
    // The gateway's own: how members leave, and what they take along.
    ("delete", "/api/me", false, "202"),
    ("get", "/api/me", false, "200"),
    ("patch", "/api/me", false, "200"),
    ("get", "/api/me/export", false, "200"),
    ("post", "/api/posts", false, "201"),
    ("delete", "/api/posts/{id}", false, "204"),
    ("delete", "/api/posts/{id}/like", false, "204"),
    ("put", "/api/posts/{id}/like", false, "204"),
    ("get", "/api/recipes", true, "200"),
    ("post", "/api/recipes", false, "201"),
    ("delete", "/api/recipes/{id}", false, "204"),
    ("get", "/api/recipes/{id}", true, "200"),
    ("put", "/api/recipes/{id}", false, "200"),
    ("get", "/api/recipes/{id}/comments", true, "200"),
    ("post", "/api/recipes/{id}/comments", false, "201"),
    ("get", "/api/recipes/{id}/form", false, "200"),
    ("delete", "/api/recipes/{id}/like", false, "204"),
    ("put", "/api/recipes/{id}/like", false, "204"),
];
const SCREENS: [(&str, bool); 4] =
    [("/bff/home-feed", false), ("/bff/me", false), ("/bff/members/{id}", true), ("/bff/recipes/{id}", true)];

fn contract() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/openapi.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the contract")).expect("JSON")
}

/// The operations below a folder of paths: method, path, and what is said of them.
fn operations<'c>(contract: &'c Value, below: &str) -> Vec<(&'c str, &'c str, &'c Value)> {
    let paths = contract["paths"].as_object().expect("paths");
    let below = paths.iter().filter(|(path, _)| path.starts_with(below));
    let all = below.flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").iter();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    });
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(method, path, _)| (*path, *method));
    all
}

fn is_open(operation: &Value) -> bool {
    let ways = operation["security"].as_array().expect("ways to prove oneself");
    ways.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty))
}

#[test]
fn every_read_and_write_is_there_with_its_access_and_status() {
    let contract = contract();
    let told: Vec<_> = operations(&contract, "/api/")
        .into_iter()
        .map(|(method, path, operation)| {
            let statuses = operation["responses"].as_object().expect("answers").keys();
            let success = statuses.map(String::as_str).find(|status| status.starts_with('2'));
            (method, path, is_open(operation), success.expect("a success"))
        })
        .collect();
    assert_eq!(told, ROUTES);
    let screens = operations(&contract, "/bff/").into_iter().filter(|(_, path, _)| *path != "/bff/notify");
    let screens: Vec<_> = screens.map(|(_, path, operation)| (path, is_open(operation))).collect();
    assert_eq!(screens, SCREENS);
}

#[test]
fn what_is_made_is_made_once_and_says_where_it_is() {
    for (method, path, operation) in operations(&contract(), "/api/") {
        let is_post = method == "post";
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let once = parameters.into_iter().any(|parameter| parameter["name"] == "Idempotency-Key");
        let answers = operation["responses"].as_object().expect("answers");
        let located = answers.values().any(|answer| answer["headers"].get("Location").is_some());
        assert_eq!((once, located), (is_post, is_post), "{method} {path}");
        let replaces = method == "put" && answers.contains_key("200");
        // Leaving takes a password.
        let takes = is_post || method == "patch" || replaces || (method, path) == ("delete", "/api/me");
        assert_eq!(operation.get("requestBody").is_some(), takes, "{method} {path}");
    }
}
