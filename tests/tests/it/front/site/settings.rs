//! `/config.js`, and settings of the app that are refused.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{TestBff, run_bff};

use super::{asked, build, serving};

/// What the script sets the global to.
fn values(text: &str, name: &str) -> Value {
    let start = format!("globalThis.{name} = Object.freeze(");
    let literal = text.strip_prefix(&start).and_then(|rest| rest.strip_suffix(");\n"));
    serde_json::from_str(literal.unwrap_or_else(|| panic!("{text}"))).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_front_end_are_a_script_without_an_app_too() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    let empty = nobody.get("/config.js").await.expect(200);
    assert_eq!(values(&empty.text(), "__CONFIG__"), json!({}));

    let told = json!({ "title": "</script><b>&\u{2028}", "flags": { "newCart": true }, "limit": 20 });
    let bff = TestBff::builder().set("site.config", &told).set("site.config_name", "APP").spawn().await;
    let nobody = bff.anonymous();
    let script = nobody.get("/config.js").await.expect(200);
    assert_eq!(values(&script.text(), "APP"), told);
    assert!(!script.text().contains(['<', '>', '&', '\u{2028}']), "{}", script.text());
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(script.header(name), Some(value));
    }
    assert_eq!(script.all("set-cookie"), Vec::<String>::new());
    let known = asked(&nobody, "/config.js", &[("if-none-match", script.etag())]).await.expect(304);
    assert!(known.body.is_empty() && known.header("cache-control") == Some("no-cache"));
    assert_ne!(empty.etag(), script.etag());
    let head = nobody.request(Method::HEAD, "/config.js").send().await.expect(200);
    assert_eq!((head.body.len(), head.header("etag")), (0, script.header("etag")));
    nobody.request(Method::POST, "/config.js").send().await.expect_problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_has_its_settings_and_its_own_config_js_does_not_count() {
    let folder = build();
    super::write(folder.path(), "config.js", "alert(1)");
    let bff = serving(folder.path()).set("site.config", json!({ "a": 1 })).spawn().await;
    let script = bff.anonymous().get("/config.js").await.expect(200);
    assert_eq!(values(&script.text(), "__CONFIG__"), json!({ "a": 1 }));
    assert!(
        bff.output().contains("/config.js is not served: the path is the gateway's own"),
        "{}",
        bff.output()
    );
}

#[tokio::test]
async fn mistakes_about_the_app_are_told_together_before_anything_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().display().to_string();
    let settings = [
        ("site.dir", here.as_str()),
        ("site.immutable", "assets"),
        ("site.config", r#"{"upstream": "planted-0123456789abcdef0123456789abcdef"}"#),
        ("session.secret", "planted-0123456789abcdef0123456789abcdef"),
    ];
    for command in ["check", "serve"] {
        let (code, said) = run_bff(&[command], &settings, folder.path()).await;
        assert_eq!(code, Some(1), "{said}");
        for start in
            ["site.dir: ", "site.immutable[0]: ", "site.config.upstream: holds one of the gateway's secrets"]
        {
            assert!(said.lines().any(|line| line.starts_with(start)), "{start}: {said}");
        }
        assert!(!said.contains("planted"), "{said}");
    }
    let (code, said) = run_bff(&["check"], &[("site.dir", "/nonexistent/planted-dir")], folder.path()).await;
    assert!(code == Some(1) && said.starts_with("site.dir: "), "{said}");
}

#[test]
fn the_page_about_apps_shows_what_runs() {
    let read = |path: &str| std::fs::read_to_string(crate::front::root().join(path)).expect("a file");
    let page = read("bff/docs/single-page-apps.md");
    let recipe = read("tests/browser/spa/vite.config.ts");
    let own = recipe.lines().find(|line| line.starts_with("const gatewaysOwn")).expect("the recipe");
    assert!(page.contains(own), "{own}");
    assert!(recipe.contains("[gatewaysOwn]: { target: gateway, ws: true }") && page.contains("ws: true"));
    let defaults = read("bff/config/default.toml");
    let policy = defaults.lines().find_map(|line| line.strip_prefix("content_security_policy = "));
    assert!(page.contains(policy.expect("the key").trim_matches('"')), "{policy:?}");
}
