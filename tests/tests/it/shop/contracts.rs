//! Contracts as teams write them: 3.0 and 3.1, JSON and YAML, with anchors, unions and schemas that contain themselves.

use serde_json::{Value, json};
use tests::{DeclaredBff, Product, Stub};

use super::{degraded, page};

const UPSTREAM: &str = "[upstreams.shelf]\nurl = \"http://127.0.0.1:9\"\ncontract = \"shelf.yaml\"\n";

fn product(contract: &str) -> Product {
    let screen = page("[parts.thing]\nget = \"shelf:/thing\"\n");
    Product::new().gateway(UPSTREAM).file("shelf.yaml", contract).screen("page", &screen)
}

/// What becomes of each answer; `None`: it is invalid.
async fn held(product: Product, cases: &[(Value, Option<Value>)]) {
    let stub = Stub::new();
    let bff = DeclaredBff::over(product, &stub).await;
    for (place, (answer, expected)) in cases.iter().enumerate() {
        stub.json("GET /thing", answer);
        let user = bff.signed_in(&format!("user{place}")).await;
        let document = user.get("/bff/page").await.expect(200).json();
        let found = (!document["thing"].is_null()).then(|| document["thing"].clone());
        assert_eq!(found, *expected, "{answer}: {document}");
        assert_eq!(degraded(&document).is_empty(), expected.is_some(), "{answer}");
    }
}

#[tokio::test]
async fn nullable_of_3_0_and_types_of_3_1_say_the_same() {
    let of_3_0 = r##"
openapi: 3.0.3
info: { title: Shelf, version: "1" }
paths:
  /thing:
    get:
      responses:
        "200":
          description: ok
          content: { application/json: { schema: { $ref: "#/components/schemas/Thing" } } }
components:
  schemas:
    Inner: { type: object, required: [n], properties: { n: { type: integer } } }
    Thing:
      type: object
      required: [id, kind]
      properties:
        id: { type: string }
        kind: { type: string, nullable: true, enum: [a, b] }
        text: { type: string, nullable: true }
        inner: { nullable: true, allOf: [{ $ref: "#/components/schemas/Inner" }] }
        parent: { $ref: "#/components/schemas/Thing" }
"##;
    let of_3_1 = of_3_0
        .replace("3.0.3", "3.1.0")
        .replace(
            "{ type: string, nullable: true, enum: [a, b] }",
            "{ type: [string, \"null\"], enum: [a, b, null] }",
        )
        .replace("{ type: string, nullable: true }", "{ type: [string, \"null\"] }")
        .replace(
            "{ nullable: true, allOf: [{ $ref: \"#/components/schemas/Inner\" }] }",
            "{ oneOf: [{ $ref: \"#/components/schemas/Inner\" }, { type: \"null\" }] }",
        );
    let shown = |mut value: Value, names: &[&str]| {
        names.iter().for_each(|name| value[*name] = Value::Null);
        value
    };
    let cases = [
        (
            json!({ "id": "1", "kind": "a" }),
            Some(shown(json!({ "id": "1", "kind": "a" }), &["text", "inner"])),
        ),
        (
            json!({ "id": "1", "kind": null, "text": null, "inner": null }),
            Some(shown(json!({ "id": "1" }), &["kind", "text", "inner"])),
        ),
        (
            json!({ "id": "1", "kind": "b", "text": "t", "inner": { "n": 1, "x": 2 }, "parent": { "id": "2", "kind": "a", "secret": 1 } }),
            Some(json!({
                "id": "1", "kind": "b", "text": "t", "inner": { "n": 1 },
                "parent": { "id": "2", "kind": "a", "text": null, "inner": null },
            })),
        ),
        (json!({ "id": null, "kind": "a" }), None),
        (json!({ "id": "1" }), None),
        (json!({ "id": "1", "kind": "a", "inner": {} }), None),
        (json!({ "id": "1", "kind": "a", "parent": null }), None),
        (json!({ "id": "1", "kind": "a", "parent": { "id": 7, "kind": "a" } }), None),
    ];
    held(product(of_3_0), &cases).await;
    held(product(&of_3_1), &cases).await;
}

#[tokio::test]
async fn anchors_unions_and_maps_are_read_and_held_to() {
    let contract = r##"
openapi: 3.1.0
info: { title: Shelf, version: "1" }
x-common:
  text: &text { type: string }
  named: &named
    type: object
    required: [id]
    properties: &fields { id: *text, name: *text }
paths:
  /thing:
    get:
      responses:
        default: { description: not so }
        2XX:
          description: ok
          content:
            text/plain: { schema: *text }
            application/json; charset=utf-8:
              schema:
                type: object
                properties:
                  one: *named
                  <<: *fields
                  union: { anyOf: [*text, { type: integer }, { type: array, items: *text }] }
                  both: { allOf: [*named, { type: object, required: [age], properties: { age: { type: number } } }] }
                  map: { type: object, additionalProperties: *named }
                  free: { type: object }
                  "odd name.with[dots]": *text
"##;
    let whole = json!({
        "one": { "id": "1" }, "id": "i", "name": "n", "union": ["a"], "both": { "id": "2", "age": 1.5 },
        "map": { "k": { "id": "3", "name": "x" } }, "free": { "any": [1] }, "odd name.with[dots]": "o",
    });
    let cases = [
        (whole.clone(), Some(whole)),
        (
            json!({ "one": { "id": "1", "no": 1 }, "no": 1, "map": {}, "union": 1 }),
            Some(json!({ "one": { "id": "1" }, "map": {}, "union": 1 })),
        ),
        (json!({ "one": {} }), None),
        (json!({ "id": 1 }), None),
        (json!({ "union": [1] }), None),
        (json!({ "union": true }), None),
        (json!({ "both": { "id": "1" } }), None),
        (json!({ "map": { "k": {} } }), None),
        (json!({ "free": [] }), None),
    ];
    held(product(contract), &cases).await;
}

#[tokio::test]
async fn a_contract_may_be_json_elsewhere_and_of_an_unwieldy_server() {
    let contract = json!({
        "openapi": "3.0.0", "info": { "title": "Shelf", "version": "1" }, "servers": [{ "url": "https://inside.example/v1" }],
        "paths": { "/thing": { "get": { "responses": { "200": { "$ref": "#/components/responses/Thing" } } } } },
        "components": {
            "responses": { "Thing": { "description": "ok", "content": { "application/vnd.thing+json": { "schema": { "$ref": "#/components/schemas/a~1b" } } } } },
            "schemas": { "a/b": { "type": "array", "items": { "type": "object", "properties": { "id": { "type": "integer" } } } } },
        },
    });
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("shelf.json"), contract.to_string()).expect("written");
    let path = dir.path().join("shelf.json");
    let upstream = format!(
        "[upstreams.shelf]\nurl = \"http://127.0.0.1:9\"\ncontract = {:?}\n",
        path.to_str().expect("a path")
    );
    let screen = page("[parts.thing]\nget = \"shelf:/thing\"\ntags_of = [\"book:[].id\"]\n");
    let product = Product::new().gateway(&upstream).screen("page", &screen);
    held(
        product,
        &[
            (json!([{ "id": 1, "secret": 2 }]), Some(json!([{ "id": 1 }]))),
            (json!([]), Some(json!([]))),
            (json!({}), None),
            (json!([{ "id": "1" }]), None),
        ],
    )
    .await;
}
