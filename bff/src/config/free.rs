//! The section whose keys are the operator's own: `[site.config]`. Its keys have no defaults, its values may be
//! anything that JSON has, and their case counts, so that the environment gives them together, as one JSON object.

use figment::value::{Dict, Value};
use serde_json::{Map, Value as Json};

/// Where it stands.
pub(super) const SECTION: &str = "site.config";
/// Why a variable for one key of it is refused.
pub(super) const NOT_BY_KEY: &str =
    "names of variables have no case: set BFF__SITE__CONFIG to a JSON object instead";
/// What the TOML parser wraps dates in.
const DATE: &str = "$__toml_private_datetime";

/// What a path has to do with the section.
pub(super) enum Place {
    Whole,
    Key,
}

/// Whether `path` is the section or in it.
pub(super) fn within(path: &[String]) -> Option<Place> {
    match path {
        [site, config] if SECTION == format!("{site}.{config}") => Some(Place::Whole),
        [site, config, ..] if SECTION == format!("{site}.{config}") => Some(Place::Key),
        _ => None,
    }
}

/// Reads what the environment holds. The message of a mistake quotes nothing of it.
pub(super) fn from_json(text: &str) -> Result<Value, String> {
    let object: Map<String, Json> = serde_json::from_str(text)
        .map_err(|error| format!("is not a JSON object (at character {} of it)", error.column()))?;
    Value::serialize(object).map_err(|_| "cannot be kept".to_owned())
}

/// Turns dates into text, as which JSON has them.
pub(super) fn tidy(section: &mut Dict) {
    section.values_mut().for_each(tidy_value);
}

fn tidy_value(value: &mut Value) {
    match value {
        Value::Dict(_, below) => match below.remove(DATE) {
            Some(text) if below.is_empty() => *value = text,
            Some(text) => {
                below.insert(DATE.to_owned(), text);
            }
            None => tidy(below),
        },
        Value::Array(_, items) => items.iter_mut().for_each(tidy_value),
        _ => {}
    }
}
