//! Shapes made of others: what a compact view leaves of a document.

use utoipa::openapi::{RefOr, Schema};

use super::{document::Contract, shapes::object};

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
