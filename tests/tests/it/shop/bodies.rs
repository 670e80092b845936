//! What callers send: checked by the contract where there is one, and passed on as it came.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, DeclaredBff, Product, Recorded, Reply, Stub};

/// Answers 201 with what it got.
fn echo() -> Stub {
    let stub = Stub::new();
    stub.with(|request: &Recorded| {
        let body = String::from_utf8(request.body.to_vec()).ok()?;
        let kind = request.header("content-type").map_or(Value::Null, Value::from);
        Some(Reply::json(&json!({ "body": body, "type": kind })).with_status(201))
    });
    stub
}

async fn send(ada: &Actor, method: Method, path: &str, kind: &str, body: &'static str) -> Answer {
    let request = ada.from_page(method, path);
    let request = if kind.is_empty() { request } else { request.header("content-type", kind) };
    if body.is_empty() { request.send().await } else { request.body(body).send().await }
}

#[tokio::test]
async fn without_a_contract_any_json_passes_and_nothing_else() {
    let route = "[[route]]\npath = \"/api/things/{id}\"\nmethods = [\"POST\", \"PUT\", \"PATCH\", \"DELETE\"]\nto = \"shelf:/things/{id}\"\naccess = \"signed_in\"\n";
    let bff = DeclaredBff::over(Product::over_shelf().routes("things", route), &echo()).await;
    let ada = bff.signed_in("ada").await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let made =
            send(&ada, method.clone(), "/api/things/1", "application/json", "{\"a\": [1.50, null]}").await;
        assert!(made.status.is_success(), "{method}: {}", made.text());
        assert_eq!(
            made.json(),
            json!({ "body": "{\"a\": [1.50, null]}", "type": "application/json" }),
            "{method}"
        );
        let empty = send(&ada, method.clone(), "/api/things/1", "", "").await;
        assert!(empty.status.is_success(), "{method}: {}", empty.text());
        assert_eq!(empty.json()["body"], "", "{method}");
    }
    bff.forget_calls();
    for (kind, body, status) in [
        ("application/json", "{", 400),
        ("application/json", "{\"a\":1,\"a\":2}", 422),
        ("text/plain", "x", 415),
        ("", "{}", 415),
    ] {
        let refused = send(&ada, Method::POST, "/api/things/1", kind, body).await;
        assert_eq!(refused.status, status, "{kind} {body}: {}", refused.text());
    }
    assert_eq!(bff.calls(), Vec::<String>::new());
    // Two bodies are the same when their values are.
    let keyed = |body: &'static str| {
        let request = ada.from_page(Method::POST, "/api/things/1").header("idempotency-key", "k-1");
        request.header("content-type", "application/json").body(body).send()
    };
    let first = keyed("{\"a\":1,\"b\":2}").await.expect(201);
    let again = keyed(" {\"b\": 2.0, \"a\": 1}").await.expect(201);
    assert_eq!((first.json(), again.header("idempotency-replayed").is_some()), (again.json(), true));
    keyed("{\"a\":2}").await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(bff.calls().len(), 1);
}

const PATHS: &str = r##"
  /things/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    patch:
      operationId: patchThing
      requestBody: { required: true, content: { application/merge-patch+json: { schema: { $ref: "#/components/schemas/Patch" } } } }
      responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } }
    post:
      operationId: touchThing
      requestBody: { content: { application/json: { schema: { type: object, properties: { note: { type: string, maxLength: 3 } } } } } }
      responses: { "201": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } } }
"##;

const SCHEMAS: &str = r#"
    Patch:
      type: object
      properties:
        name:
          type: string
          nullable: true
          minLength: 2
          maxLength: 8
          x-checks:
            - { pattern: "^[a-z]", code: starts_badly }
            - { pattern: "^.{3,}$", code: too_few }
            - { pattern: "z$", code: ends_badly }
        count: { type: integer, minimum: 0, exclusiveMinimum: true, maximum: 9 }
        price: { type: number, multipleOf: 0.01 }
        day: { type: string, format: date }
        mail: { type: string, format: email }
        tags: { type: array, uniqueItems: true, maxItems: 2, items: { type: string, enum: [a, b] } }
        inner: { type: object, required: [x], properties: { x: { type: boolean }, y: { type: string, readOnly: true } } }
"#;

fn product() -> Product {
    let route = "[[route]]\npath = \"/api/things/{id}\"\nmethods = [\"PATCH\"]\nto = \"shelf:/things/{id}\"\naccess = \"signed_in\"\nbody = \"Patch\"\n[[route]]\npath = \"/api/things/{id}\"\nmethods = [\"POST\"]\nto = \"shelf:/things/{id}\"\naccess = \"signed_in\"\n";
    Product::over_shelf_by(PATHS, SCHEMAS).routes("things", route)
}

#[tokio::test]
async fn a_body_is_of_the_contracts_media_type_and_every_mistake_is_told_with_its_field() {
    let bff = DeclaredBff::over(product(), &echo()).await;
    let ada = bff.signed_in("ada").await;
    let patch = async |body: &Value| {
        let request = ada.from_page(Method::PATCH, "/api/things/1");
        request.header("content-type", "application/merge-patch+json").body(body.to_string()).send().await
    };
    let whole = json!({
        "name": "abcz", "count": 9, "price": 1.25, "day": "2026-02-28", "mail": "a@b.cd", "tags": ["a"], "inner": { "x": true },
    });
    for sound in [json!({}), json!({ "name": null }), whole.clone()] {
        let answer = patch(&sound).await.expect(200);
        assert_eq!(
            answer.json(),
            json!({ "body": sound.to_string(), "type": "application/merge-patch+json" })
        );
    }
    bff.forget_calls();
    for (body, expected) in [
        (json!({ "name": "Azzz" }), &[("name", "starts_badly")][..]),
        (json!({ "name": "az" }), &[("name", "too_few")]),
        (json!({ "name": "abc" }), &[("name", "ends_badly")]),
        // All rules are broken: the first one counts.
        (json!({ "name": "Ab" }), &[("name", "starts_badly")]),
        (json!({ "count": 0 }), &[("count", "")]),
        (
            json!({ "count": 1.5, "price": 0.001, "day": "2026-02-30" }),
            &[("count", ""), ("day", ""), ("price", "")],
        ),
        (json!({ "mail": "nobody", "tags": ["a", "a"] }), &[("mail", ""), ("tags", "")]),
        (json!({ "tags": ["a", "b", "c"] }), &[("tags", ""), ("tags[2]", "")]),
        (json!({ "inner": { "z": 1 } }), &[("inner.x", ""), ("inner.z", "")]),
        (json!({ "inner": { "x": true, "y": "theirs" } }), &[("inner.y", "")]),
        (json!({ "more": 1, "name": 7 }), &[("more", ""), ("name", "")]),
    ] {
        let mut found = patch(&body).await.field_errors();
        found.sort();
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, expected.iter().map(|(field, _)| *field).collect::<Vec<_>>(), "{body}: {found:?}");
        for ((field, code), (_, expected)) in found.iter().zip(expected) {
            assert!(expected.is_empty() || code == expected, "{body}: {field}: {code}");
        }
    }
    // Mistakes of shape come before those of rules, wherever they stand.
    let errors = patch(&json!({ "name": "Azzz", "price": "x", "zzz": 1 })).await.field_errors();
    let codes: Vec<_> = errors.iter().map(|(_, code)| code.as_str()).collect();
    assert!(codes.len() == 3 && codes[2] == "starts_badly", "{errors:?}");
    send(&ada, Method::PATCH, "/api/things/1", "application/json", "{}")
        .await
        .expect_problem(415, "unsupported_media_type");
    assert_eq!(bff.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_body_that_the_contract_makes_optional_may_be_left_out_and_is_checked_where_it_is_there() {
    let bff = DeclaredBff::over(product(), &echo()).await;
    let ada = bff.signed_in("ada").await;
    let empty = send(&ada, Method::POST, "/api/things/1", "", "").await.expect(201);
    assert_eq!(empty.json()["body"], "");
    let sent =
        send(&ada, Method::POST, "/api/things/1", "application/json", "{\"note\":\"abc\"}").await.expect(201);
    assert_eq!(sent.json()["body"], "{\"note\":\"abc\"}");
    let wrong =
        send(&ada, Method::POST, "/api/things/1", "application/json", "{\"note\":\"abcd\",\"x\":1}").await;
    let mut fields: Vec<_> = wrong.field_errors().into_iter().map(|(field, _)| field).collect();
    fields.sort();
    assert_eq!(fields, ["note", "x"]);
}
