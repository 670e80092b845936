//! SIGHUP has declarations read again.

use serde_json::json;
use tests::{DeclaredBff, Product, eventually};

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
