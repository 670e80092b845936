//! SIGHUP has declarations read again.

use std::fs;

use serde_json::json;
use tests::{DeclaredBff, Product, Stub, eventually};

use super::{page, shelf};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_declaration_takes_effect_and_a_broken_one_changes_nothing_and_says_why() {
    let first = page("[parts.news]\nget = \"shelf:/news\"\n");
    let product = Product::over_shelf().screen("page", &first);
    let bff = DeclaredBff::over(product, &shelf()).await;
    let ada = bff.signed_in("ada").await;
    let news = json!({ "items": ["n1", "n2"] });
    assert_eq!(ada.get("/bff/page").await.expect(200).json(), json!({ "news": news, "degraded": [] }));
    ada.get("/bff/more").await.expect_problem(404, "not_found");

    bff.product().write("screens/page.toml", &first.replace("parts.news", "parts.again"));
    bff.product().write("screens/more.toml", &first.replace("/bff/page", "/bff/more"));
    bff.signal("HUP").await;
    eventually("the new declaration", || async {
        (ada.get("/bff/page").await.expect(200).json() == json!({ "again": news, "degraded": [] }))
            .then_some(())
    })
    .await;
    assert_eq!(ada.get("/bff/more").await.expect(200).json(), json!({ "news": news, "degraded": [] }));

    bff.product().write("screens/page.toml", &first.replace("shelf:/news", "shelve:/news"));
    bff.signal("HUP").await;
    eventually("a word on what is wrong", || async {
        bff.output().contains("screens/page.toml:").then_some(())
    })
    .await;
    assert!(bff.output().contains("shelve"), "{}", bff.output());
    assert_eq!(ada.get("/bff/page").await.expect(200).json(), json!({ "again": news, "degraded": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_another_upstream_keeps_are_looked_for_there() {
    let product = Product::over_shelf().gateway("[upstreams.staff]\nurl = \"http://127.0.0.1:9\"\n");
    let accounts = "[accounts]\nupstream = \"people\"";
    let moved = fs::read_to_string(product.dir().join("gateway.toml")).expect("a file");
    assert!(moved.contains(accounts));
    let bff = DeclaredBff::builder(product)
        .stub("shelf", &shelf())
        .stub("people", &Stub::people())
        .stub("staff", &Stub::people())
        .spawn()
        .await;
    bff.signed_in("ada").await;
    assert!(!bff.upstream("people").requests().is_empty());
    assert!(bff.upstream("staff").requests().is_empty());

    bff.product().write("gateway.toml", &moved.replace(accounts, "[accounts]\nupstream = \"staff\""));
    bff.signal("HUP").await;
    eventually("a sign-in at the other upstream", || async {
        let _ = bff.anonymous().try_sign_in("bora").await.expect(200);
        (!bff.upstream("staff").requests().is_empty()).then_some(())
    })
    .await;
    bff.forget_calls();
    bff.signed_in("chan").await;
    assert!(bff.upstream("people").requests().is_empty());
}
