//! Parameters of screens and routes.

use super::{
    super::{
        mistake::{At, quoted},
        text::is_name,
    },
    Param, ParamPlace, ParamType, Scalar,
    section::Section,
};

/// The longest cursor, in characters.
const MAX_CURSOR: usize = 512;
/// The longest string where nothing else is said, in characters.
const MAX_LENGTH: u32 = 200;
/// Query parameters that the gateway reads itself.
const RESERVED: [&str; 1] = ["view"];

/// Reads `[params]`.
pub(super) fn params(section: &Section<'_>) -> Vec<Param> {
    section.sections("params").iter().filter_map(|(name, section)| param(name, section)).collect()
}

fn param(name: &At<String>, section: &Section<'_>) -> Option<Param> {
    let report = section.report();
    if !is_name(name) {
        report.add(&name.spot, format_args!("{} is no name: letters, digits, `_` and `-`", quoted(name)));
        return None;
    }
    let place = match section.text("in")?.as_str() {
        "path" => ParamPlace::Path,
        "query" if RESERVED.contains(&name.as_str()) => {
            report.add(&name.spot, format_args!("{} is a parameter of the gateway's own", quoted(name)));
            return None;
        }
        "query" => ParamPlace::Query,
        "header" => ParamPlace::Header(header(name, section)?),
        _ => ParamPlace::StaticResponse,
    };
    if !matches!(place, ParamPlace::Header(_)) {
        section.forbid(&["name"], "only headers have a name of their own");
    }
    let default = section.scalar("default");
    let kind = kind(section, &place, default.as_ref())?;
    let default = default.filter(|value| is_sound(section, "default", value, &kind));
    let compact_default = section.scalar("compact_default");
    let compact_default = compact_default.filter(|value| is_sound(section, "compact_default", value, &kind));
    match place {
        ParamPlace::Path => {
            section.forbid(&["default", "compact_default"], "a parameter in a path is always there")
        }
        ParamPlace::StaticResponse if !section.has("default") => {
            section.mistake("default", "is missing: no caller can set it")
        }
        _ => {}
    }
    let about = section.text("about").or_else(|| section.text("summary"));
    Some(Param {
        name: name.clone(),
        about,
        shape: section.text("shape"),
        place,
        kind,
        default,
        compact_default,
    })
}

fn header(name: &At<String>, section: &Section<'_>) -> Option<String> {
    let given =
        section.text("name").map_or_else(|| name.value.clone(), |name| name.value).to_ascii_lowercase();
    // Who calls, and how long, is the gateway's to find out: an upstream is never told in the caller's words.
    let own = [
        "cookie",
        "authorization",
        "host",
        "x-caller-token",
        "x-csrf-token",
        "idempotency-key",
        "if-none-match",
    ];
    if http::HeaderName::from_bytes(given.as_bytes()).is_err() {
        section.mistake("name", format_args!("{} is no name of a header", quoted(&given)));
        return None;
    }
    if own.contains(&given.as_str()) {
        section.mistake("name", format_args!("{} is a header of the gateway's own", quoted(&given)));
        return None;
    }
    Some(given)
}

fn kind(section: &Section<'_>, place: &ParamPlace, default: Option<&At<Scalar>>) -> Option<ParamType> {
    let named = section.text("type").map(|kind| kind.value);
    if named.is_none() && section.has("type") {
        return None;
    }
    let kind = named.as_deref().unwrap_or(match (place, default.map(|default| &default.value)) {
        (ParamPlace::Path, _) => "id",
        (ParamPlace::StaticResponse, Some(Scalar::Integer(_))) => "integer",
        (ParamPlace::StaticResponse, Some(Scalar::Boolean(_))) => "boolean",
        _ => "string",
    });
    if kind != "integer" {
        section.forbid(&["min", "max"], "only an integer has bounds");
    }
    if kind != "string" {
        section.forbid(&["max_length", "one_of"], "only a string has this");
    }
    match kind {
        "id" => Some(ParamType::Id),
        "boolean" => Some(ParamType::Boolean),
        "cursor" => Some(ParamType::Cursor),
        "integer" => {
            let min = section.integer("min").map_or(i64::MIN, |min| min.value);
            let max = section.integer("max").map_or(i64::MAX, |max| max.value);
            if min > max {
                section.mistake("max", format_args!("is less than min, {min}"));
                return None;
            }
            Some(ParamType::Integer(min, max))
        }
        _ => {
            let one_of = section.texts("one_of");
            if section.has("one_of") && one_of.is_empty() {
                section.mistake("one_of", "names no value");
            }
            for value in one_of.iter().filter(|value| value.trim() != value.as_str() || value.is_empty()) {
                section.mistake(
                    "one_of",
                    format_args!("{} could never come: strings are trimmed", quoted(value)),
                );
            }
            let one_of = one_of.into_iter().map(|value| value.value).collect();
            let max_length = section.whole::<u32>("max_length").map_or(MAX_LENGTH, |length| length.value);
            Some(ParamType::Text { max_length, one_of })
        }
    }
}

/// Whether a caller could say the same as a default says.
fn is_sound(section: &Section<'_>, key: &str, value: &At<Scalar>, kind: &ParamType) -> bool {
    let what = match (&value.value, kind) {
        (Scalar::Integer(number), ParamType::Integer(min, max)) if (min..=max).contains(&number) => None,
        (Scalar::Integer(_), ParamType::Integer(min, max)) => Some(bounds(*min, *max)),
        (Scalar::Boolean(_), ParamType::Boolean) => None,
        (Scalar::Text(text), ParamType::Id) if schemas::Id::new(text).is_ok() => None,
        (Scalar::Text(text), ParamType::Cursor) if text.chars().count() <= MAX_CURSOR => None,
        (Scalar::Text(text), ParamType::Text { max_length, one_of }) => {
            if !one_of.is_empty() && !one_of.contains(text) {
                Some(format!("{} is none of `one_of`", quoted(text)))
            } else if text.chars().count() > *max_length as usize {
                Some(format!("is longer than {max_length} characters"))
            } else {
                None
            }
        }
        (_, ParamType::Integer(..)) => Some("must be a whole number".to_owned()),
        (_, ParamType::Boolean) => Some("must be true or false".to_owned()),
        (_, ParamType::Id) => Some("must be an id".to_owned()),
        (_, ParamType::Cursor | ParamType::Text { .. }) => Some("must be text".to_owned()),
    };
    if let Some(what) = &what {
        section.mistake(key, what);
    }
    what.is_none()
}

fn bounds(min: i64, max: i64) -> String {
    match (min, max) {
        (i64::MIN, max) => format!("must be at most {max}"),
        (min, i64::MAX) => format!("must be at least {min}"),
        _ => format!("must be from {min} to {max}"),
    }
}
