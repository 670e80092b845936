//! The rules of the fields that callers send, beyond their types. The upstreams check again; here a mistake
//! costs no call.

use schemas::{
    Credentials, EmailChange, EmailConfirmation, ForgottenPassword, PasswordChange, PasswordReset,
    RefreshRequest, RevokeRequest, SecondFactorCode, SignUp, TokenRequest, TotpCode, TotpStart,
};

use crate::edge::{FieldErrors, Validate};

impl Validate for SignUp {
    fn validate(&self, errors: &mut FieldErrors) {
        email(errors, &self.email);
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

impl Validate for PasswordChange {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("current", &self.current, 1, 256);
        errors.length("new", &self.new, 8, 256);
    }
}

impl Validate for ForgottenPassword {
    fn validate(&self, errors: &mut FieldErrors) {
        email(errors, &self.email);
    }
}

impl Validate for PasswordReset {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("token", &self.token, 1, 128);
        errors.length("new", &self.new, 8, 256);
    }
}

impl Validate for EmailChange {
    fn validate(&self, errors: &mut FieldErrors) {
        email(errors, &self.email);
        errors.length("password", &self.password, 1, 256);
    }
}

impl Validate for EmailConfirmation {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.length("token", &self.token, 1, 128);
    }
}

impl Validate for TotpStart {
    fn validate(&self, errors: &mut FieldErrors) {
        if let Some(password) = &self.password {
            errors.length("password", password, 1, 256);
        }
    }
}

/// An e-mail address, as far as that can be told without a mail server.
fn email(errors: &mut FieldErrors, email: &str) {
    errors.length("email", email, 3, 254);
    let has_both_sides = |(local, domain): (&str, &str)| !local.is_empty() && !domain.is_empty();
    let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if !plain || !email.rsplit_once('@').is_some_and(has_both_sides) {
        errors.add("email", "invalid", "must be an e-mail address");
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

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::{Credentials, FieldErrors, RevokeRequest, SignUp, Validate};

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
    fn an_account_has_its_limits() {
        let with = |field: &str, value: &str| {
            let mut input = json!({ "email": "a@b.c", "username": "ada", "password": "12345678" });
            input[field] = value.into();
            wrong::<SignUp>(input)
        };
        assert_eq!(with("username", "a.b_c-1"), []);
        assert_eq!(with("username", "a b"), one("username", "invalid"));
        assert_eq!(with("username", &"x".repeat(31)), one("username", "too_long"));
        assert_eq!(with("password", "1234567"), one("password", "too_short"));
        for email in ["ab@", "@bc", "a b@c", "abc"] {
            assert_eq!(with("email", email), one("email", "invalid"), "{email}");
        }
    }

    #[test]
    fn a_login_says_something_and_can_be_shown() {
        let with = |login: &str| wrong::<Credentials>(json!({ "login": login, "password": "x" }));
        assert_eq!(with("ada"), []);
        assert_eq!(with("\u{a0}\n"), one("login", "too_short"));
        assert_eq!(with("a\u{1b}[2J"), one("login", "invalid_characters"));
        assert_eq!(with(&"x".repeat(255)), one("login", "too_long"));
    }

    #[test]
    fn a_token_is_named_once() {
        assert_eq!(wrong::<RevokeRequest>(json!({ "token": "a" })), []);
        let both = json!({ "token": "a", "refresh_token": "b" });
        assert_eq!(wrong::<RevokeRequest>(both), one("refresh_token", "duplicate"));
    }
}
