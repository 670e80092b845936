//! What addresses, names and passwords may be.

use crate::http::Checks;

/// Any characters go: only the length counts (NIST SP 800-63B section 5.1.1.2).
pub(super) fn password_length(checks: &mut Checks, field: &str, password: &str, shortest: usize) {
    if !(shortest..=256).contains(&password.chars().count()) {
        checks.refuse(field, "invalid_length", format!("does not have {shortest} to 256 characters"));
    }
}

/// What could be delivered to is for the mail server to say; this keeps out what surely could not.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let labels = domain.split('.').all(|label| !label.is_empty());
    text.len() <= 254 && plain && labels && !local.is_empty() && local.len() <= 64 && !local.contains('@')
}

pub(super) fn is_username(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (3..=30).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{is_email, is_username};

    #[test]
    fn addresses_and_names_are_checked() {
        for good in ["a@b", "ada@example.org", "김보라@예시.한국", "a.b+c@d-e.f"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b..c", "a@.b", "a\n@b"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_username("a.B-_9"));
        for bad in ["ab", "a b", "보라보라", "a@b", &"x".repeat(31)] {
            assert!(!is_username(bad), "{bad}");
        }
    }
}
