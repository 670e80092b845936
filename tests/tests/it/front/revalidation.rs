//! What the app keeps for everybody: a write in the gateway reaches its hook, and the next page is current.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Builder, Proxy, TestBff, eventually, soon};

use super::web::Web;
use crate::fixtures::{publish, recipe_input};

/// What the app lets in.
pub(super) const SECRET: &str = "planted-secret-of-the-rendering-server";
const HOOK: &str = "/hooks/revalidate";

/// A gateway that tells the app behind `hook` what changed.
pub(super) fn wired(hook: &Proxy) -> Builder {
    wired_with(hook, SECRET)
}

fn wired_with(hook: &Proxy, secret: &str) -> Builder {
    let builder = TestBff::builder().set("events.revalidate_url", format!("{}{HOOK}", hook.url()));
    builder.set("events.revalidate_secret", secret)
}

/// The app behind a proxy that writes down what its hook is told, and before a gateway behind another one.
struct Wired {
    bff: TestBff,
    /// Before the app: what the gateway calls.
    hook: Proxy,
    /// Before the gateway: what the app asks.
    gateway: Proxy,
    web: Web,
}

impl Wired {
    /// The gateway presents `secret` to the hook.
    async fn start(secret: &str) -> Self {
        let hook = Proxy::listen().await.expect("a port");
        let bff = wired_with(&hook, secret).spawn().await;
        let address = bff.url().trim_start_matches("http://").parse().expect("an address");
        let gateway = Proxy::before(address).await.expect("a port");
        let web = Web::start_with(&gateway.url(), &[("BFF_REVALIDATE_SECRET", SECRET)]).await;
        hook.forward_to(web.url.trim_start_matches("http://").parse().expect("an address"));
        Self { bff, hook, gateway, web }
    }

    /// How often the app asked the gateway for `path`.
    fn asked(&self, path: &str) -> usize {
        self.gateway.requests().iter().filter(|request| request.path == path).count()
    }

    /// Tags that the hook was told.
    fn told(&self) -> Vec<String> {
        let bodies =
            self.hook.requests().into_iter().filter(|request| request.line() == format!("POST {HOOK}"));
        let told = bodies.map(|request| serde_json::from_slice::<Value>(&request.body).expect("JSON"));
        let tags = told.flat_map(|body| body["tags"].as_array().cloned().unwrap_or_default());
        tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
    }

    async fn page(&self, path: &str) -> String {
        self.bff.anonymous().elsewhere(&self.web.url).get(path).await.expect(200).text()
    }
}

#[tokio::test]
async fn a_page_that_is_kept_for_everybody_is_current_after_a_write() {
    let wired = Wired::start(SECRET).await;
    let ada = wired.bff.signed_in("ada").await;
    let id = publish(&ada, "Fried rice").await;
    let (page, document) = (format!("/recipes/{id}"), format!("/bff/recipes/{id}"));
    // Whatever its publication told has been told before the page is kept.
    eventually("the publication", || async { wired.told().contains(&"recipes".to_owned()).then_some(()) })
        .await;
    for _ in 0..3 {
        assert!(wired.page(&page).await.contains("Fried rice"));
    }
    assert_eq!(wired.asked(&document), 1, "it is kept");
    assert!(wired.page("/").await.contains("Fried rice"));

    wired.hook.clear();
    let input = recipe_input("Fried rice with kimchi");
    let _ = ada.from_page(Method::PUT, &format!("/api/recipes/{id}")).json(&input).send().await.expect(200);
    let tag = format!("recipe:{id}");
    eventually("the hook to be told", || async { wired.told().contains(&tag).then_some(()) }).await;
    for request in wired.hook.requests() {
        assert_eq!(request.bearer(), Some(SECRET));
    }
    eventually("the new title", || async {
        wired.page(&page).await.contains("Fried rice with kimchi").then_some(())
    })
    .await;
    let asked = wired.asked(&document);
    let _ = wired.page(&page).await;
    assert_eq!(wired.asked(&document), asked, "and that is kept again");
    eventually("the list", || async { wired.page("/").await.contains("with kimchi").then_some(()) }).await;
}

#[tokio::test]
async fn a_hook_that_is_called_by_somebody_else_stays_shut() {
    let wired = Wired::start("planted-secret-of-another-server").await;
    let ada = wired.bff.signed_in("ada").await;
    let id = publish(&ada, "Fried rice").await;
    let page = format!("/recipes/{id}");
    assert!(wired.page(&page).await.contains("Fried rice"));

    let hook = |token: Option<&str>| {
        let request = wired.bff.anonymous().elsewhere(&wired.web.url).request(Method::POST, HOOK);
        match token {
            Some(token) => request.header("authorization", &format!("Bearer {token}")),
            None => request,
        }
    };
    let tags = json!({ "tags": [format!("recipe:{id}")] });
    for token in [None, Some(""), Some("x"), Some(&SECRET[1..])] {
        assert_eq!(hook(token).json(&tags).send().await.status, 401, "{token:?}");
    }
    for wrong in [json!({}), json!([]), json!({ "tags": "recipe:r" }), json!({ "tags": vec!["t"; 101] })] {
        assert_eq!(hook(Some(SECRET)).json(&wrong).send().await.status, 422, "{wrong}");
    }
    // Nor does a gateway with the wrong one get in: what is kept stays as it is, and its log says why.
    wired.hook.clear();
    let input = recipe_input("Fried rice with kimchi");
    let _ = ada.from_page(Method::PUT, &format!("/api/recipes/{id}")).json(&input).send().await.expect(200);
    soon("the gateway's call", wired.hook.wait_for(1)).await;
    assert!(!wired.page(&page).await.contains("kimchi"));
    // Until the right one comes along.
    assert_eq!(hook(Some(SECRET)).json(&tags).send().await.status, 204);
    assert!(wired.page(&page).await.contains("kimchi"));
}
