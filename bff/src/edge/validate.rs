//! What makes a body's fields right or wrong.

use schemas::FieldError;

/// A body whose fields obey rules beyond their types. The same rules stand in OpenAPI, where they can be said.
pub trait Validate {
    /// Adds to `errors` whatever is wrong.
    fn validate(&self, errors: &mut FieldErrors);
}

/// What is wrong, collected: a caller learns of all mistakes at once.
#[derive(Debug, Default)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// Adds one.
    pub fn add(&mut self, field: impl Into<String>, code: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), code: code.into(), message: message.into() });
    }

    /// Checks the length of a text, in characters.
    pub fn length(&mut self, field: &str, text: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if length < least {
            self.add(field, "too_short", format!("at least {least} characters"));
        } else if length > most {
            self.add(field, "too_long", format!("at most {most} characters"));
        }
    }

    /// Checks that a text says something: white space alone does not.
    pub fn text(&mut self, field: &str, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.add(field, "too_short", "must not be blank");
        } else {
            self.length(field, text, 1, most);
        }
    }

    /// What is wrong, or nothing.
    ///
    /// # Errors
    /// The list, when it is not empty.
    pub fn into_result(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
