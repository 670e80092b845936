//! Where an upstream's paths begin, and the URIs made below that.

use bytes::Bytes;
use http::{
    Uri,
    uri::{Authority, Parts, PathAndQuery, Scheme},
};
use url::Url;

/// An upstream's base URL, taken apart once.
#[derive(Debug, Clone)]
pub(super) struct Base {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: Box<str>,
    /// The whole of it.
    text: Box<str>,
}

impl Base {
    /// Of a URL that has a host and no query; nothing where it has none.
    pub(super) fn new(url: &Url) -> Option<Self> {
        let text = url.as_str().trim_end_matches('/');
        let Parts { scheme, authority, .. } = text.parse::<Uri>().ok()?.into_parts();
        let path = url.path().trim_end_matches('/').into();
        Some(Self { scheme: scheme?, authority: authority?, path, text: text.into() })
    }

    /// The URI of a path and query, which are percent-encoded. Nothing where a URL parser would make another one of them:
    /// that upstream, or a proxy before it, could be led elsewhere.
    pub(super) fn below(&self, path_and_query: &str) -> Option<Uri> {
        if !path_and_query.starts_with('/') {
            return None;
        }
        if !is_plain(path_and_query) && !self.is_sound(path_and_query) {
            return None;
        }
        let whole = if self.path.is_empty() {
            Bytes::copy_from_slice(path_and_query.as_bytes())
        } else {
            Bytes::from([&*self.path, path_and_query].concat())
        };
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(whole).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// The path of `segments`, each of which is encoded.
    pub(super) fn path_of(&self, segments: &[&str]) -> String {
        let Ok(mut url) = Url::parse(&self.text) else { return String::new() };
        // An http URL has path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url.path().to_owned()
    }

    /// Whether a URL parser leaves it as it is: one that changes nothing cannot have been led elsewhere.
    fn is_sound(&self, path_and_query: &str) -> bool {
        let text = [&*self.text, path_and_query].concat();
        !path_and_query.contains('#') && Url::parse(&text).is_ok_and(|url| url.as_str() == text)
    }
}

/// Whether it holds nothing that any URL parser changes: most paths do. False says nothing.
fn is_plain(path_and_query: &str) -> bool {
    let bytes = path_and_query.as_bytes();
    let allowed = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~' | b'?' | b'=' | b'&' | b',' | b':' | b'+')
    };
    // Nor a percent sign, behind which a dot may hide.
    bytes.iter().all(allowed) && !bytes.windows(2).any(|two| two == b"/.")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Base, is_plain};

    fn base(url: &str) -> Base {
        Base::new(&Url::parse(url).expect("a url")).expect("a base")
    }

    #[test]
    fn a_path_is_made_below_any_base() {
        for (url, expected) in [
            ("http://host", "http://host/members/a~b?q=a,b"),
            ("http://host/", "http://host/members/a~b?q=a,b"),
            ("https://host:8443/v1/profile", "https://host:8443/v1/profile/members/a~b?q=a,b"),
            ("http://[::1]:80/v1/", "http://[::1]/v1/members/a~b?q=a,b"),
        ] {
            let uri = base(url).below("/members/a~b?q=a,b").expect("a uri");
            assert_eq!(uri.to_string(), expected);
        }
        assert_eq!(base("http://host/v1").path_of(&["members", "a~b", "a/b", ".."]), "/members/a~b/a%2Fb");
    }

    #[test]
    fn what_a_parser_would_change_is_none() {
        let base = base("http://host/v1");
        for wrong in [
            "",
            "members",
            "/a/../b",
            "/a/%2e%2E/b",
            "/.",
            "/a b",
            "/a#b",
            "/a\\b",
            "/\u{e9}",
            "/a\tb",
            "?q",
            "/a?'",
        ] {
            assert!(base.below(wrong).is_none(), "{wrong}");
        }
        for right in ["/", "/a.b/c", "/a//b", "/a%20b?q=%2E.", "/a;b=c/@d!$()*", "/a?q=a+b&c=/../"] {
            let whole = format!("http://host/v1{right}");
            assert_eq!(base.below(right).expect(right).to_string(), whole);
            assert_eq!(Url::parse(&whole).expect(right).as_str(), whole, "as a parser has it");
        }
    }

    #[test]
    fn what_is_plain_is_left_alone_by_a_parser() {
        // Every pair of characters behind a slash, in the path and in the query.
        for one in 0..128_u8 {
            for other in 0..128_u8 {
                for start in ["/", "/?"] {
                    let text = format!("{start}{}{}", char::from(one), char::from(other));
                    let whole = format!("http://host{text}");
                    let kept = Url::parse(&whole).is_ok_and(|url| url.as_str() == whole);
                    assert!(!is_plain(&text) || kept, "{text:?}");
                }
            }
        }
    }
}
