//! The web origins that may call with a user's cookie. One list serves CSRF, CORS and the WebSocket handshake.

use url::Url;

/// Exact origins (RFC 6454): scheme, host and port, compared as browsers serialise them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Box<[Box<str>]>);

/// The text is not the origin of a web page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin: expected http(s)://host[:port] and nothing else")]
pub struct InvalidOrigin(pub String);

impl AllowedOrigins {
    /// Takes origins such as `https://app.example`; a closing `/`, upper case and the default port are put right.
    ///
    /// # Errors
    /// [`InvalidOrigin`], all of them: `*`, `null`, other schemes, and what has a path, query, fragment or user.
    pub fn new<S: AsRef<str>>(origins: impl IntoIterator<Item = S>) -> Result<Self, Vec<InvalidOrigin>> {
        let (mut sound, mut wrong) = (Vec::new(), Vec::new());
        for origin in origins {
            let text = origin.as_ref();
            match parse(text)
                .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
            {
                Some(url) => sound.push(url.origin().ascii_serialization().into_boxed_str()),
                None => wrong.push(InvalidOrigin(text.to_owned())),
            }
        }
        if wrong.is_empty() { Ok(Self(sound.into())) } else { Err(wrong) }
    }

    /// Whether the value of an `Origin` header is one of them, byte for byte. `null` never is.
    #[must_use]
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| &**allowed == origin)
    }

    /// Whether the page that the value of a `Referer` header (RFC 9110 section 10.1.3) names is of one of them.
    #[must_use]
    pub fn contains_page(&self, referer: &str) -> bool {
        origin_of(referer).is_some_and(|origin| self.contains(&origin))
    }

    /// As browsers serialise them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|origin| &**origin)
    }
}

/// The origin of the page that the value of a `Referer` header (RFC 9110 section 10.1.3) names, as browsers serialise it.
#[must_use]
pub fn origin_of(referer: &str) -> Option<String> {
    parse(referer).map(|url| url.origin().ascii_serialization())
}

/// An absolute `http` or `https` URL without user information. Stricter than the URL standard, which overlooks
/// backslashes, missing slashes, tabs and newlines: no browser sends them, and others must not profit.
fn parse(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && !rest.starts_with('/');
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    // An `@` in the authority also betrays an empty user, which the parsed URL no longer shows.
    let authority = rest.split(['/', '?', '#']).next()?;
    if !plain || !web || authority.contains('@') {
        return None;
    }
    Url::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::AllowedOrigins;

    #[test]
    fn configured_origins_are_kept_as_browsers_write_them() {
        let origins = AllowedOrigins::new([
            "https://app.example",
            "HTTPS://Shop.Example:443/",
            "http://localhost:3000",
            "http://[::1]:80",
        ])
        .expect("sound origins");
        let kept: Vec<_> = origins.iter().collect();
        assert_eq!(
            kept,
            ["https://app.example", "https://shop.example", "http://localhost:3000", "http://[::1]"]
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let wrong = [
            "*",
            "null",
            "",
            "app.example",
            "https://",
            "ftp://a.example",
            "https://a.example/path",
            "https://a.example/?q",
            "https://a.example/#f",
            "https://u@a.example",
            "https://@a.example",
            "https:///a.example",
            "https:\\\\a.example",
            "https://*.example\\",
            "https://a.example ",
            "file:///x",
            "https://a.example:99999",
            "https://ä.example",
        ];
        let errors = AllowedOrigins::new(wrong).expect_err("none is an origin");
        assert_eq!(errors.iter().map(|error| error.0.as_str()).collect::<Vec<_>>(), wrong);
    }

    #[test]
    fn an_origin_must_be_the_same_byte_for_byte() {
        let origins = AllowedOrigins::new(["https://app.example"]).expect("a sound origin");
        assert!(origins.contains("https://app.example"));
        for other in [
            "",
            "null",
            "*",
            "http://app.example",
            "https://app.example/",
            "https://app.example:443",
            "https://app.example.evil",
            "https://app.example:8443",
            "https://evil.app.example",
            "HTTPS://app.example",
            "https://app.example https://app.example",
            "https://app.exampl",
        ] {
            assert!(!origins.contains(other), "{other}");
        }
        assert!(!AllowedOrigins::default().contains("null"));
    }

    #[test]
    fn a_page_counts_by_its_origin_alone() {
        let origins =
            AllowedOrigins::new(["https://app.example", "http://localhost:3000"]).expect("sound origins");
        for page in [
            "https://app.example",
            "https://app.example/",
            "https://app.example/a/b?c=https://evil.example#d",
            "https://app.example:443/a@b",
            "http://localhost:3000/login?x=1",
        ] {
            assert!(origins.contains_page(page), "{page}");
        }
        for page in [
            "",
            "/",
            "null",
            "about:blank",
            "app.example",
            "//app.example/",
            "https:/app.example/",
            "https:app.example",
            "https://app.example@evil.example/",
            "https://evil.example/https://app.example/",
            "https://evil.example\\@app.example/",
            "https://app.example\\.evil.example/",
            "https://app.example.evil/",
            "https://app.example:444/",
            "http://app.example/",
            " https://app.example/",
            "https://app.example /",
            "https://app\t.example/",
            "https:///app.example/",
            "https://u:p@app.example/",
            "https://@app.example/",
            "https://evil.example?https://app.example/",
            "https://evil.example#https://app.example/",
            "blob:https://app.example/1",
            "javascript://app.example/%0aalert(1)",
            "ftp://app.example/",
        ] {
            assert!(!origins.contains_page(page), "{page}");
        }
    }
}
