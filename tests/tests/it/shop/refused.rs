//! What callers see of a service's refusals of writes, and what a write that failed makes old all the same.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, DeclaredBff, PLANTED, Product, Reply, Stub};

const PATHS: &str = r#"
  /things/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: readThing, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, additionalProperties: true } } } }, "404": { description: none } } }
    put:
      operationId: putThing
      responses: { "204": { description: ok }, "410": { description: gone }, "412": { description: changed }, "428": { description: needed }, "429": { description: slow }, "451": { description: law } }
    delete: { operationId: deleteThing, responses: { "204": { description: ok } } }
"#;

const ROUTES: &str = r#"
[[route]]
path = "/api/things/{id}"
methods = ["PUT", "DELETE"]
to = "shelf:/things/{id}"
access = "signed_in"
drops = ["book:{id}"]
"#;

const SCREEN: &str = r#"
path = "/bff/things/{id}"
access = "signed_in"
[params]
id = { in = "path", type = "id" }
[parts.thing]
get = "shelf:/things/{id}"
tags = ["book:{id}"]
"#;

fn product() -> Product {
    let refusals = "[refusals]\nnot_now = { status = 409, detail = \"Not now.\" }\ntoo_much = { status = 422, detail = \"Too much.\" }\n";
    Product::over_shelf_by(PATHS, "").gateway(refusals).routes("things", ROUTES).screen("thing", SCREEN)
}

fn with_errors(status: u16, errors: &Value) -> Reply {
    Reply::json(
        &json!({ "status": status, "code": "x", "title": PLANTED, "detail": PLANTED, "errors": errors }),
    )
    .with_status(status)
    .header("content-type", "application/problem+json")
}

#[tokio::test]
async fn a_refused_write_is_told_in_words_of_the_gateway() {
    let stub = Stub::new();
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    for (reply, status, code, detail) in [
        (Reply::problem(409, "not_now"), 409, "not_now", Some("Not now.")),
        (Reply::problem(422, "too_much"), 422, "too_much", Some("Too much.")),
        (Reply::problem(403, "too_much"), 403, "forbidden", None),
        (Reply::problem(410, "x"), 410, "gone", None),
        (Reply::problem(412, "x"), 412, "precondition_failed", None),
        (Reply::problem(428, "x"), 428, "precondition_required", None),
        (Reply::problem(429, "x").header("retry-after", "7"), 429, "", None),
        (Reply::problem(451, "x"), 451, "unavailable_for_legal_reasons", None),
        (Reply::problem(404, "x"), 404, "not_found", None),
        (Reply::problem(409, "other"), 502, "upstream_unavailable", None),
        (Reply::problem(400, "x"), 502, "upstream_unavailable", None),
        (Reply::problem(401, "x"), 502, "upstream_unavailable", None),
        (Reply::status(302).header("location", "/elsewhere"), 502, "upstream_unavailable", None),
    ] {
        stub.on("PUT /things/1", reply);
        let answer = ada.put("/api/things/1").await;
        let json = answer.json();
        assert_eq!(answer.status, status, "{json}");
        assert!(code.is_empty() || json["code"] == code, "{json}");
        assert!(detail.is_none_or(|detail| json["detail"] == detail), "{json}");
        assert!(!answer.text().contains(PLANTED), "{json}");
        if status == 429 {
            assert_eq!(answer.header("retry-after"), Some("7"));
        }
    }
    let errors = json!([
        { "field": "lines[2].count", "code": "too_small", "message": PLANTED, "detail": PLANTED },
        { "field": "<script>", "code": "Very bad!", "message": PLANTED },
    ]);
    stub.on("PUT /things/1", with_errors(422, &errors));
    let answer = ada.put("/api/things/1").await;
    let found = answer.field_errors();
    assert_eq!(found[0], ("lines[2].count".to_owned(), "too_small".to_owned()));
    assert!(!answer.text().contains(PLANTED) && !answer.text().contains("script"), "{}", answer.text());
    assert!(!answer.text().contains("Very bad"), "{}", answer.text());
    stub.on("PUT /things/1", Reply::status(422));
    assert_eq!(ada.put("/api/things/1").await.status, 422);
    // What the contract does not list is not passed.
    for status in [410, 412, 428, 429, 451] {
        stub.on("DELETE /things/1", Reply::problem(status, "x"));
        let code = if status == 429 { (503, "overloaded") } else { (502, "upstream_unavailable") };
        ada.delete("/api/things/1").await.expect_problem(code.0, code.1);
    }
}

async fn shown(ada: &Actor) -> Value {
    ada.get("/bff/things/1").await.expect(200).json()["thing"]["n"].clone()
}

#[tokio::test]
async fn what_was_not_there_was_in_conflict_or_has_no_usable_answer_drops_as_well() {
    let stub = Stub::new();
    let bff = DeclaredBff::over(product(), &stub).await;
    let ada = bff.signed_in("ada").await;
    for (number, (reply, dropped)) in [
        (Reply::status(204), true),
        (Reply::problem(404, "x"), true),
        (Reply::problem(409, "x"), true),
        (Reply::problem(410, "x"), true),
        (Reply::status(500), true),
        (Reply::problem(403, "x"), false),
        (Reply::problem(422, "x"), false),
        (Reply::problem(412, "x"), false),
        (Reply::problem(429, "x"), false),
    ]
    .into_iter()
    .enumerate()
    {
        stub.json("GET /things/1", &json!({ "n": number }));
        // A document of this very number, whatever was there before.
        stub.on("PUT /things/1", Reply::status(204));
        let _ = ada.put("/api/things/1").await;
        assert_eq!(shown(&ada).await, json!(number));
        stub.json("GET /things/1", &json!({ "n": "after" }));
        stub.on("PUT /things/1", reply.clone());
        let _ = ada.put("/api/things/1").await;
        let expected = if dropped { json!("after") } else { json!(number) };
        assert_eq!(shown(&ada).await, expected, "{reply:?}");
    }
}

#[tokio::test]
async fn what_a_write_answers_is_remembered_before_it_is_recalled() {
    let routes = r#"
[[route]]
path = "/api/notes"
methods = ["POST"]
to = "shelf:/notes"
access = "signed_in"
remember = { book_of = ["id", "bookId"] }
recall = { book = "book_of:{response.id}" }
drops = ["book:{book}"]
[[route]]
path = "/api/notes/{id}"
methods = ["DELETE"]
to = "shelf:/notes/{id}"
access = "signed_in"
status = 204
recall = { book = "book_of:{id}" }
drops = ["book:{book}"]
"#;
    let product = Product::over_shelf().routes("notes", routes).screen("thing", SCREEN);
    let stub = Stub::new();
    stub.on("POST /notes", Reply::json(&json!({ "id": "n1", "bookId": 1 })).with_status(201));
    stub.on("DELETE /notes/n1", Reply::status(204));
    for id in ["1", "2"] {
        stub.json(&format!("GET /things/{id}"), &json!({ "n": 0 }));
    }
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    let both = async || {
        for id in ["1", "2"] {
            let _ = ada.get(&format!("/bff/things/{id}")).await.expect(200);
        }
    };
    both().await;
    stub.json("GET /things/1", &json!({ "n": 1 }));
    let made = ada.from_page(Method::POST, "/api/notes").send().await.expect(201);
    assert_eq!(made.json(), json!({ "id": "n1", "bookId": 1 }));
    assert_eq!(shown(&ada).await, json!(1));
    assert!(ada.get("/bff/things/2").await.is_fresh_hit(), "that note is of another book");
    both().await;
    stub.json("GET /things/1", &json!({ "n": 2 }));
    let _ = ada.delete("/api/notes/n1").await.expect(204);
    assert_eq!(shown(&ada).await, json!(2));
    assert!(ada.get("/bff/things/2").await.is_fresh_hit());
}

#[tokio::test]
async fn the_last_segment_of_a_location_names_what_was_made() {
    let route = r#"
[[route]]
path = "/api/things"
methods = ["POST"]
to = "shelf:/made"
access = "signed_in"
status = 204
location = "/api/things/{response.location}"
drops = ["book:{response.location}"]
"#;
    let product = Product::over_shelf().routes("things", route).screen("thing", SCREEN);
    let stub = Stub::new();
    stub.json("GET /things/1", &json!({ "n": 0 }));
    let bff = DeclaredBff::over(product, &stub).await;
    let ada = bff.signed_in("ada").await;
    assert_eq!(shown(&ada).await, json!(0));
    stub.json("GET /things/1", &json!({ "n": 1 }));
    for (theirs, ours) in
        [("https://inside.example/v2/things/1?x=1", Some("/api/things/1")), ("/things/a b", None)]
    {
        stub.on("POST /made", Reply::raw("this is discarded").with_status(201).header("location", theirs));
        let made = ada.from_page(Method::POST, "/api/things").send().await.expect(204);
        assert_eq!((made.header("location"), made.body.len()), (ours, 0));
    }
    assert_eq!(shown(&ada).await, json!(1));
}
