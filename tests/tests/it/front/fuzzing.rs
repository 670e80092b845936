//! The contract against the gateway, by somebody who knows nothing but the contract: schemathesis makes requests of it,
//! right and wrong ones, and holds the answers against it.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{PASSWORD, TestBff, figures};
use tokio::process::Command;

use super::root;

/// For each operation and phase.
const EXAMPLES: &str = "20";

#[tokio::test]
async fn generated_requests_find_nothing_that_the_contract_does_not_say() {
    // Wrong codes and passwords by the hundred are what it is made of.
    let bff = TestBff::builder()
        .set("throttle.account_failures", 1_000_000)
        .set("throttle.address_failures", 1_000_000)
        .set("files.url", "folder:files")
        .spawn()
        .await;
    let ada = bff.signed_in("ada").await;
    let recipe = json!({
        "title": "Kimchi fried rice",
        "body": "Fry the kimchi, then the rice.",
        "servings": 2,
        "ingredients": [{ "ingredientId": "rice", "amount": 300 }],
    });
    let made = ada.post("/api/recipes", &recipe).await.expect(201).json();
    let comments = format!("/api/recipes/{}/comments", made["id"].as_str().expect("an id"));
    let _ = ada.post(&comments, &json!({ "body": "So good" })).await.expect(201);

    #[expect(
        clippy::disallowed_methods,
        reason = "the suite is no part of the gateway and not configured by it"
    )]
    let python = std::env::var("TEST_PYTHON").expect("tests/run makes a Python environment");
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.json");
    let ran = Command::new(python)
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(root().join("tests/contract/schemathesis.toml"))
        .args(["run", &format!("{}/openapi.json", bff.url()), "--max-examples", EXAMPLES])
        .args(["--report", "json", "--report-json-path"])
        .arg(&report)
        // What it keeps between runs goes there, and hooks are found beside the settings.
        .current_dir(folder.path())
        .env("PYTHONPATH", root().join("tests/contract"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("BFF_URL", bff.url())
        .env("BFF_LOGIN", "ada")
        .env("BFF_PASSWORD", PASSWORD)
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{wrong}");
    let report: Value = serde_json::from_str(&fs::read_to_string(report).expect("a report")).expect("JSON");
    assert_eq!((&report["failures"], &report["errors"]), (&json!([]), &json!([])), "{said}");
    let (operations, cases) = (&report["operations"], &report["test_cases"]);
    assert_eq!(operations["tested"], operations["total"], "{said}");
    let generated = cases["generated"].as_u64().expect("a number");
    assert!(generated > 1000, "{said}");
    figures::note(
        "schemathesis: generated requests",
        format!("{generated} over {} operations, 0 failures", operations["tested"]),
    );
    // It stands, and so does everybody's data.
    let _ = ada.sign_in("ada").await;
    let _ = ada.request(Method::GET, "/bff/home-feed").send().await.expect(200);
}

#[tokio::test]
async fn the_contracts_pass_the_recommended_rules() {
    let folder = root().join("tests/contract");
    assert!(folder.join("node_modules").exists(), "`npm ci` in tests/contract brings the linter");
    let mut contracts = vec![root().join("schemas/openapi.json")];
    let upstreams = fs::read_dir(root().join("clients/contracts")).expect("the upstreams' contracts");
    contracts.extend(upstreams.map(|file| file.expect("a file").path()));
    let ran = Command::new("node")
        .arg(folder.join("node_modules/@redocly/cli/bin/cli.js"))
        .args(["lint", "--format=json"])
        .args(&contracts)
        .current_dir(&folder)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .output()
        .await
        .expect("node runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{wrong}");
    // A report for each, one after the other.
    let reports = serde_json::Deserializer::from_str(&said).into_iter::<Value>();
    let reports = reports.collect::<Result<Vec<_>, _>>().unwrap_or_else(|_| panic!("{said}{wrong}"));
    assert_eq!(reports.len(), contracts.len(), "{said}");
    let total = |what: &str| reports.iter().filter_map(|report| report["totals"][what].as_u64()).sum::<u64>();
    assert_eq!(total("errors"), 0, "{said}");
    figures::note(
        "redocly",
        format!("{} contracts, 0 errors, {} warnings", contracts.len(), total("warnings")),
    );
}
