//! The single-page app and what `/config.js` hands out.

use serde_json::json;

use super::*;

fn values(config: &Config) -> Value {
    Value::Object(config.site.config.clone())
}

#[test]
fn the_operators_own_keys_come_from_file_and_environment_as_they_are_written() {
    let text = "[site.config]\napiBase = \"/\"\nlimit = 20\nsince = 2026-11-21\n[site.config.flags]\nnewCart = true\nold = false\n";
    let (_folder, path) = file(text);
    let config = load_with(Some(&path), env(&[])).unwrap();
    let mut expected =
        json!({"apiBase": "/", "limit": 20, "since": "2026-11-21", "flags": {"newCart": true, "old": false}});
    assert_eq!(values(&config), expected);

    let told = r#"{"apiBase": "https://api.example", "flags": {"old": null}, "share": 0.5, "list": [1, {"a": "b"}]}"#;
    let config = load_with(Some(&path), env(&[("BFF__SITE__CONFIG", told)])).unwrap();
    expected["apiBase"] = json!("https://api.example");
    expected["flags"]["old"] = Value::Null;
    expected["share"] = json!(0.5);
    expected["list"] = json!([1, {"a": "b"}]);
    assert_eq!(values(&config), expected);
    assert_eq!(values(&Config::defaults().unwrap()), json!({}));
}

#[test]
fn what_is_no_object_or_names_one_key_is_a_mistake() {
    for text in ["", "x", "[1]", "\"a\"", "{\"planted\": }", "1"] {
        let said = mistakes(&[("BFF__SITE__CONFIG", text)]);
        assert!(said.starts_with("site.config: is not a JSON object"), "{text}: {said}");
        assert!(!said.contains("planted"), "{said}");
    }
    let said = mistakes(&[("BFF__SITE__CONFIG__APIBASE", "/")]);
    assert!(said.starts_with("site.config.apibase: names of variables have no case"), "{said}");
    let (_folder, path) = file("[site]\nconfig = 1\n");
    let errors = load_with(Some(&path), env(&[])).unwrap_err();
    assert_eq!(errors.to_string(), "site.config: is a section, not a value");
}

#[test]
fn nothing_secret_is_handed_out() {
    let own = "0123456789abcdef0123456789abcdef";
    let pem = "-----BEGIN PRIVATE KEY-----";
    for (text, path) in [
        (json!({ "a": { "b": [{ "c": format!("x{own}y") }] } }), "site.config.a.b[0].c"),
        (json!({ "a": ["x", own] }), "site.config.a"),
        (json!({ "key": format!("{pem}\nabc") }), "site.config.key"),
        (json!({ "dsn": "https://user:planted@host.example/1" }), "site.config.dsn"),
        (json!({ "a": { "__proto__": 1 } }), "site.config.a.__proto__"),
    ] {
        let told = text.to_string();
        let said = mistakes(&[("BFF__SESSION__SECRET", own), ("BFF__SITE__CONFIG", &told)]);
        assert!(said.starts_with(&format!("{path}: ")), "{told}: {said}");
        assert!(!said.contains(own) && !said.contains("planted"), "{said}");
    }
}

#[test]
fn names_of_secrets_are_refused_in_production_and_warned_of_before() {
    let telling = ["clientSecret", "DB_PASSWORD", "session-token", "aws.credentials", "privateKey", "token2"];
    let harmless = [
        "publicMapToken",
        "tokenUrl",
        "passwordMinLength",
        "apiKey",
        "siteKey",
        "secretSanta",
        "PUBLIC_TOKEN",
        "tokenize",
    ];
    for (names, refused) in [(&telling[..], true), (&harmless[..], false)] {
        for name in names {
            let told = json!({ "nested": { *name: "x" } }).to_string();
            let (_keys, mut variables) = production();
            variables.extend(env(&[("BFF__SITE__CONFIG", &told)]));
            let production = load_with(None, variables);
            assert_eq!(production.is_err(), refused, "{name}: {production:?}");
            let development = load(&[("BFF__SITE__CONFIG", &told)]).unwrap();
            assert_eq!(!development.warnings().is_empty(), refused, "{name}: {:?}", development.warnings());
        }
    }
}

#[test]
fn every_mistake_about_the_app_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let said = mistakes(&[
        ("BFF__SITE__DIR", here),
        ("BFF__SITE__IMMUTABLE", "assets, /, /ok/"),
        ("BFF__SITE__CONTENT_SECURITY_POLICY", "default-src 'self',"),
        ("BFF__SITE__RETIRE_MS", "99999999999"),
        ("BFF__SITE__MEMORY_BYTES", "1"),
        ("BFF__SITE__CONFIG_NAME", "a.b"),
    ]);
    let paths: Vec<_> = said.lines().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(
        paths,
        [
            "site.config_name",
            "site.content_security_policy",
            "site.dir",
            "site.immutable[0]",
            "site.immutable[1]",
            "site.memory_bytes",
            "site.retire_ms",
        ],
        "{said}"
    );
    assert!(said.contains("has no index.html"), "{said}");
    let file = folder.path().join("index.html");
    std::fs::write(&file, "").unwrap();
    assert!(mistakes(&[("BFF__SITE__DIR", here)]).contains("is empty"));
    assert!(mistakes(&[("BFF__SITE__DIR", file.to_str().unwrap())]).contains("is not a folder"));
    std::fs::write(&file, "<!doctype html>").unwrap();
    let config = load(&[("BFF__SITE__DIR", here)]).unwrap();
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    for policy in ["default-src *", "default-src 'self'; script-src 'self' 'unsafe-inline'", "img-src 'self'"]
    {
        let config =
            load(&[("BFF__SITE__DIR", here), ("BFF__SITE__CONTENT_SECURITY_POLICY", policy)]).unwrap();
        assert!(config.warnings()[0].starts_with("site.content_security_policy"), "{policy}");
    }
}
