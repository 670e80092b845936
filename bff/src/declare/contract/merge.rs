//! What is true of a value that obeys several schemas, or any of several.

use super::{
    intern::Interner,
    schema::{Others, Schema, SchemaId},
};
use crate::compose::scan::Types;

/// Of a value that obeys both (`allOf`). What only one of them says is true; of titles and texts the first one counts.
pub(super) fn and(interner: &mut Interner<'_>, mut first: Schema, second: &Schema) -> Schema {
    first.types = first.types.and(second.types);
    // What one of them says of all fields that it does not name, it says of those that the other one names.
    if let Others::Of(others) = second.others {
        for (name, id) in &mut first.properties {
            if !second.properties.contains_key(name) {
                *id = interner.all([*id, others]);
            }
        }
    }
    for (name, id) in &second.properties {
        let both = match (first.properties.get(name), first.others) {
            (Some(known), _) => interner.all([*known, *id]),
            (None, Others::Of(others)) => interner.all([*id, others]),
            (None, _) => *id,
        };
        first.properties.insert(name.clone(), both);
    }
    first.required.extend(second.required.iter().cloned());
    first.others = match (first.others, second.others) {
        (Others::Of(one), Others::Of(other)) => Others::Of(interner.all([one, other])),
        (Others::Of(one), _) | (_, Others::Of(one)) => Others::Of(one),
        (Others::Any, _) | (_, Others::Any) => Others::Any,
        (Others::Refused, _) | (_, Others::Refused) => Others::Refused,
        (Others::Unsaid, Others::Unsaid) => Others::Unsaid,
    };
    first.items = match (first.items, second.items) {
        (Some(one), Some(other)) => Some(interner.all([one, other])),
        (one, other) => one.or(other),
    };
    first.checks.extend(
        second.checks.iter().filter(|check| !first.checks.contains(check)).cloned().collect::<Vec<_>>(),
    );
    annotate(&mut first, second);
    first
}

fn annotate(first: &mut Schema, second: &Schema) {
    let fill = |one: &mut Option<String>, other: &Option<String>| {
        if one.is_none() {
            one.clone_from(other);
        }
    };
    fill(&mut first.title, &second.title);
    fill(&mut first.description, &second.description);
    fill(&mut first.format, &second.format);
    if first.default.is_none() {
        first.default.clone_from(&second.default);
    }
    first.read_only |= second.read_only;
    first.write_only |= second.write_only;
}

/// Of a value that obeys any (`anyOf`, `oneOf`): the types are united, a field is there if any of them names it, and
/// required if all do that may be an object. Nothing where there are none.
pub(super) fn or(interner: &mut Interner<'_>, members: &[Schema]) -> Option<Schema> {
    let types = members.iter().fold(Types::default(), |types, member| types.or(member.types));
    let mut others = members.iter().filter(|member| member.types != Types::NULL);
    // Most unions make something nullable.
    if let (Some(only), None) = (others.next(), others.next()) {
        return Some(Schema { types, ..only.clone() });
    }
    let first = members.first()?;
    let mut union = Schema { types, ..Schema::any(first.source.clone(), first.line) };
    let of = |kind: Types| members.iter().filter(move |member| member.types.allow(kind));
    let objects: Vec<&Schema> = of(Types::OBJECT).collect();
    for name in objects.iter().flat_map(|member| member.properties.keys()) {
        if !union.properties.contains_key(name) {
            let ids: Vec<SchemaId> =
                objects.iter().filter_map(|member| member.properties.get(name)).copied().collect();
            let any = interner.any(ids);
            union.properties.insert(name.clone(), any);
        }
    }
    if let Some((first, rest)) = objects.split_first() {
        let in_all = |name: &&String| rest.iter().all(|member| member.required.contains(*name));
        union.required = first.required.iter().filter(in_all).cloned().collect();
    }
    union.others = united(interner, &objects);
    let lists: Vec<Option<SchemaId>> = of(Types::ARRAY).map(|member| member.items).collect();
    // One that says nothing of its items may hold anything.
    union.items = match lists.iter().copied().collect::<Option<Vec<_>>>() {
        Some(ids) if !ids.is_empty() => Some(interner.any(ids)),
        _ => None,
    };
    let mut texts = of(Types::STRING);
    if let (Some(only), None) = (texts.next(), texts.next()) {
        union.checks.clone_from(&only.checks);
        union.format.clone_from(&only.format);
    }
    Some(union)
}

fn united(interner: &mut Interner<'_>, objects: &[&Schema]) -> Others {
    // One that only adds a condition (`required` alone) does not make an object free-form.
    let open = |member: &&&Schema| match member.others {
        Others::Any => true,
        Others::Unsaid => member.types != Types::ANY && member.properties.is_empty(),
        Others::Of(_) | Others::Refused => false,
    };
    if objects.iter().any(|member| open(&member)) {
        return Others::Any;
    }
    let maps: Vec<SchemaId> = objects
        .iter()
        .filter_map(|member| if let Others::Of(id) = member.others { Some(id) } else { None })
        .collect();
    if !maps.is_empty() {
        return Others::Of(interner.any(maps));
    }
    let refused = !objects.is_empty() && objects.iter().all(|member| member.others == Others::Refused);
    if refused { Others::Refused } else { Others::Unsaid }
}
