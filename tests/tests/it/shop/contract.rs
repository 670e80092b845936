//! The contract with callers of a second product: sound by the recommended rules, and types can be made of it.

use std::{fs, path::PathBuf};

use serde_json::Value;
use tests::{figures, run_bff, shop};
use tokio::process::Command;

fn root() -> PathBuf {
    shop().join("../..")
}

#[tokio::test]
async fn it_passes_the_recommended_rules_and_types_are_made_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = shop().display().to_string();
    let (code, text) = run_bff(&["openapi", "--declarations", &dir], &[], folder.path()).await;
    assert_eq!(code, Some(0), "{text}");
    let contract: Value = serde_json::from_str(&text).expect("nothing but JSON");
    let (made, types) = (folder.path().join("openapi.json"), folder.path().join("contract.ts"));
    fs::write(&made, text).expect("written");

    let linter = root().join("tests/contract");
    assert!(linter.join("node_modules").exists(), "`npm ci` in tests/contract brings the linter");
    let ran = Command::new("node")
        .arg(linter.join("node_modules/@redocly/cli/bin/cli.js"))
        .args(["lint", "--format=json"])
        .arg(&made)
        .current_dir(&linter)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .output()
        .await
        .expect("node runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(report["totals"]["errors"], 0, "{said}");
    figures::note("redocly: the shop", format!("0 errors, {} warnings", report["totals"]["warnings"]));

    let generator = root().join("schemas/typescript/node_modules/openapi-typescript/bin/cli.js");
    let ran = Command::new("node").arg(generator).arg(&made).arg("--output").arg(&types).output().await;
    let ran = ran.expect("node runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let types = fs::read_to_string(types).expect("types");
    for path in contract["paths"].as_object().expect("paths").keys() {
        assert!(types.contains(&format!("\"{path}\": {{")), "{path}");
    }
    // An intersection with an object without fields is a type that no value has.
    assert!(!types.contains("& Record<string, never>") && !types.contains("Record<string, never> &"));
}
