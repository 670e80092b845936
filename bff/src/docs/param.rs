//! Parameters of screens and routes.

use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema, Type};

use crate::{
    compose::plan::{ParamKind, ParamSource, ParamValue},
    declare::DescribedParam,
    edge::{ApiError, Contract, Operation, text},
};

/// The longest cursor, in characters.
const MAX_CURSOR: usize = 512;

/// Adds a parameter to an operation.
pub(super) fn describe(contract: &mut Contract, operation: Operation, param: &DescribedParam) -> Operation {
    let mut schema = schema(param);
    if let Some(name) = &param.shape
        && let RefOr::T(inline) = schema
    {
        let example =
            serde_json::to_value(&inline).ok().and_then(|json| super::example(&json, &contract.shapes()));
        schema = RefOr::Ref(contract.named(name.clone(), inline, example.unwrap_or_default()));
    }
    let about = about(param);
    match &param.plan.source {
        ParamSource::Path | ParamSource::Rest => operation.at(&param.plan.name, schema, &about),
        ParamSource::Query => operation.query(&param.plan.name, schema, &about),
        ParamSource::Header(name) => {
            operation.header(&title_case(name), schema, &about).fails(ApiError::Invalid(Vec::new()))
        }
        ParamSource::StaticResponse => operation,
    }
}

fn about(param: &DescribedParam) -> String {
    let about = param.about.clone().unwrap_or_else(|| match &param.plan.source {
        ParamSource::Rest => "The rest of the path: it may hold slashes.".to_owned(),
        _ => format!("`{}`.", param.plan.name),
    });
    let json = |value: &ParamValue| value_json(value).to_string();
    match param.plan.compact_default.as_ref().filter(|compact| Some(*compact) != param.plan.default.as_ref())
    {
        Some(compact) => format!("{about} The compact view's default is {}.", json(compact)),
        None => about,
    }
}

fn schema(param: &DescribedParam) -> RefOr<Schema> {
    let default = param.plan.default.as_ref().map(value_json);
    let of_type = |kind: Type| ObjectBuilder::new().schema_type(kind).default(default.clone());
    let built: Schema = match &param.plan.kind {
        _ if param.plan.source == ParamSource::Rest => text(2048),
        ParamKind::Id => return RefOr::Ref(Ref::from_schema_name("Id")),
        ParamKind::Integer(range) => {
            let (least, most) = (*range.start(), *range.end());
            let built = of_type(Type::Integer);
            let built = if least == i64::MIN { built } else { built.minimum(Some(least)) };
            if most == i64::MAX { built.build().into() } else { built.maximum(Some(most)).build().into() }
        }
        ParamKind::Boolean => of_type(Type::Boolean).build().into(),
        ParamKind::Cursor => text(MAX_CURSOR),
        ParamKind::String { one_of, .. } if !one_of.is_empty() => {
            // An empty one counts as absent.
            let values = one_of.iter().map(|one| one.to_string()).chain([String::new()]);
            of_type(Type::String).enum_values(Some(values)).build().into()
        }
        ParamKind::String { max_length, .. } => {
            let pattern = format!("^[^\\u0000-\\u001f\\u007f-\\u009f\\ufffd]{{0,{max_length}}}$");
            of_type(Type::String).pattern(Some(pattern)).build().into()
        }
    };
    RefOr::T(built)
}

fn value_json(value: &ParamValue) -> Value {
    match value {
        ParamValue::Text(text) => Value::from(&**text),
        ParamValue::Integer(number) => Value::from(*number),
        ParamValue::Boolean(one) => Value::from(*one),
    }
}

/// `accept-language` as `Accept-Language`.
fn title_case(name: &str) -> String {
    let mut title = String::with_capacity(name.len());
    for c in name.chars() {
        let begins = title.is_empty() || title.ends_with('-');
        title.push(if begins { c.to_ascii_uppercase() } else { c });
    }
    title
}

#[cfg(test)]
mod tests {
    use super::title_case;

    #[test]
    fn headers_are_written_as_people_write_them() {
        assert_eq!(title_case("accept-language"), "Accept-Language");
        assert_eq!(title_case("x-tenant"), "X-Tenant");
    }
}
