//! The app of `tests/browser/spa` in Chromium.

use std::{path::Path, process::Output};

use serde_json::{Value, json};
use tests::{Program, TestBff, figures, soon};
use tokio::process::Command;

use super::serving;
use crate::{
    fixtures::publish,
    front::{pictures, root, run},
};

fn vite(arguments: &[&str]) -> Command {
    let folder = root().join("tests/browser");
    let program = folder.join("node_modules/vite/bin/vite.js");
    assert!(program.exists(), "`npm ci` in tests/browser brings Vite");
    let mut command = Command::new("node");
    command.arg(program).args(arguments).current_dir(folder.join("spa")).env("NO_COLOR", "1");
    command
}

async fn build(into: &Path) {
    let types = root().join("tests/browser/node_modules/typescript/bin/tsc");
    let mut check = Command::new("node");
    check.arg(types).args(["-p", "."]).current_dir(root().join("tests/browser/spa"));
    let mut build = vite(&["build", "--emptyOutDir", "--outDir"]);
    build.arg(into);
    for mut command in [check, build] {
        let Output { status, stdout, stderr } =
            soon("the build", command.kill_on_drop(true).output()).await.expect("node runs");
        let said = [stdout, stderr].concat();
        assert!(status.success(), "{}", String::from_utf8_lossy(&said));
    }
}

/// What both ways of serving the app have in common.
fn expect_usual(result: &Value, served: bool) {
    let seen = &result["seen"];
    assert_eq!(result["consoleMessages"], json!([]));
    assert_eq!(seen["title"], "Rice </script> & more", "from /config.js");
    assert_eq!(seen["config"]["frozen"], true);
    assert_eq!(seen["cookies"], json!([{ "name": "sid", "httpOnly": true, "sameSite": "Lax" }]));
    assert_eq!((&seen["recipe"], &seen["recipeOfAVisitor"]), (&json!("Fried rice"), &json!("Fried rice")));
    assert_eq!(seen["notices"], json!(["sse comment.created", "websocket comment.created"]));
    assert_eq!((&seen["afterReload"], &seen["comments"]), (&json!("Fried rice"), &json!(["Made it twice"])));
    assert_eq!(seen["nowhere"], "There is no such page.");
    let how = if served { "served by the gateway" } else { "behind Vite's dev server" };
    for (step, took) in result["times"].as_object().expect("an object") {
        figures::note(&format!("the single-page app {how}: {step}"), format!("{took} ms"));
    }
}

fn config() -> String {
    json!({ "title": "Rice </script> & more" }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_works_behind_the_dev_server_of_vite() {
    let bff = TestBff::builder().set("site.config", config()).spawn().await;
    let carl = bff.signed_in("carl").await;
    let recipe = publish(&carl, "Fried rice").await;
    let mut command = vite(&["--host", "127.0.0.1", "--port", "0"]);
    command.env("GATEWAY", bff.url());
    let mut server = Program::start(command);
    let line = soon("the dev server", server.line("  ➜  Local:")).await;
    let app = line.split_whitespace().last().expect("its address").trim_end_matches('/').to_owned();
    let told = json!({ "app": app, "recipe": recipe, "served": false, "pictures": pictures() });
    let result = run("site.mjs", &told).await;
    expect_usual(&result, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_app_works_served_by_the_gateway_under_its_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    build(folder.path()).await;
    // The limits are those of production: a page with its files stays within them.
    let builder = serving(folder.path()).set("site.config", config()).set("limits.enabled", true);
    // Vite makes hashes that look like words, too: which one it is follows from every line of the app and the client.
    let bff = builder.set("site.immutable", "/assets/").spawn().await;
    let carl = bff.signed_in("carl").await;
    let recipe = publish(&carl, "Fried rice").await;
    let told = json!({ "app": bff.url(), "recipe": recipe, "served": true, "pictures": pictures() });
    let result = run("site.mjs", &told).await;
    expect_usual(&result, true);
    let seen = &result["seen"];
    let policy = seen["headers"]["content-security-policy"].as_str().expect("a policy");
    assert!(policy.starts_with("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(seen["headers"]["cache-control"], "no-cache");
    assert_eq!(seen["injected"], json!({ "script": false, "evaluated": false, "framed": false }));
    assert_eq!(seen["staleChunk"], "TypeError", "a chunk of another build is an error, and no page");
    // After the reload everything that is named after its content came out of the browser's own cache.
    let loaded = seen["loaded"].as_array().expect("a list");
    assert!(loaded.len() >= 2, "{loaded:?}");
    for file in loaded {
        assert_eq!(file["transferSize"], 0, "{file}");
        assert!(file["decodedBodySize"].as_u64() > Some(0), "{file}");
    }
    let first = bff.anonymous().get(loaded[0]["name"].as_str().expect("a path")).await.expect(200);
    assert_eq!(first.header("cache-control"), Some(super::IMMUTABLE));
}
