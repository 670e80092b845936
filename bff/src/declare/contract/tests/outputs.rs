//! Schemas of the contract with callers.

use serde_json::json;

use super::{super::*, SHOP, contract};
use crate::compose::scan::Place;

#[test]
fn what_leaves_as_it_is_is_referred_to_with_all_that_it_refers_to() {
    let shop = contract(SHOP);
    let mut components = Components::default();
    let order = shop.schema_named("Order").expect("it is there");
    let referred = components.refer("orders", &shop, order);
    assert_eq!(referred, json!({ "$ref": "#/components/schemas/Order" }));
    assert_eq!(components.refer("orders", &shop, order), referred);
    let schemas = components.into_schemas();
    assert_eq!(schemas.keys().collect::<Vec<_>>(), ["Customer", "Id", "Line", "Order"]);
    let order = &schemas["Order"];
    assert_eq!(order["properties"]["parent"], json!({ "$ref": "#/components/schemas/Order" }));
    assert_eq!(order["properties"]["note"], json!({ "type": ["string", "null"] }), "in the dialect of 3.1");
    assert!(jsonschema::meta::is_valid(order));
}

#[test]
fn a_name_of_two_services_is_one_where_they_mean_the_same() {
    let (one, same) = (contract(SHOP), contract(SHOP));
    let other = contract(&SHOP.replace("Customer:\n", "Customer:\n      title: another\n"));
    let mut components = Components::default();
    for (service, contract) in [("orders", &one), ("twin", &same), ("other", &other)] {
        let id = contract.schema_named("Customer").expect("it is there");
        let name = if service == "other" { "OtherCustomer" } else { "Customer" };
        let expected = json!({ "$ref": format!("#/components/schemas/{name}") });
        assert_eq!(components.refer(service, contract, id), expected, "{service}");
    }
    let line = one.schema_named("Line").expect("it is there");
    components.name("orders", &one, line, "OrderLine");
    assert_eq!(components.refer("orders", &one, line), json!({ "$ref": "#/components/schemas/OrderLine" }));
    assert_eq!(
        components.into_schemas().keys().collect::<Vec<_>>(),
        ["Customer", "OrderLine", "OtherCustomer"]
    );
}

#[test]
fn what_is_shaped_is_written_as_it_leaves() {
    let shop = contract(SHOP);
    let path = |text: &str| text.parse::<ShapePath>().expect("a path");
    let mut uses = ShapeUse::default();
    uses.pick(path("id"));
    uses.pick(path("note"));
    uses.pick(path("lines"));
    uses.pick(path("customer"));
    uses.rename(path("note"), "remark");
    uses.drop_field(path("lines[].tagIds"));
    let _ = uses.join(path("lines[].itemId"), Place(7), "item").expect("an object");
    let _ = uses.capture(path("customer.id"));
    let mut components = Components::default();
    let mut joined = |place: Place| json!({ "title": format!("place {}", place.0) });
    let order = shop.schema_named("Order");
    let shaped = components.shaped("orders", &shop, order, &uses, &mut joined);
    assert_eq!(
        shaped,
        json!({
            "type": "object",
            "properties": {
                "id": { "$ref": "#/components/schemas/Id" },
                "remark": { "type": ["string", "null"] },
                "customer": { "anyOf": [{ "allOf": [{ "$ref": "#/components/schemas/Customer" }] }, { "type": "null" }] },
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "itemId": { "type": "string" },
                            "quantity": { "type": "integer", "exclusiveMinimum": 0 },
                            "item": { "title": "place 7" }
                        },
                        "required": ["itemId", "quantity", "item"]
                    }
                }
            },
            "required": ["id", "remark", "customer", "lines"]
        })
    );
    let untyped = components.shaped("orders", &shop, None, &ShapeUse::default(), &mut joined);
    assert_eq!(untyped, json!({}));
    let plain = components.shaped("orders", &shop, order, &ShapeUse::default(), &mut joined);
    assert_eq!(plain, json!({ "$ref": "#/components/schemas/Order" }));
}
