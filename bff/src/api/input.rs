//! The rules of the fields that callers send, beyond their types. The upstreams check again; here a mistake
//! costs no call.

use schemas::{
    Amount, CommentInput, Credentials, MemberPatch, PostInput, RecipeInput, RefreshRequest, RevokeRequest,
    SecondFactorCode, SignUp, TokenRequest, TotpCode,
};

use crate::edge::{FieldErrors, Validate};

/// Longest text of a post, a recipe or a comment, in characters.
const MAX_TEXT: usize = 10_000;
/// Longest key of a file, in bytes.
const MAX_FILE_KEY: usize = 512;

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
        credentials(errors, &self.login, &self.password, self.otp.as_deref());
    }
}

impl Validate for TokenRequest {
    fn validate(&self, errors: &mut FieldErrors) {
        credentials(errors, &self.login, &self.password, self.otp.as_deref());
    }
}

fn credentials(errors: &mut FieldErrors, login: &str, password: &str, otp: Option<&str>) {
    text(errors, "login", login, 254);
    errors.length("password", password, 1, 256);
    if let Some(otp) = otp {
        errors.length("otp", otp, 1, 64);
    }
}

impl Validate for RefreshRequest {
    fn validate(&self, errors: &mut FieldErrors) {
        if let Some(token) = &self.refresh_token {
            errors.length("refresh_token", token, 1, 1024);
        }
    }
}

impl Validate for RevokeRequest {
    fn validate(&self, errors: &mut FieldErrors) {
        for (field, token) in [("token", &self.token), ("refresh_token", &self.refresh_token)] {
            if let Some(token) = token {
                errors.length(field, token, 1, 4096);
            }
        }
        if self.token.is_some() && self.refresh_token.is_some() {
            errors.add("refresh_token", "duplicate", "is another name of `token`: give one of them");
        }
    }
}

impl Validate for SecondFactorCode {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("otp", &self.otp, 1, 64);
    }
}

impl Validate for TotpCode {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("code", &self.code, 1, 64);
    }
}

impl Validate for PostInput {
    fn validate(&self, errors: &mut FieldErrors) {
        text(errors, "text", &self.text, MAX_TEXT);
    }
}

impl Validate for RecipeInput {
    fn validate(&self, errors: &mut FieldErrors) {
        text(errors, "title", &self.title, 200);
        text(errors, "body", &self.body, MAX_TEXT);
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
            file_key(errors, "photoKey", key);
        }
    }
}

impl Validate for CommentInput {
    fn validate(&self, errors: &mut FieldErrors) {
        text(errors, "body", &self.body, MAX_TEXT);
    }
}

impl Validate for MemberPatch {
    fn validate(&self, errors: &mut FieldErrors) {
        if *self == Self::default() {
            errors.add("", "required", "at least one field must be given");
        }
        if let Some(name) = &self.display_name {
            text(errors, "displayName", name, 80);
        }
        if let Some(bio) = &self.bio {
            // An empty one takes it away.
            errors.length("bio", bio, 0, 1000);
            plain(errors, "bio", bio);
        }
        if let Some(key) = &self.avatar_key {
            file_key(errors, "avatarKey", key);
        }
    }
}

/// Text that says something and can be shown.
fn text(errors: &mut FieldErrors, field: &str, text: &str, most: usize) {
    errors.text(field, text, most);
    plain(errors, field, text);
}

/// No control characters but those that lay text out.
fn plain(errors: &mut FieldErrors, field: &str, text: &str) {
    if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        errors.add(field, "invalid_characters", "must hold no control characters");
    }
}

/// The key of an uploaded file: it becomes a part of a URL, so it must not climb.
fn file_key(errors: &mut FieldErrors, field: &str, key: &str) {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-' | b'/');
    // Neither a way up nor a hidden file.
    let is_step = |step: &str| !step.is_empty() && !step.starts_with('.');
    if key.len() > MAX_FILE_KEY || !key.bytes().all(allowed) || !key.split('/').all(is_step) {
        errors.add(field, "invalid_key", "is not the key of a file");
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::{CommentInput, FieldErrors, MemberPatch, PostInput, RecipeInput, Validate};

    /// Fields and codes.
    fn wrong<T: DeserializeOwned + Validate>(input: Value) -> Vec<(String, String)> {
        let input: T = serde_json::from_value(input).expect("the shape is right");
        let mut errors = FieldErrors::default();
        input.validate(&mut errors);
        let errors = errors.into_result().err().unwrap_or_default();
        errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    fn one(field: &str, code: &str) -> Vec<(String, String)> {
        vec![(field.to_owned(), code.to_owned())]
    }

    #[test]
    fn a_change_of_a_profile_changes_something() {
        assert_eq!(wrong::<MemberPatch>(json!({ "bio": "" })), []);
        assert_eq!(
            wrong::<MemberPatch>(json!({ "displayName": "밥".repeat(80), "avatarKey": "a/2026/b.webp" })),
            []
        );
        assert_eq!(wrong::<MemberPatch>(json!({})), one("", "required"));
        assert!(serde_json::from_value::<MemberPatch>(json!({ "bio": null })).is_err());
        assert_eq!(wrong::<MemberPatch>(json!({ "displayName": " " })), one("displayName", "too_short"));
        assert_eq!(
            wrong::<MemberPatch>(json!({ "displayName": "x".repeat(81) })),
            one("displayName", "too_long")
        );
        assert_eq!(wrong::<MemberPatch>(json!({ "bio": "x".repeat(1001) })), one("bio", "too_long"));
        for key in ["", "/a", "a//b", "a/../b", "..", "a/.b", "a b", "a?b", "밥", &"x".repeat(513)] {
            let patch = json!({ "avatarKey": key });
            assert_eq!(wrong::<MemberPatch>(patch), one("avatarKey", "invalid_key"), "{key}");
        }
    }

    #[test]
    fn a_text_says_something_and_can_be_shown() {
        assert_eq!(wrong::<CommentInput>(json!({ "body": "맛있다\n\tvery" })), []);
        assert_eq!(wrong::<CommentInput>(json!({ "body": "밥".repeat(10_000) })), []);
        assert_eq!(wrong::<CommentInput>(json!({ "body": "" })), one("body", "too_short"));
        assert_eq!(wrong::<CommentInput>(json!({ "body": "\u{a0}\n" })), one("body", "too_short"));
        assert_eq!(wrong::<CommentInput>(json!({ "body": "밥".repeat(10_001) })), one("body", "too_long"));
        assert_eq!(wrong::<CommentInput>(json!({ "body": "a\u{0}" })), one("body", "invalid_characters"));
        assert_eq!(wrong::<PostInput>(json!({ "text": "a\u{1b}[2J" })), one("text", "invalid_characters"));
    }

    #[test]
    fn a_recipe_has_its_limits() {
        let line = json!({ "ingredientId": "rice", "amount": 1 });
        let with = |field: &str, value: Value| {
            let mut input = json!({ "title": "밥", "body": "b", "servings": 2, "ingredients": [line], "photoKey": "a/b" });
            input[field] = value;
            wrong::<RecipeInput>(input)
        };
        assert_eq!(with("servings", json!(100)), []);
        assert_eq!(with("ingredients", json!(vec![&line; 100])), []);
        assert_eq!(with("servings", json!(u32::MAX)), one("servings", "out_of_range"));
        assert_eq!(with("ingredients", json!(vec![&line; 101])), one("ingredients", "too_long"));
        assert_eq!(with("ingredients", json!([])), one("ingredients", "too_short"));
        assert_eq!(with("photoKey", json!("../x")), one("photoKey", "invalid_key"));
        assert_eq!(with("title", json!("a\u{7}")), one("title", "invalid_characters"));
        let free = json!([line, { "ingredientId": "egg", "amount": 0.000 }]);
        assert_eq!(with("ingredients", free), one("ingredients[1].amount", "out_of_range"));
    }
}
