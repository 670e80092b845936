//! Shapes of parameters, and shapes made of others.

use serde_json::Value;
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
    schema::{Object, SchemaType, Type},
};

use super::Contract;

/// Text of which nothing more is asked.
#[must_use]
pub fn any_text() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}

/// Text of at most so many characters.
#[must_use]
pub fn text(most: usize) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(most)).build().into()
}

/// Text that a regular expression (ECMA-262) matches.
#[must_use]
pub fn text_matching(pattern: &str) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build().into()
}

/// A time as RFC 3339 has it.
#[must_use]
pub fn date_time() -> Schema {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build().into()
}

/// A whole number, with the one that counts where none is given.
#[must_use]
pub fn number(least: u32, most: u32, default: u32) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
        .default(Some(default.into()))
        .build()
        .into()
}

/// One of these words, the first where none is given.
#[must_use]
pub fn choice<const N: usize>(words: [&str; N]) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .default(words.first().map(|word| Value::from(*word)))
        .build()
        .into()
}

/// An object of which nothing more is said.
#[must_use]
pub fn object() -> Schema {
    Schema::Object(Object::with_type(SchemaType::Type(Type::Object)))
}

/// What is left of the shape `name` without some fields, given by their paths: what lies in lists is meant by the
/// list's own path. Shapes on the way are written out, since they differ from those of that name.
///
/// # Panics
/// When a path leads nowhere: a description that names a field that is not there is a bug, found by its own test.
#[must_use]
pub fn compact_of(contract: &Contract, name: &str, without: &[&str]) -> RefOr<Schema> {
    let mut shape = RefOr::T(resolved(contract, contract.schema(name).expect("a shape that was added")));
    for path in without {
        let steps: Vec<&str> = path.split('.').collect();
        assert!(remove(contract, &mut shape, &steps), "{name} has no {path}");
    }
    shape
}

/// The shape itself, its first level not as a reference.
#[must_use]
pub fn resolved(contract: &Contract, shape: &RefOr<Schema>) -> Schema {
    match shape {
        RefOr::T(schema) => schema.clone(),
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            contract.schema(name).map_or_else(object, |shape| resolved(contract, shape))
        }
    }
}

/// Takes the field at the end of `steps` out of every object in `shape`; says whether there was one.
fn remove(contract: &Contract, shape: &mut RefOr<Schema>, steps: &[&str]) -> bool {
    let mut schema = resolved(contract, shape);
    let found = remove_from(contract, &mut schema, steps);
    if found {
        *shape = RefOr::T(schema);
    }
    found
}

fn remove_from(contract: &Contract, schema: &mut Schema, steps: &[&str]) -> bool {
    use utoipa::openapi::schema::ArrayItems;
    let Some((first, rest)) = steps.split_first() else { return false };
    match schema {
        Schema::Object(object) if rest.is_empty() => {
            object.required.retain(|field| field != first);
            object.properties.remove(*first).is_some()
        }
        Schema::Object(object) => {
            object.properties.get_mut(*first).is_some_and(|field| remove(contract, field, rest))
        }
        Schema::Array(array) => match &mut array.items {
            ArrayItems::RefOrSchema(items) => remove(contract, items, steps),
            ArrayItems::False => false,
        },
        Schema::OneOf(one) => {
            one.items.iter_mut().map(|item| remove(contract, item, steps)).fold(false, |a, b| a | b)
        }
        Schema::AllOf(all) => {
            all.items.iter_mut().map(|item| remove(contract, item, steps)).fold(false, |a, b| a | b)
        }
        Schema::AnyOf(any) => {
            any.items.iter_mut().map(|item| remove(contract, item, steps)).fold(false, |a, b| a | b)
        }
        _ => false,
    }
}
