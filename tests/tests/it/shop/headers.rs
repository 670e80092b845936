//! Parameters that are headers, booleans and fixed ones; what counts as absent.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Reply, Stub};

use super::page;

/// Answers with what it was asked.
fn echo() -> Stub {
    let stub = Stub::new();
    stub.with(|request| {
        let tenant = request.header("x-tenant").map_or(Value::Null, Value::from);
        Some(Reply::json(&json!({ "query": request.query, "tenant": tenant })))
    });
    stub
}

#[tokio::test]
async fn a_header_is_checked_in_the_key_in_vary_and_sent_on() {
    let params = r#"
[params]
tenant = { in = "header", name = "X-Tenant", type = "string", one_of = ["red", "blue"], default = "red" }
pages = { in = "header", name = "x-pages", type = "integer", min = 1, max = 9 }
[parts.echo]
get = "shelf:/echo?pages={pages}"
send = { "X-Tenant" = "{tenant}" }
"#;
    let route = r#"
[[route]]
path = "/api/echo"
methods = ["GET"]
to = "shelf:/echo?pages={pages}"
access = "open"
params = { tenant = { in = "header", name = "x-tenant", one_of = ["red", "blue"], default = "red" }, pages = { in = "header", name = "x-pages", type = "integer" } }
send = { "x-tenant" = "{tenant}" }
"#;
    let product = Product::over_shelf().screen("page", &page(params)).routes("echo", route);
    let bff = DeclaredBff::over(product, &echo()).await;
    let ada = bff.signed_in("ada").await;
    bff.forget_calls();
    let ask = |path: &'static str, headers: &[(&'static str, &str)]| {
        let request = ada.request(Method::GET, path);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    for path in ["/bff/page", "/api/echo"] {
        let shown = |answer: &tests::Answer| {
            let json = answer.json();
            if path == "/bff/page" { json["echo"].clone() } else { json }
        };
        for (headers, tenant, query) in [
            (&[][..], "red", ""),
            (&[("x-tenant", "blue")], "blue", ""),
            (&[("x-tenant", " blue ")], "blue", ""),
            (&[("x-tenant", ""), ("x-pages", "3")], "red", "pages=3"),
        ] {
            let answer = ask(path, headers).await.expect(200);
            assert_eq!(shown(&answer), json!({ "query": query, "tenant": tenant }), "{headers:?}");
            for name in ["x-tenant", "x-pages"] {
                assert!(answer.lists("vary", name), "{path}: {:?}", answer.header("vary"));
            }
        }
        for (headers, field) in [
            (&[("x-tenant", "green")][..], "tenant"),
            (&[("x-tenant", "red"), ("x-tenant", "blue")], "tenant"),
            (&[("x-pages", "x")], "pages"),
        ] {
            let errors = ask(path, headers).await.field_errors();
            assert_eq!(
                errors.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
                [field],
                "{headers:?}"
            );
        }
    }
    assert_eq!(bff.calls().iter().filter(|call| call.contains("/echo")).count(), 3 + 4, "{:?}", bff.calls());
}

#[tokio::test]
async fn booleans_cursors_and_fixed_values_are_read_as_they_are_declared() {
    let screen = page(
        r#"
[params]
all = { in = "query", type = "boolean", default = false }
owner = { in = "query", type = "id" }
cursor = { in = "query", type = "cursor" }
kind = { in = "fixed", default = "short", compact_default = "tiny" }
flag = { in = "fixed", default = true }
size = { in = "query", type = "integer", compact_default = 3 }
[parts.echo]
get = "shelf:/echo?all={all}&owner={owner}&cursor={cursor}&kind={kind}&flag={flag}&size={size}"
"#,
    );
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &screen), &echo()).await;
    let ada = bff.signed_in("ada").await;
    for (query, expected) in [
        ("", "all=false&kind=short&flag=true"),
        ("?view=compact", "all=false&kind=tiny&flag=true&size=3"),
        (
            "?all=true&owner=o-1&cursor=a%2Bb%3D&size=7",
            "all=true&owner=o-1&cursor=a%2Bb%3D&kind=short&flag=true&size=7",
        ),
        ("?kind=x&flag=false&kind=y", "all=false&kind=short&flag=true"),
        ("?owner=&cursor=", "all=false&kind=short&flag=true"),
    ] {
        let document = ada.get(&format!("/bff/page{query}")).await.expect(200).json();
        assert_eq!(document["echo"]["query"], expected, "{query}");
    }
    for (query, field) in [
        ("all=yes", "all"),
        ("all=true&all=true", "all"),
        ("owner=a/b", "owner"),
        ("cursor=a%0Ab", "cursor"),
        ("view=full&view=full", "view"),
        ("size=99999999999999999999", "size"),
    ] {
        let errors = ada.get(&format!("/bff/page?{query}")).await.field_errors();
        assert_eq!(errors.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), [field], "{query}");
    }
}

#[tokio::test]
async fn every_header_that_may_be_sent_arrives_and_none_of_the_callers_own() {
    let names = [
        "accept-language",
        "prefer",
        "x-api-version",
        "api-version",
        "x-tenant",
        "x-locale",
        "x-currency",
        "x-client-version",
    ];
    let send: Vec<_> = names.iter().map(|name| format!("\"{name}\" = \"v-{name}\"")).collect();
    let screen = page(&format!("[parts.echo]\nget = \"shelf:/echo\"\nsend = {{ {} }}\n", send.join(", ")));
    let bff = DeclaredBff::over(Product::over_shelf().screen("page", &screen), &echo()).await;
    let ada = bff.signed_in("ada").await;
    let request =
        ada.request(Method::GET, "/bff/page").header("x-tenant", "theirs").header("x-other", "theirs");
    let _ = request.send().await.expect(200);
    let calls = bff.upstream("shelf").requests();
    for name in names {
        assert_eq!(calls[0].header(name), Some(format!("v-{name}").as_str()), "{name}");
    }
    assert_eq!(calls[0].header("x-other"), None);
}
