//! What is wrong with a body, in the gateway's codes.

use jsonschema::{
    ValidationError,
    error::ValidationErrorKind as Kind,
    paths::{Location, LocationSegment},
};
use schemas::FieldError;

/// Mistakes that are told of one body.
const MAX_MISTAKES: usize = 100;
/// The longest path of a field, in characters: names in it may be the caller's own.
const MAX_FIELD: usize = 100;
const SHAPE: [&str; 4] = ["required", "unknown_field", "duplicate", "invalid"];

/// What was found so far.
#[derive(Default)]
pub(super) struct Mistakes(Vec<FieldError>);

impl Mistakes {
    pub(super) fn add(&mut self, field: String, code: &str, message: impl Into<String>) {
        let field: String = field.chars().take(MAX_FIELD).collect();
        if !self.has(&field, |known| known == code) {
            self.0.push(FieldError { field, code: code.to_owned(), message: message.into() });
        }
    }

    fn has(&self, field: &str, code: impl Fn(&str) -> bool) -> bool {
        self.0.iter().any(|known| known.field == field && code(&known.code))
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_MISTAKES
    }

    /// In the order in which they are told.
    pub(super) fn into_errors(mut self) -> Vec<FieldError> {
        let said_better = |one: &FieldError| match one.code.as_str() {
            // Of a text that breaks a rule, that it breaks a pattern as well is no news.
            "invalid" => self.has(&one.field, |code| code != "invalid" && code != "out_of_range"),
            // Of a text that says nothing, its length is no news.
            "too_long" => self.has(&one.field, |code| code == "too_short"),
            // A number that its format does not hold is of another form, and not merely too small.
            "out_of_range" => self.has(&one.field, |code| code == "invalid"),
            _ => false,
        };
        let kept: Vec<bool> = self.0.iter().map(|one| !said_better(one)).collect();
        let mut kept = kept.into_iter();
        self.0.retain(|_| kept.next().unwrap_or(true));
        self.0.sort_by_key(|one| !SHAPE.contains(&one.code.as_str()));
        self.0
    }
}

/// Adds what a validator found.
pub(super) fn of_schema(error: &ValidationError<'_>, mistakes: &mut Mistakes) {
    let path = path_of(error.instance_path());
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    // The body itself is `.`, as wherever the gateway names it.
    let here = || if path.is_empty() { ".".to_owned() } else { path.clone() };
    let is_text = error.instance().is_string();
    let what = if is_text { "characters" } else { "items" };
    match error.kind() {
        Kind::Required { property } => {
            mistakes.add(inside(property.as_str().unwrap_or_default()), "required", "must be given");
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                mistakes.add(inside(name), "unknown_field", "is not known here");
            }
        }
        Kind::FalseSchema => mistakes.add(here(), "unknown_field", "is not known here"),
        Kind::MinLength { limit } | Kind::MinItems { limit } => {
            mistakes.add(here(), "too_short", format!("at least {limit} {what}"));
        }
        Kind::MaxLength { limit } | Kind::MaxItems { limit } => {
            mistakes.add(here(), "too_long", format!("at most {limit} {what}"));
        }
        Kind::MinProperties { limit: 1 } => {
            mistakes.add(path, "required", "at least one field must be given");
        }
        Kind::MinProperties { limit } => {
            mistakes.add(path, "required", format!("at least {limit} fields must be given"));
        }
        Kind::MaxProperties { limit } => {
            mistakes.add(here(), "too_long", format!("at most {limit} fields"));
        }
        Kind::Minimum { limit } => mistakes.add(here(), "out_of_range", format!("at least {limit}")),
        Kind::Maximum { limit } => mistakes.add(here(), "out_of_range", format!("at most {limit}")),
        Kind::ExclusiveMinimum { limit } => {
            mistakes.add(here(), "out_of_range", format!("more than {limit}"))
        }
        Kind::ExclusiveMaximum { limit } => {
            mistakes.add(here(), "out_of_range", format!("less than {limit}"))
        }
        Kind::UniqueItems => mistakes.add(here(), "duplicate", "holds an item twice"),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            match meant(context, error.instance_path()) {
                Some(errors) => errors.iter().for_each(|error| of_schema(error, mistakes)),
                None => mistakes.add(here(), "invalid", "has the wrong type or form"),
            }
        }
        Kind::Type { .. } if path.is_empty() => {
            mistakes.add(here(), "invalid", "must be an object");
        }
        _ => mistakes.add(here(), "invalid", "has the wrong type or form"),
    }
}

/// The one member of a union whose type the value has: its mistakes are those that help. Most unions make something
/// nullable.
fn meant<'e>(
    context: &'e [Vec<ValidationError<'static>>],
    at: &Location,
) -> Option<&'e Vec<ValidationError<'static>>> {
    let other_type = |error: &ValidationError<'_>| {
        matches!(error.kind(), Kind::Type { .. }) && error.instance_path() == at
    };
    let mut members = context.iter().filter(|errors| !errors.iter().any(other_type) && !errors.is_empty());
    let first = members.next()?;
    members.next().is_none().then_some(first)
}

fn path_of(location: &Location) -> String {
    let mut path = String::new();
    for segment in location {
        match segment {
            LocationSegment::Property(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&name);
            }
            LocationSegment::Index(place) => path.push_str(&format!("[{place}]")),
        }
    }
    path
}
