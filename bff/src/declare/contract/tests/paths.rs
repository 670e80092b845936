//! Paths into schemas, and what unites them.

use super::{super::*, SHOP, contract, of_schema};
use crate::compose::scan::Types;

fn at(contract: &Contract, root: SchemaId, path: &str) -> Result<Option<SchemaId>, PathMistake> {
    contract.schemas().at(Some(root), &path.parse::<ShapePath>()?.0)
}

#[test]
fn a_path_leads_to_a_schema_or_says_what_is_there() {
    let shop = contract(SHOP);
    let order = shop.schema_named("Order").expect("it is there");
    let types = |path: &str| {
        let there = at(&shop, order, path).expect("a path").expect("typed");
        shop.schemas().get(there).types
    };
    assert_eq!(types("id"), Types::INTEGER);
    assert_eq!(types("note"), Types::STRING.or(Types::NULL));
    assert_eq!(types("customer"), Types::OBJECT.or(Types::NULL));
    assert_eq!(types("customer.id"), Types::STRING);
    assert_eq!(types("lines[].quantity"), Types::INTEGER);
    assert_eq!(types("lines[].tagIds[]"), Types::STRING);
    assert_eq!(types("parent.parent.parent.lines[].itemId"), Types::STRING);
    assert_eq!(types("labels.anything"), Types::STRING);
    assert_eq!(at(&shop, order, "extra.what.ever[]"), Ok(None));
    let wrong = |path: &str| at(&shop, order, path).expect_err("no path").to_string();
    assert_eq!(
        wrong("parent.custmer"),
        format!(
            "`parent.custmer` is not in the contract; there {}",
            "are `id`, `state`, `note`, `priority`, `customer`, `lines`, `parent`, `labels`, `extra`, `secret`"
        )
    );
    assert!(wrong("lines.itemId").contains("`[]`"));
    assert!(wrong("id.x").contains("no object"));
    assert!(wrong("customer[]").contains("no list"));
    assert!(wrong("lines[][]").contains("`lines[][]`"));
}

#[test]
fn an_id_is_text_or_a_whole_number() {
    for (schema, is) in [
        ("{type: string}", true),
        ("{type: [integer, 'null']}", true),
        ("{type: [boolean, 'null']}", false),
        ("{type: array, items: {type: string}}", false),
        ("{enum: [a, b]}", true),
        ("{const: true}", false),
        ("{}", true),
        ("true", true),
        ("false", false),
    ] {
        let (contract, id) = of_schema(schema);
        assert_eq!(contract.schemas().get(id).can_be_id(), is, "{schema}");
    }
}

#[test]
fn members_are_united() {
    let (all, id) = of_schema(
        "{allOf: [{type: object, required: [a], properties: {a: {type: [string, 'null']}, b: {type: integer}}}, {properties: {a: {type: string}}, required: [b]}]}",
    );
    let schema = all.schemas().get(id);
    assert_eq!(schema.types, Types::OBJECT);
    assert_eq!(schema.required.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(all.schemas().get(schema.properties["a"]).types, Types::STRING);
    let (any, id) = of_schema(
        "{oneOf: [{type: object, required: [k, a], properties: {k: {const: a}, a: {type: string}}}, {type: object, required: [k], properties: {k: {const: 2}, b: {type: integer}}}, {type: 'null'}]}",
    );
    let schema = any.schemas().get(id);
    assert_eq!(schema.types, Types::OBJECT.or(Types::NULL));
    assert_eq!(schema.required.iter().collect::<Vec<_>>(), ["k"]);
    assert_eq!(schema.properties.keys().collect::<Vec<_>>(), ["k", "a", "b"]);
    assert_eq!(any.schemas().get(schema.properties["k"]).types, Types::STRING.or(Types::NUMBER));
    assert!(!schema.is_open());
}

#[test]
fn fields_without_a_name_are_part_where_the_contract_says_so() {
    for (schema, open) in [
        ("{type: object}", true),
        ("{}", true),
        ("{type: object, properties: {a: {}}}", false),
        ("{type: object, properties: {a: {}}, additionalProperties: true}", true),
        ("{type: object, properties: {a: {}}, additionalProperties: {}}", true),
        ("{type: object, properties: {a: {}}, additionalProperties: {type: string}}", true),
        ("{type: object, additionalProperties: false}", false),
        ("{type: object, properties: {a: {}}, patternProperties: {'^x-': {}}}", true),
        ("{allOf: [{type: object}, {properties: {a: {}}}]}", false),
        ("{properties: {a: {}}, anyOf: [{required: [a]}, {required: [b]}]}", false),
        ("{anyOf: [{type: object, properties: {a: {}}}, {type: 'null'}]}", false),
        (
            "{anyOf: [{type: object, properties: {a: {}}}, {type: object, properties: {b: {}}, additionalProperties: true}]}",
            true,
        ),
    ] {
        let (contract, id) = of_schema(schema);
        assert_eq!(contract.schemas().get(id).is_open(), open, "{schema}");
    }
}

#[test]
fn both_dialects_say_the_same() {
    let old = |schema: &str| {
        contract(&format!(
            "openapi: 3.0.1\npaths: {{}}\ncomponents:\n  schemas:\n    Id: {{type: string}}\n    Root: {schema}"
        ))
    };
    let types = |schema: &str| {
        let contract = old(schema);
        contract.schemas().get(contract.schema_named("Root").expect("it is there")).types
    };
    let nullable = Types::STRING.or(Types::NULL);
    assert_eq!(types("{type: string, nullable: true}"), nullable);
    assert_eq!(types("{type: string, nullable: true, enum: [a]}"), nullable);
    assert_eq!(types("{type: string, nullable: false}"), Types::STRING);
    assert_eq!(types("{nullable: true, allOf: [{$ref: '#/components/schemas/Id'}]}"), nullable);
    assert_eq!(
        types("{nullable: true, oneOf: [{$ref: '#/components/schemas/Id'}], description: x}"),
        nullable
    );
    // OpenAPI 3.0.3: what stands beside a reference is ignored.
    assert_eq!(types("{$ref: '#/components/schemas/Id', nullable: true}"), Types::STRING);
    let (new, id) = of_schema(
        "{$ref: '#/components/schemas/Root/properties/a', properties: {a: {type: string}}, description: x}",
    );
    assert_eq!(new.schemas().get(id).types, Types::STRING, "in 3.1 both count");
}
