//! What is looked at before an upstream is called, in which order, and what every path answers.

use std::sync::Arc;

use http::Method;
use schemas::FieldError;
use serde_json::Value;

use super::{
    World, json, route,
    served::{BODY_LIMIT, Served},
    shape_with_id,
};
use crate::compose::plan::{Access, BodyCheck, BodyPlan, ParamKind, ParamPlan, ParamSource, RoutePlan};

const JSON: &str = "content-type: application/json\r\n";

/// A body must have an `a`.
pub(super) fn body() -> BodyPlan {
    let check = |value: &Value| {
        let error =
            FieldError { field: "a".into(), code: "required".into(), message: "must be given".into() };
        if value.get("a").is_none() { vec![error] } else { Vec::new() }
    };
    BodyPlan { media_type: "application/json".into(), required: true, check: BodyCheck(Arc::new(check)) }
}

/// `?n=`, a number from 1 to 9.
pub(super) fn with_number(mut plan: RoutePlan) -> RoutePlan {
    let number = ParamPlan {
        name: "n".into(),
        source: ParamSource::Query,
        kind: ParamKind::Integer(1..=9),
        default: None,
        compact_default: None,
    };
    let mut params = plan.params.into_vec();
    params.push(number);
    plan.params = params.into();
    plan
}

#[actix_web::test]
async fn who_asks_comes_first_then_accept_then_parameters_then_the_body() {
    for access in [Access::SignedIn, Access::Open] {
        let plan = RoutePlan { access, body: Some(body()), ..with_number(route(Method::PUT)) };
        let world = World::serving(vec![plan], |_| json(200, r#"{"id":"7"}"#)).await;
        let served = Served::new(world).await;
        let html = "accept: text/html\r\n";
        let long = "x".repeat(BODY_LIMIT + 1);
        let wrong = "/api/orders/a%2Fb?n=x";
        let broken = "authorization: Bearer nonsense\r\n";
        assert_eq!(
            served.send(&format!("PUT {wrong}"), &format!("{broken}{html}"), &long).await.code(),
            "invalid_token"
        );
        let forged = served.send(&format!("PUT {wrong}"), &format!("{}{html}", served.cookie), &long).await;
        assert_eq!((forged.status, &*forged.code()), (403, "csrf_failed"));
        let nobody = served.send(&format!("PUT {wrong}"), html, &long).await;
        assert_eq!(nobody.status, if access == Access::Open { 406 } else { 401 });
        let ask = async |path: &str, headers: &str, body: &str| {
            served.ask(&format!("PUT {path}"), headers, body).await
        };
        assert_eq!(ask(wrong, html, &long).await.code(), "not_acceptable");
        assert_eq!(ask(wrong, "", &long).await.code(), "not_found");
        let number = ask("/api/orders/7?n=x", "", &long).await;
        assert_eq!((&number.json()["errors"][0]["field"], number.status), (&"n".into(), 422));
        assert_eq!(
            ask("/api/orders/me?n=1", "", &long).await.code(),
            "not_found",
            "a word of the upstream's"
        );
        let right = "/api/orders/7?n=1";
        assert_eq!(ask(right, "", &long).await.code(), "unsupported_media_type");
        assert_eq!(ask(right, JSON, &long).await.code(), "body_too_large");
        assert_eq!(ask(right, JSON, "{").await.code(), "invalid_body");
        let fields = ask(right, JSON, r#"{"b":1,"b":2}"#).await.json();
        let told: Vec<_> = fields["errors"].as_array().expect("fields").iter().map(|e| &e["field"]).collect();
        assert_eq!(told, ["b", "a"]);
        assert!(served.world.sent.lock().is_empty(), "nothing was called so far");
        let written = ask(right, JSON, r#" {"a" : 1.50} "#).await;
        assert_eq!((written.status, written.text()), (200, r#"{"id":"7"}"#));
        let sent = served.world.sent.lock();
        assert_eq!((&*sent[0].method, &*sent[0].target), ("PUT", "/orders/7"));
        assert_eq!(sent[0].body, br#" {"a" : 1.50} "#, "as it came");
        assert_eq!(sent[0].header("content-type"), Some("application/json"));
    }
}

#[actix_web::test]
async fn reads_check_who_asks_before_what_they_accept() {
    let plans = vec![with_number(route(Method::GET))];
    let world = World::serving(plans, |_| json(200, r#"{"id":"7"}"#)).await;
    let served = Served::new(world).await;
    let html = "accept: text/html\r\n";
    assert_eq!(served.send("GET /api/orders/a%20b?n=0", html, "").await.code(), "unauthenticated");
    assert_eq!(served.ask("GET /api/orders/a%20b?n=0", html, "").await.code(), "not_acceptable");
    assert_eq!(served.ask("GET /api/orders/a%20b?n=0", "", "").await.code(), "not_found");
    for (number, code) in [
        ("0", "out_of_range"),
        ("10", "out_of_range"),
        ("99999999999999999999999", "out_of_range"),
        ("-1", "invalid"),
        ("x", "invalid"),
        ("", "invalid"),
        ("1&n=2", "duplicate"),
    ] {
        let told = served.ask(&format!("GET /api/orders/7?n={number}"), "", "").await.json();
        assert_eq!(
            (&told["errors"][0]["field"], &told["errors"][0]["code"]),
            (&"n".into(), &code.into()),
            "{number}"
        );
    }
    assert!(served.world.sent.lock().is_empty());
}

#[actix_web::test]
async fn a_browser_proves_what_it_changes_and_reads_without() {
    let plans = vec![route(Method::GET), RoutePlan { status: 204, shape: None, ..route(Method::DELETE) }];
    let served = Served::new(World::serving(plans, |_| json(200, "{}")).await).await;
    let path = "/api/orders/7";
    assert_eq!(served.send(&format!("GET {path}"), &served.cookie, "").await.status, 200);
    assert_eq!(served.send(&format!("HEAD {path}"), &served.cookie, "").await.status, 200);
    let forged = served.send(&format!("DELETE {path}"), &served.cookie, "").await;
    assert_eq!((forged.status, &*forged.code()), (403, "csrf_failed"));
    let other = format!("{}x-csrf-token: other\r\nsec-fetch-site: same-origin\r\n", served.cookie);
    assert_eq!(served.send(&format!("DELETE {path}"), &other, "").await.status, 403);
    let proven = format!("{}{}", served.cookie, served.csrf);
    let deleted = served.send(&format!("DELETE {path}"), &proven, "").await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    assert_eq!(served.ask(&format!("DELETE {path}"), "", "").await.status, 204, "a token needs no proof");
    let methods: Vec<_> = served.world.sent.lock().iter().map(|sent| sent.method.clone()).collect();
    assert_eq!(methods, ["GET", "GET", "DELETE", "DELETE"]);
}

#[actix_web::test]
async fn a_head_has_the_headers_of_a_get_and_other_methods_are_named() {
    let plan = RoutePlan { shape: Some(shape_with_id(true)), ..route(Method::GET) };
    let served = Served::new(World::serving(vec![plan], |_| json(200, r#"{"id":"7"}"#)).await).await;
    let get = served.ask("GET /api/orders/7", "", "").await;
    let head = served.ask("HEAD /api/orders/7", "", "").await;
    assert_eq!((get.status, head.status, &*head.body), (200, 200, &b""[..]));
    for name in ["etag", "content-type", "content-length", "cache-control", "vary"] {
        assert!(get.header(name).is_some(), "{name}");
        assert_eq!(get.header(name), head.header(name), "{name}");
    }
    let etag = get.header("etag").expect("an etag");
    for method in ["GET", "HEAD"] {
        let line = format!("{method} /api/orders/7");
        let known = served.ask(&line, &format!("if-none-match: {etag}\r\n"), "").await;
        assert_eq!((known.status, &*known.body), (304, &b""[..]), "{method}");
    }
    for method in ["PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
        let refused = served.ask(&format!("{method} /api/orders/7"), "", "").await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}
