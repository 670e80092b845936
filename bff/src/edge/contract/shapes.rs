//! Shapes of parameters.

use serde_json::Value;
use utoipa::openapi::{
    KnownFormat, ObjectBuilder, Schema, SchemaFormat,
    schema::{Object, SchemaType, Type},
};

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
