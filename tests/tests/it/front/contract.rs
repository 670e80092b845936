//! The contract: what is served is what is committed, what is routed is what is described, and the types follow.

use std::{collections::BTreeSet, fs};

use reqwest::Method;
use serde_json::Value;
use tests::TestBff;
use tokio::process::Command;

use super::root;

fn committed() -> Value {
    let text = fs::read_to_string(root().join("schemas/openapi.json")).expect("the contract");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn the_served_contract_is_the_committed_one_and_the_types_are_made_of_it() {
    let bff = TestBff::spawn().await;
    let served = bff.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(served.json(), committed(), "`bff openapi > schemas/openapi.json` brings it up to date");

    let package = root().join("schemas/typescript");
    assert!(package.join("node_modules").exists(), "`npm ci` in schemas/typescript brings the generator");
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("contract.ts");
    let ran = Command::new("node")
        .arg(package.join("node_modules/openapi-typescript/bin/cli.js"))
        .arg(format!("{}/openapi.json", bff.url()))
        .arg("--output")
        .arg(&made)
        .output()
        .await
        .expect("node runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let kept = fs::read_to_string(package.join("src/contract.ts")).expect("the types");
    assert!(
        fs::read_to_string(made).expect("types") == kept,
        "`npm run generate` brings the types up to date"
    );
}

#[tokio::test]
async fn every_path_answers_the_methods_that_are_described_and_no_others() {
    let bff = TestBff::builder().set("files.url", "folder:files").spawn().await;
    let nobody = bff.anonymous();
    let contract = committed();
    for (path, item) in contract["paths"].as_object().expect("paths") {
        let described: BTreeSet<String> =
            item.as_object().expect("an item").keys().map(|method| method.to_uppercase()).collect();
        let place = path.replace("{id}", "x").replace("{memberId}", "x").replace("{provider}", "x");
        let odd = Method::from_bytes(b"PURGE").expect("a method");
        let refused = nobody.request(odd, &place).send().await.expect(405);
        let allowed: BTreeSet<String> = refused
            .header("allow")
            .expect("Allow")
            .split(", ")
            .filter(|method| *method != "HEAD")
            .map(str::to_owned)
            .collect();
        assert_eq!(allowed, described, "{path}");
    }
}
