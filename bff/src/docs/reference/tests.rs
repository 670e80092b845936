use serde_json::json;

use super::{
    examples,
    markup::{Line, Text, Words},
    page,
    shape::{Root, kind, limits},
};

#[test]
fn nothing_in_the_contract_becomes_markup() {
    let evil = "</script><img src=x onerror=alert(1)>\"'&`<b>`";
    for made in [Text(evil).to_string(), Line(evil).to_string(), Words(evil).to_string()] {
        assert!(!made.contains("<img") && !made.contains("</script") && !made.contains("<b>"), "{made}");
    }
    let contract = json!({
        "openapi": "3.1.0",
        "info": { "title": evil, "version": evil, "description": evil },
        "tags": [{ "name": evil, "description": evil }],
        "paths": { evil: { "get": {
            "operationId": evil, "summary": evil, "description": evil, "tags": [evil],
            "parameters": [{ "name": evil, "in": "query", "description": evil, "schema": {
                "type": evil, "format": evil, "enum": [evil], "pattern": evil, "default": evil } }],
            "requestBody": { "content": { evil: { "example": evil, "schema": { "$ref": evil } } } },
            "responses": {
                "200": { "description": evil, "headers": { evil: { "description": evil } },
                         "content": { evil: {}, "application/json": { "example": evil } } },
                "404": { "description": evil },
            },
        } } },
        "components": {
            "schemas": { evil: { "type": "object", "properties": { evil: { "description": evil } } } },
            "securitySchemes": { evil: { "type": "http", "scheme": evil, "description": evil } },
        },
    });
    let page = page::render(&contract, "", "");
    assert!(!page.contains("<img") && !page.contains("<b>"), "{page}");
    assert_eq!(page.matches("</script").count(), 1);
}

#[test]
fn words_become_paragraphs_lists_and_code() {
    assert_eq!(
        Words("Say `a < b`.\n\n- `one`: first\n- two").to_string(),
        "<p>Say <code>a &lt; b</code>.</p><ul><li><code>one</code>: first</li><li>two</li></ul>"
    );
    assert_eq!(Line("an odd ` stays").to_string(), "an odd ` stays");
}

#[test]
fn shapes_are_told_in_words_and_shown_by_an_example() {
    let contract = json!({ "components": { "schemas": {
        "Id": { "type": "string", "pattern": "^a+$", "examples": ["aaa"] },
        "Node": { "type": "object", "required": ["id"], "properties": {
            "children": { "type": "array", "items": { "$ref": "#/components/schemas/Node" } },
            "id": { "$ref": "#/components/schemas/Id" },
            "at": { "type": ["string", "null"], "format": "date-time" },
            "size": { "type": "integer", "minimum": 2, "maximum": 9, "default": 3 },
        } },
    } } });
    let root = Root(&contract);
    let node = &contract["components"]["schemas"]["Node"];
    assert_eq!(root.fields(node)[0].0, "id", "what is always there comes first");
    assert_eq!(kind(&node["properties"]["children"]), "list of <a href=\"#shape-Node\">Node</a>");
    assert_eq!(kind(&node["properties"]["at"]), "string (date-time) or null");
    assert_eq!(limits(&node["properties"]["size"]), "2 to 9; <code>3</code> where it is left out");
    let example = examples::of_shape(root, node, 0);
    assert_eq!((&example["id"], &example["size"]), (&json!("aaa"), &json!(3)));
    assert!(example["children"][0]["children"].is_array(), "and it ends although it contains itself");
}
