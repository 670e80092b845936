//! The rules of the fields that callers send, beyond their types. The upstreams check again; here a mistake
//! costs no call.

use schemas::{Amount, Credentials, PostInput, RecipeInput, SignUp};

use crate::edge::{FieldErrors, Validate};

/// Longest text of a post, a recipe or a comment, in characters.
const MAX_TEXT: usize = 10_000;

impl Validate for SignUp {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("email", &self.email, 3, 254);
        let has_both_sides = |(local, domain): (&str, &str)| !local.is_empty() && !domain.is_empty();
        let plain = !self.email.chars().any(|c| c.is_whitespace() || c.is_control());
        if !plain || !self.email.rsplit_once('@').is_some_and(has_both_sides) {
            errors.add("email", "invalid", "must be an e-mail address");
        }
        errors.length("username", &self.username, 3, 30);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !self.username.bytes().all(plain) {
            errors.add("username", "invalid", "may hold A-Z a-z 0-9 _ . - alone");
        }
        errors.length("password", &self.password, 8, 256);
    }
}

impl Validate for Credentials {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("login", &self.login, 1, 254);
        errors.length("password", &self.password, 1, 256);
        if let Some(otp) = &self.otp {
            errors.length("otp", otp, 1, 64);
        }
    }
}

impl Validate for PostInput {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.text("text", &self.text, MAX_TEXT);
    }
}

impl Validate for RecipeInput {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.text("title", &self.title, 200);
        errors.text("body", &self.body, MAX_TEXT);
        if !(1..=100).contains(&self.servings) {
            errors.add("servings", "out_of_range", "1 to 100");
        }
        match self.ingredients.len() {
            0 => errors.add("ingredients", "too_short", "at least one ingredient"),
            1..=100 => {}
            _ => errors.add("ingredients", "too_long", "at most 100 ingredients"),
        }
        for (place, ingredient) in self.ingredients.iter().enumerate() {
            if Amount::from_thousandths(0) == Some(ingredient.amount) {
                errors.add(format!("ingredients[{place}].amount"), "out_of_range", "more than 0");
            }
        }
        if let Some(key) = &self.photo_key {
            errors.length("photoKey", key, 1, 512);
        }
    }
}
