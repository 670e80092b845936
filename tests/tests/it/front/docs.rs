//! The API reference page: in Chromium, as a document over HTTP, and switched off.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{PASSWORD, TestBff};

use super::{pictures, run};

fn operations(contract: &Value) -> BTreeSet<String> {
    let items = contract["paths"].as_object().expect("paths").values();
    let described = items.flat_map(|item| item.as_object().expect("an item").values());
    described.map(|operation| operation["operationId"].as_str().expect("an id").to_owned()).collect()
}

fn ids(list: &Value) -> BTreeSet<String> {
    let names = list.as_array().expect("a list").iter();
    names.map(|id| id.as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn the_reference_page_is_complete_and_comes_from_the_gateway_alone() {
    let bff = TestBff::spawn().await;
    let _ = bff.sign_up("ada").await;
    let contract = bff.anonymous().get("/openapi.json").await.expect(200).json();
    let told = json!({ "gateway": bff.url(), "pictures": pictures(), "login": "ada", "password": PASSWORD });
    let result = run("docs.mjs", &told).await;
    let seen = &result["seen"];
    assert_eq!(result["elsewhere"], json!([]), "nothing is asked of another host");
    assert_eq!(result["consoleMessages"], json!([]));
    let findings = result["findings"].as_array().expect("a list");
    assert_eq!(findings.iter().filter(|finding| finding["id"] == "looked through").count(), 2);
    let serious: Vec<&Value> = findings
        .iter()
        .filter(|finding| matches!(finding["impact"].as_str(), Some("serious" | "critical")))
        .collect();
    assert!(serious.is_empty(), "{serious:#?}");
    for name in ["390-light", "390-dark", "390-operation", "1280-light", "1280-dark", "1280-operation"] {
        assert_eq!(seen[format!("wider than the window: {name}")], 0, "{name}");
    }
    assert_ne!(seen["ground"]["light"], seen["ground"]["dark"]);

    let all = operations(&contract);
    assert_eq!(ids(&seen["operations"]), all);
    assert_eq!(seen["withoutScript"], all.len());
    assert_eq!(seen["idleControls"], 0, "what needs a script is not there without one");
    assert_eq!((&seen["linked to at 390"], &seen["linked to at 1280"]), (&json!(true), &json!(true)));
    let likes = BTreeSet::from(["likeRecipe", "unlikeRecipe"].map(str::to_owned));
    assert_eq!(ids(&seen["search"]), likes, "by a problem's code");
    assert_eq!(seen["said"], "2 operations");
    assert_eq!(seen["nothing"], json!([[], true]));
    assert_eq!(seen["revealed"], all.len());

    let (read, written) = (seen["read"].as_str().expect("text"), seen["written"].as_str().expect("text"));
    assert!(read.starts_with("GET /bff/me\n200 in ") && read.contains("\"username\": \"ada\""), "{read}");
    assert!(written.starts_with("POST /api/posts\n201 in "), "{written}");
}

#[tokio::test]
async fn the_reference_page_is_validated_compressed_and_strictly_confined() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    let page = nobody.get("/docs").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    let rules: BTreeSet<&str> = policy.split("; ").collect();
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
        assert!(rules.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    for kind in ["script-src 'sha256-", "style-src 'sha256-"] {
        let rule = rules.iter().find(|rule| rule.starts_with(kind)).expect("a hash");
        assert_eq!(rule.split(' ').count(), 2, "exactly one is allowed: {rule}");
    }

    for path in ["/docs", "/openapi.json"] {
        let plain = nobody.get(path).await.expect(200);
        let tag = plain.header("etag").expect("a validator").to_owned();
        let known = nobody.request(Method::GET, path).header("if-none-match", &tag).send().await.expect(304);
        assert_eq!(known.header("etag"), Some(&*tag));
        let head = nobody.request(Method::HEAD, path).send().await.expect(200);
        assert_eq!((head.header("etag"), head.text().as_str()), (Some(&*tag), ""));
        for coding in ["br", "gzip"] {
            let small =
                nobody.request(Method::GET, path).header("accept-encoding", coding).send().await.expect(200);
            assert_eq!(small.header("content-encoding"), Some(coding));
            assert!(small.body.len() * 4 < plain.body.len(), "{} of {}", small.body.len(), plain.body.len());
            let other = small.header("etag").expect("a validator").to_owned();
            assert_ne!(other, tag, "a representation of its own");
        }
    }
}

#[tokio::test]
async fn an_operator_can_do_without_the_reference() {
    let bff = TestBff::builder().set("http.docs", false).spawn().await;
    for path in ["/docs", "/openapi.json"] {
        let answer = bff.anonymous().get(path).await.expect(404);
        assert_eq!(answer.json()["code"], "not_found", "{path}");
    }
}
