//! Checks of what was sent beyond its shape; all mistakes are told at once.

use schemas::FieldError;

use super::failure::{Failure, field_error};

/// Mistakes found so far.
#[derive(Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    pub(crate) fn refuse(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.0.push(field_error(field, code, message));
    }

    /// Text of `shortest..=longest` characters, not blank unless it may be empty, without control
    /// characters other than line ends and tabs.
    pub(crate) fn text(&mut self, field: &str, text: &str, shortest: usize, longest: usize) {
        let length = text.chars().count();
        if length < shortest {
            self.refuse(field, "too_short", format!("has fewer than {shortest} characters"));
        } else if length > longest {
            self.refuse(field, "too_long", format!("has more than {longest} characters"));
        } else if shortest > 0 && text.trim().is_empty() {
            self.refuse(field, "blank", "is blank");
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.refuse(field, "invalid_characters", "holds control characters");
        }
    }

    /// The key of an uploaded file: it becomes part of a URL.
    pub(crate) fn file_key(&mut self, field: &str, key: &str) {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-' | b'/');
        // Neither a way up nor a hidden file.
        let steps = key.split('/').all(|step| !step.is_empty() && !step.starts_with('.'));
        if key.len() > 512 || !key.bytes().all(allowed) || !steps {
            self.refuse(field, "invalid_key", "is not the key of a file");
        }
    }

    /// 422 if anything was wrong.
    pub(crate) fn done(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Failure::Invalid { code: "invalid_input", errors: self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::Checks;

    #[test]
    fn text_has_its_limits() {
        let ok = |text: &str, shortest, longest| {
            let mut checks = Checks::default();
            checks.text("t", text, shortest, longest);
            checks.done().is_ok()
        };
        assert!(ok("밥 한 그릇\n두 그릇", 1, 11));
        assert!(ok("", 0, 3));
        for bad in ["", "abcd", "  ", "a\0", "a\u{7}"] {
            assert!(!ok(bad, 1, 3), "{bad:?}");
        }
    }

    #[test]
    fn a_file_key_cannot_climb() {
        let ok = |key: &str| {
            let mut checks = Checks::default();
            checks.file_key("k", key);
            checks.done().is_ok()
        };
        assert!(ok("photos/2026/rice.webp"));
        for bad in ["", "/a", "a//b", "a/../b", "..", "a/.b", "a b", "a?b", "밥"] {
            assert!(!ok(bad), "{bad}");
        }
    }
}
