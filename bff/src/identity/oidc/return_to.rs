//! Where somebody goes after they signed in: the one value of a sign-in that a stranger may have put there.

use crate::identity::AllowedOrigins;

/// The value goes into a cookie and into a `Location`.
const LONGEST: usize = 1024;

/// A path of our own, or a page of a configured origin. Visible ASCII: fit for a `Location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTo(Box<str>);

impl ReturnTo {
    /// `/`.
    #[must_use]
    pub fn home() -> Self {
        Self("/".into())
    }

    /// Takes a path that begins with exactly one `/`, or an absolute URL of one of `origins`. Nothing else, so that
    /// a link to our sign-in leads nobody to a stranger's page (RFC 9700 section 4.11.1): browsers take `//host`,
    /// `/\host` and what has tabs or line breaks in it for other hosts.
    #[must_use]
    pub fn parse(text: &str, origins: &AllowedOrigins) -> Option<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let own = text.starts_with('/') && !text.starts_with("//");
        let sound = plain && text.len() <= LONGEST && (own || origins.contains_page(text));
        sound.then(|| Self(text.into()))
    }

    /// For `Location`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same with `error=code` in its query. `code` needs no escape.
    #[must_use]
    pub fn with_error(&self, code: &str) -> String {
        debug_assert!(code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "a plain word");
        let (before, fragment) = match self.0.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment)),
            None => (&*self.0, None),
        };
        let separator = if before.contains('?') { '&' } else { '?' };
        let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
        format!("{before}{separator}error={code}{fragment}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::{AllowedOrigins, ReturnTo};

    fn origins() -> AllowedOrigins {
        AllowedOrigins::new(["https://app.example", "http://localhost:3000"]).expect("origins")
    }

    fn parse(text: &str) -> Option<ReturnTo> {
        ReturnTo::parse(text, &origins())
    }

    #[test]
    fn own_paths_and_pages_of_configured_origins_are_taken() {
        for text in [
            "/",
            "/feed?tab=1#top",
            "/a//b",
            "/%2F%2Fevil.example",
            "/.//evil.example",
            "/@evil.example",
            "/:80",
            "/?returnTo=https://evil.example",
            "https://app.example",
            "https://app.example/feed?x=1",
            "http://localhost:3000/feed",
        ] {
            assert_eq!(parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "feed",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "/ /evil.example",
            "\u{a0}//evil.example",
            "/é",
            "https://evil.example",
            "https://app.example.evil.example",
            "https://app.example@evil.example",
            "https:app.example",
            "https:/app.example",
            "https:///app.example",
            "http://app.example",
            "https://app.example:8443",
            "javascript:alert(1)",
            "data:text/html,x",
            "null",
            "?x",
            "#x",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse(&format!("/{}", "x".repeat(1024))), None);
    }

    #[test]
    fn an_error_goes_into_the_query() {
        for (text, expected) in [
            ("/", "/?error=x_y"),
            ("/feed?tab=1", "/feed?tab=1&error=x_y"),
            ("/feed#top?", "/feed?error=x_y#top?"),
            ("https://app.example", "https://app.example?error=x_y"),
        ] {
            assert_eq!(parse(text).expect(text).with_error("x_y"), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_leads_to_no_other_host(text in "[/\\\\.:@?#a\\t\\n ]{0,12}|(https?:)?[/\\\\@.a-z:0-9]{0,30}") {
            if let Some(taken) = parse(&text) {
                // As a browser resolves a `Location`.
                let base = Url::parse("https://bff.example/auth/oidc/x/callback").expect("a URL");
                let there = base.join(taken.as_str()).expect("it resolves");
                let origin = there.origin().ascii_serialization();
                prop_assert!(origin == "https://bff.example" || origins().contains(&origin), "{origin}");
            }
        }
    }
}
