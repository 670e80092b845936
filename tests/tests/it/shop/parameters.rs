//! Parameters of declared screens.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Reply};

use super::{page, shelf};

const PARAMETERS: &str = r#"
[params]
limit = { in = "query", type = "integer", default = 20, min = 1, max = 50, compact_default = 10 }
state = { in = "query", type = "string", one_of = ["open", "done"], default = "open" }
q = { in = "query", type = "string", max_length = 5 }
few = { in = "fixed", default = 20, compact_default = 5 }
[parts.echo]
get = "shelf:/echo?limit={limit}&state={state}&q={q}&few={few}"
"#;

/// Answers `/echo` with the query that came.
fn echo() -> tests::Stub {
    let stub = shelf();
    stub.with(|request| (request.path == "/echo").then(|| Reply::json(&json!({ "query": request.query }))));
    stub
}

#[tokio::test]
async fn parameters_are_checked_defaulted_and_encoded() {
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &page(PARAMETERS)), &echo()).await;
    let ada = bff.signed_in("ada").await;
    for (query, expected) in [
        ("", "limit=20&state=open&few=20"),
        ("?view=compact", "limit=10&state=open&few=5"),
        ("?limit=7&view=compact", "limit=7&state=open&few=5"),
        ("?few=1", "limit=20&state=open&few=20"),
        ("?q=%20a%26b%20", "limit=20&state=open&q=a%26b&few=20"),
        ("?q=%20&state=", "limit=20&state=open&few=20"),
        ("?q=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9", "limit=20&state=open&q=%C3%A9%C3%A9%C3%A9%C3%A9%C3%A9&few=20"),
    ] {
        let document = ada.get(&format!("/bff/page{query}")).await.expect(200).json();
        assert_eq!(document["echo"]["query"], expected, "{query}");
    }
    bff.forget_calls();
    for (query, fields) in [
        ("limit=0", &["limit"][..]),
        ("limit=51&state=lost&q=123456", &["limit", "q", "state"]),
        ("limit=x", &["limit"]),
        ("limit=1.0", &["limit"]),
        ("limit=1&limit=1", &["limit"]),
        ("q=a%00b", &["q"]),
    ] {
        let mut found: Vec<_> = ada.get(&format!("/bff/page?{query}")).await.field_errors();
        found.sort();
        assert_eq!(found.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), fields, "{query}");
    }
    assert_eq!(bff.calls(), Vec::<String>::new(), "nothing is called before");
}

#[tokio::test]
async fn a_language_is_negotiated_sent_on_and_named_in_vary() {
    let screen = page(
        "[params]\nlang = { in = \"header\", name = \"accept-language\", one_of = [\"ko\", \"en\"], default = \"en\" }\n[parts.text]\nget = \"shelf:/text\"\nsend = { \"accept-language\" = \"{lang}\" }\n",
    );
    let stub = shelf();
    stub.with(|request| {
        let language = request.header("accept-language").unwrap_or("none");
        (request.path == "/text").then(|| Reply::json(&json!(language)))
    });
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &screen), &stub).await;
    let ada = bff.signed_in("ada").await;
    for (sent, expected) in [
        ("en;q=0.2, ko-KR;q=0.9", "ko"),
        ("fr, de;q=0.5", "en"),
        ("KO", "ko"),
        ("ko;q=0, en", "en"),
        ("*", "en"),
        (";;,,q=", "en"),
    ] {
        let request = ada.request(Method::GET, "/bff/page").header("accept-language", sent);
        let answer = request.send().await.expect(200);
        assert!(["ko", "en"].contains(&expected) && answer.lists("vary", "accept-language"));
        if sent != "*" {
            assert_eq!(answer.json()["text"], expected, "{sent}");
        }
    }
    let calls = bff.calls().into_iter().filter(|call| call.contains("/text")).count();
    assert_eq!(calls, 2, "one document for each language");
}

#[tokio::test]
async fn what_varies_by_session_is_not_shared_between_the_sessions_of_a_user() {
    let varied = page("vary = [\"session\"]\n[parts.news]\nget = \"shelf:/news\"\n");
    let shown = "path = \"/bff/shown\"\naccess = \"signed_in\"\n[parts.news]\nget = \"shelf:/news\"\n[document]\nnews = \"news\"\nsession = \"session\"\nme = \"user.id\"\nname = \"user.username\"\n";
    let product = Product::over_shelf().screen("page", &varied).screen("shown", shown);
    let bff = DeclaredBff::over(product, &shelf()).await;
    let (first, second) = (bff.signed_in("ada").await, bff.signed_in("ada").await);
    bff.forget_calls();
    let answers = [first.get("/bff/page").await.expect(200), second.get("/bff/page").await.expect(200)];
    assert_eq!(answers[0].body, answers[1].body);
    assert_eq!(bff.calls().len(), 2, "a document for each session");
    assert!(first.get("/bff/page").await.is_fresh_hit());
    let (one, other) =
        (first.get("/bff/shown").await.expect(200).json(), second.get("/bff/shown").await.expect(200).json());
    assert!(one["session"]["id"].is_string(), "{one}");
    assert_ne!(one["session"]["id"], other["session"]["id"]);
    assert_eq!((&one["me"], &other["name"]), (&json!("id-ada"), &json!("ada")));
    assert_ne!(one["session"]["address"], Value::Null);
}
