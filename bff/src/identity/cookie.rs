//! Cookies (RFC 6265 and its revision): the first thing read of a request and the last thing written of a sign-in.

use std::{fmt::Write as _, time::Duration};

/// The value of the cookie `name` in the `Cookie` headers of a request. Allocates nothing.
///
/// Nothing when it is absent, when any value under that name is not plain (RFC 6265 section 4.1.1
/// `*cookie-octet`; quotes are not taken off), or when it is there with two different values: browsers send
/// cookies of a parent domain beside one's own, and which of them is ours cannot be told. Names are compared
/// byte for byte, spaces included, so that no other name passes for a `__Host-` one.
pub fn find_cookie<'a>(headers: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    let mut found: Option<&'a [u8]> = None;
    for pair in headers.into_iter().flat_map(|header| header.split(|b| *b == b';')) {
        let Some(value) = value_of(pair.trim_ascii(), name.as_bytes()) else { continue };
        let sound = value.iter().copied().all(is_cookie_octet);
        if !sound || found.is_some_and(|earlier| earlier != value) {
            return None;
        }
        found = Some(value);
    }
    // Cookie octets are ASCII.
    found.and_then(|value| std::str::from_utf8(value).ok())
}

fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    pair.strip_prefix(name)?.strip_prefix(b"=")
}

/// RFC 6265 section 4.1.1: visible ASCII but `"`, `,`, `;` and `\`.
const fn is_cookie_octet(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

/// When a browser sends a cookie along with requests that another site caused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    /// Only when the user goes to a page.
    Lax,
    /// Always.
    None,
}

impl SameSite {
    /// The attribute's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// A cookie's name and attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSettings {
    pub name: String,
    pub domain: Option<String>,
    pub path: String,
    pub secure: bool,
    pub same_site: SameSite,
    pub http_only: bool,
}

/// Browsers would drop the cookie, or the header would not say what is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    #[error("a cookie's name is a token (RFC 9110 section 5.6.2)")]
    Name,
    #[error("a cookie's domain is a host name")]
    Domain,
    #[error("a cookie's path begins with `/` and is plain ASCII without `;`")]
    Path,
    #[error("the name's prefix demands Secure, and for `__Host-` Path=/ and no Domain, for `Http-` HttpOnly")]
    Prefix,
    #[error("SameSite=None demands Secure")]
    SameSite,
}

impl CookieSettings {
    /// The session cookie: `__Host-Http-sid` where it can be, which binds it to this very host over TLS and away
    /// from scripts; `__Secure-sid` with a domain or for other sites; `sid` without TLS (development on loopback).
    ///
    /// # Errors
    /// [`CookieError::Domain`], [`CookieError::SameSite`].
    pub fn session(secure: bool, domain: Option<&str>, same_site: SameSite) -> Result<Self, CookieError> {
        let name = match (secure, domain, same_site) {
            (false, _, _) => "sid",
            (true, None, SameSite::Lax | SameSite::Strict) => "__Host-Http-sid",
            (true, _, _) => "__Secure-sid",
        };
        let settings = Self {
            name: name.to_owned(),
            domain: domain.map(str::to_owned),
            path: "/".to_owned(),
            secure,
            same_site,
            http_only: true,
        };
        settings.check()?;
        Ok(settings)
    }

    /// Whether browsers take such a cookie.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), CookieError> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if self.name.is_empty() || !self.name.bytes().all(is_token) {
            return Err(CookieError::Name);
        }
        let is_host = |host: &str| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        };
        if self.domain.as_deref().is_some_and(|domain| !is_host(domain)) {
            return Err(CookieError::Domain);
        }
        let is_path = |b: u8| (b.is_ascii_graphic() || b == b' ') && b != b';';
        if !self.path.starts_with('/') || !self.path.bytes().all(is_path) {
            return Err(CookieError::Path);
        }
        let starts = |prefix: &str| {
            self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let prefix_holds = (!starts("__Secure-") || self.secure)
            && (!starts("__Host-") || (self.secure && self.path == "/" && self.domain.is_none()))
            && (!(starts("__Host-Http-") || starts("__Http-")) || (self.secure && self.http_only));
        if !prefix_holds {
            return Err(CookieError::Prefix);
        }
        if self.same_site == SameSite::None && !self.secure { Err(CookieError::SameSite) } else { Ok(()) }
    }

    /// A `Set-Cookie` value that sets the cookie. `value` must be of cookie octets, which base64url is.
    ///
    /// `max_age` of the session cookie is what is left until the absolute end: the idle end moves with use and is
    /// the gateway's to enforce, so the cookie is sent once and stays the same, and a browser restart does not
    /// sign anybody out.
    #[must_use]
    pub fn set(&self, value: &str, max_age: Duration) -> String {
        debug_assert!(value.bytes().all(is_cookie_octet), "a cookie's value is of cookie octets");
        let mut text = format!("{}={value}; Max-Age={}", self.name, max_age.as_secs());
        self.push_attributes(&mut text);
        text
    }

    /// A `Set-Cookie` value that makes the browser drop the cookie.
    #[must_use]
    pub fn clear(&self) -> String {
        // Expires for clients that know nothing of Max-Age.
        let mut text = format!("{}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT", self.name);
        self.push_attributes(&mut text);
        text
    }

    fn push_attributes(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(text, "; Path={}", self.path);
        if let Some(domain) = &self.domain {
            let _ = write!(text, "; Domain={domain}");
        }
        if self.secure {
            text.push_str("; Secure");
        }
        if self.http_only {
            text.push_str("; HttpOnly");
        }
        let _ = write!(text, "; SameSite={}", self.same_site.as_str());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn find<'a>(headers: &[&'a str], name: &str) -> Option<&'a str> {
        find_cookie(headers.iter().map(|header| header.as_bytes()), name)
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        for (headers, value) in [
            (&["sid=abc"][..], "abc"),
            (&["a=1; sid=abc; b=2"], "abc"),
            (&["a=1;sid=abc;b=2"], "abc"),
            (&[" \tsid=abc\t ;"], "abc"),
            (&["a=1", "sid=abc"], "abc"),
            (&["sid=a=b=="], "a=b=="),
            (&["sid="], ""),
            (&["xsid=1; sid2=2; sid=abc; si=3"], "abc"),
            (&["sid=abc; sid=abc", "sid=abc"], "abc"),
            (&["other=\"x; sid=abc"], "abc"),
        ] {
            assert_eq!(find(headers, "sid"), Some(value), "{headers:?}");
        }
        let beside_raw_bytes: [&[u8]; 1] = [b"a=\xff\xfe; sid=abc"];
        assert_eq!(find_cookie(beside_raw_bytes, "sid"), Some("abc"));
    }

    #[test]
    fn what_is_not_plainly_ours_is_no_cookie() {
        for headers in [
            &[][..],
            &[""],
            &["sid"],
            &["SID=abc"],
            &["sid =abc"],
            &["sid= abc"],
            &["=sid=abc"],
            &["sid=\"abc\""],
            &["sid=a b"],
            &["sid=a,b"],
            &["sid=a\\b"],
            &["sid=밥"],
            &["sid=abc; sid=xyz"],
            &["sid=abc", "sid=xyz"],
            &["sid=abc; sid="],
            &["sid=abc; sid=\"abc\""],
        ] {
            assert_eq!(find(headers, "sid"), None, "{headers:?}");
        }
    }

    #[test]
    fn the_session_cookie_is_bound_as_tightly_as_its_settings_let_it() {
        let production = CookieSettings::session(true, None, SameSite::Lax).expect("sound");
        assert_eq!(
            production.set("abc", Duration::from_millis(1_209_600_999)),
            "__Host-Http-sid=abc; Max-Age=1209600; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            production.clear(),
            "__Host-Http-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        let wide = CookieSettings::session(true, Some("example.org"), SameSite::None).expect("sound");
        assert_eq!(
            wide.set("abc", Duration::ZERO),
            "__Secure-sid=abc; Max-Age=0; Path=/; Domain=example.org; Secure; HttpOnly; SameSite=None"
        );
        let development = CookieSettings::session(false, None, SameSite::Lax).expect("sound");
        assert_eq!(
            development.set("abc", Duration::from_secs(60)),
            "sid=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_cookie_that_browsers_drop_is_refused() {
        let sound = CookieSettings::session(true, None, SameSite::Lax).expect("sound");
        type Change = fn(&mut CookieSettings);
        let changes: [(Change, CookieError); 13] = [
            (|c| c.name.clear(), CookieError::Name),
            (|c| c.name = "a b".into(), CookieError::Name),
            (|c| c.name = "a=b".into(), CookieError::Name),
            (|c| c.domain = Some("a;b".into()), CookieError::Domain),
            (|c| c.domain = Some(String::new()), CookieError::Domain),
            (|c| c.path = "x".into(), CookieError::Path),
            (|c| c.path = "/;x".into(), CookieError::Path),
            (|c| c.domain = Some("example.org".into()), CookieError::Prefix),
            (|c| c.path = "/auth".into(), CookieError::Prefix),
            (|c| c.secure = false, CookieError::Prefix),
            (|c| c.http_only = false, CookieError::Prefix),
            (|c| (c.name, c.secure) = ("__secure-x".into(), false), CookieError::Prefix),
            (
                |c| (c.name, c.secure, c.same_site) = ("x".into(), false, SameSite::None),
                CookieError::SameSite,
            ),
        ];
        for (index, (change, error)) in changes.into_iter().enumerate() {
            let mut settings = sound.clone();
            change(&mut settings);
            assert_eq!(settings.check(), Err(error), "change {index}");
        }
        assert_eq!(CookieSettings::session(false, None, SameSite::None), Err(CookieError::SameSite));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..4)) {
            let found = find_cookie(headers.iter().map(Vec::as_slice), "s");
            prop_assert!(found.is_none_or(|value| value.bytes().all(is_cookie_octet)));
        }

        #[test]
        fn near_misses_do_not_make_it_panic(header in "(s|=|;| |\"|sid|,|é){0,20}") {
            let _ = find(&[&header], "sid");
        }

        #[test]
        fn what_was_put_in_is_found(
            before in prop::collection::vec(("[a-z]{1,6}", "[!#-+\\--:<-\\[\\]-~]{0,9}"), 0..5),
            value in "[!#-+\\--:<-\\[\\]-~]{0,50}",
            after in prop::collection::vec(("[a-z]{1,6}", "[ -~&&[^;]]{0,9}"), 0..5),
        ) {
            let others = |pairs: &[(String, String)]| {
                pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
            };
            let pairs = [others(&before), vec![format!("__Host-Http-sid={value}")], others(&after)].concat();
            let header = pairs.join("; ");
            prop_assert_eq!(find(&[&header], "__Host-Http-sid"), Some(value.as_str()));
            let headers: Vec<&str> = pairs.iter().map(String::as_str).collect();
            prop_assert_eq!(find(&headers, "__Host-Http-sid"), Some(value.as_str()));
        }
    }
}
