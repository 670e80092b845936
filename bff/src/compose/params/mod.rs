//! Parameters of screens and routes, read by their plans before anything is called. All mistakes are told at once.
//!
//! The module knows no web framework: [`Sources`] is how it reaches the request.

mod language;
mod path;
mod query;
#[cfg(test)]
mod tests;

use schemas::{FieldError, Id};
use smallvec::SmallVec;

pub use path::encode_segment;
use query::Query;

use super::plan::{ParamKind, ParamPlan, ParamSource, ParamValue};

/// Longest cursor that goes on to an upstream, in bytes.
pub const MAX_CURSOR: usize = 512;

/// The values, each at the place of its plan; `None`: it is absent.
pub type Params = Box<[Option<ParamValue>]>;

/// Where parameters are read.
pub trait Sources {
    /// A path parameter, percent-encoded at least as far as `%` and `/` in it are.
    fn path(&self, name: &str) -> Option<&str>;

    /// What follows the `?`, as `application/x-www-form-urlencoded` (WHATWG URL section 5.1).
    fn query(&self) -> &str;

    /// Every line of the header of this lower-case name; one that is no visible ASCII is the empty text.
    fn header(&self, name: &str) -> SmallVec<[&str; 2]>;
}

/// Why a request's parameters cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// There is nothing at such a path.
    #[error("a path parameter is malformed")]
    NotFound,
    /// Every parameter that is wrong, with the codes of validation.
    #[error("{} parameters are wrong", .0.len())]
    Invalid(Vec<FieldError>),
}

/// Reads all parameters. A malformed path wins over all other mistakes.
///
/// # Errors
/// [`ParamError`].
pub fn read(plans: &[ParamPlan], sources: &impl Sources, compact: bool) -> Result<Params, ParamError> {
    let by_query = plans.iter().any(|plan| plan.source == ParamSource::Query);
    let mut reader = Reader {
        sources,
        query: Query::of(if by_query { sources.query() } else { "" }),
        errors: Vec::new(),
        compact,
    };
    let values = plans.iter().map(|plan| reader.value(plan)).collect::<Result<_, _>>()?;
    if reader.errors.is_empty() { Ok(values) } else { Err(ParamError::Invalid(reader.errors)) }
}

/// The parameters of one request.
struct Reader<'r, S> {
    sources: &'r S,
    query: Query<'r>,
    errors: Vec<FieldError>,
    compact: bool,
}

impl<S: Sources> Reader<'_, S> {
    /// The value, or its default. A wrong one is written down and counts as absent.
    fn value(&mut self, plan: &ParamPlan) -> Result<Option<ParamValue>, ParamError> {
        let given = match &plan.source {
            ParamSource::Path => {
                let text =
                    self.sources.path(&plan.name).and_then(path::decoded).ok_or(ParamError::NotFound)?;
                return match checked(&plan.kind, &text) {
                    Ok(Some(value)) => Ok(Some(value)),
                    Ok(None) | Err(_) => Err(ParamError::NotFound),
                };
            }
            ParamSource::Rest => {
                let rest = self.sources.path(&plan.name).and_then(path::decoded_rest);
                return rest.map(|rest| Some(ParamValue::Text(rest))).ok_or(ParamError::NotFound);
            }
            ParamSource::Query => self.of_query(plan),
            ParamSource::Header(name) => self.of_header(plan, name),
            ParamSource::StaticResponse => None,
        };
        let default = || {
            let compact = plan.compact_default.as_ref().filter(|_| self.compact);
            compact.or(plan.default.as_ref()).cloned()
        };
        Ok(given.or_else(default))
    }

    fn of_query(&mut self, plan: &ParamPlan) -> Option<ParamValue> {
        let mut values = self.query.values(&plan.name);
        let first = values.next()?;
        if values.next().is_some() {
            self.errors.push(mistake(&plan.name, DUPLICATE));
        }
        checked(&plan.kind, first).unwrap_or_else(|wrong| {
            self.errors.push(mistake(&plan.name, wrong));
            None
        })
    }

    fn of_header(&mut self, plan: &ParamPlan, name: &str) -> Option<ParamValue> {
        let lines = self.sources.header(name);
        if name == "accept-language" {
            let known: &[Box<str>] = match &plan.kind {
                ParamKind::String { one_of, .. } => one_of,
                _ => &[],
            };
            return language::negotiated(&lines, known).map(|tag| ParamValue::Text(tag.into()));
        }
        let first = lines.first()?;
        if lines.len() > 1 {
            self.errors.push(mistake(&plan.name, DUPLICATE));
        }
        checked(&plan.kind, first).unwrap_or_else(|wrong| {
            self.errors.push(mistake(&plan.name, wrong));
            None
        })
    }
}

/// A code and a message.
type Mistake = (&'static str, String);

const DUPLICATE: (&str, &str) = ("duplicate", "is given twice");

fn mistake(field: &str, (code, message): (&str, impl Into<String>)) -> FieldError {
    FieldError { field: field.into(), code: code.into(), message: message.into() }
}

/// The value that the text says; `None` where it counts as absent.
fn checked(kind: &ParamKind, text: &str) -> Result<Option<ParamValue>, Mistake> {
    match kind {
        ParamKind::Id if text.is_empty() => Ok(None),
        ParamKind::Id => match Id::new(text) {
            Ok(_) => Ok(Some(ParamValue::Text(text.into()))),
            Err(_) => Err(("invalid", "must be an id".into())),
        },
        ParamKind::Integer(range) => integer(range, text).map(Some),
        ParamKind::Boolean => match text {
            "true" => Ok(Some(ParamValue::Boolean(true))),
            "false" => Ok(Some(ParamValue::Boolean(false))),
            _ => Err(("invalid", "one of: true, false".into())),
        },
        ParamKind::Cursor if text.len() > MAX_CURSOR || !is_plain(text) => {
            Err(("invalid", "not a cursor of this list".into()))
        }
        ParamKind::Cursor => Ok((!text.is_empty()).then(|| ParamValue::Text(text.into()))),
        ParamKind::String { max_length, one_of } => string(text, *max_length, one_of),
    }
}

fn integer(range: &std::ops::RangeInclusive<i64>, text: &str) -> Result<ParamValue, Mistake> {
    let (least, most) = (*range.start(), *range.end());
    // A sign is no part of a number that cannot be negative.
    let digits = text.strip_prefix('-').filter(|_| least < 0).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(("invalid", "must be a whole number".into()));
    }
    // Digits that do not fit are a number out of range, not nonsense.
    match text.parse().ok().filter(|number| range.contains(number)) {
        Some(number) => Ok(ParamValue::Integer(number)),
        None => Err(("out_of_range", format!("a whole number, {least} to {most}"))),
    }
}

fn string(text: &str, max_length: u32, one_of: &[Box<str>]) -> Result<Option<ParamValue>, Mistake> {
    if !is_plain(text) {
        return Err(("invalid", "must be text".into()));
    }
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if !one_of.is_empty() && one_of.iter().all(|one| **one != *text) {
        return Err(("invalid", format!("one of: {}", one_of.join(", "))));
    }
    if text.chars().count() > max_length as usize {
        return Err(("too_long", format!("at most {max_length} characters")));
    }
    Ok(Some(ParamValue::Text(text.into())))
}

/// No control characters, and not the replacement for bytes that are no UTF-8.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || c == '\u{fffd}')
}
