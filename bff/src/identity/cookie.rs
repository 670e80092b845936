//! Cookies (RFC 6265 and its revision): the first thing read of a request and the last thing written of a sign-in.

use std::{fmt::Write as _, time::Duration};

use smallvec::SmallVec;

/// How many values under one name are tried: a request that bears more makes no more work.
const MAX_CANDIDATES: usize = 4;

/// What a request bears under the name of one cookie. Browsers send one cookie for each scope that fits (host, domain,
/// path), so that a name may come more than once (RFC 6265 section 5.4), and nothing says which scope a value is of.
#[derive(Debug, Default)]
pub struct CookieValues<'a> {
    candidates: SmallVec<[&'a str; MAX_CANDIDATES]>,
    pairs: usize,
}

impl<'a> CookieValues<'a> {
    /// The distinct values that may be meant, at most four, in the order of the header: the most specific path first,
    /// and of one path the oldest (RFC 6265 section 5.4).
    pub fn candidates(&self) -> impl Iterator<Item = &'a str> {
        self.candidates.iter().copied()
    }

    /// Whether the name is there at all, with whatever value.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.pairs > 0
    }

    /// Whether the name is there more than once: the browser has a cookie of another scope beside ours.
    #[must_use]
    pub fn is_duplicated(&self) -> bool {
        self.pairs > 1
    }
}

/// What the `Cookie` headers of a request bear under `name`. Candidates are the values of plain octets (RFC 6265
/// section 4.1.1 `*cookie-octet`; quotes are not taken off) that are `plausible`: values that cannot be ours must not
/// take the places of one that is. Names are compared byte for byte, spaces included, so that no other name passes for a
/// `__Host-` one. Allocates nothing.
pub fn cookie_values<'a>(
    headers: impl IntoIterator<Item = &'a [u8]>,
    name: &str,
    plausible: impl Fn(&str) -> bool,
) -> CookieValues<'a> {
    let mut found = CookieValues::default();
    for pair in headers.into_iter().flat_map(|header| header.split(|b| *b == b';')) {
        let Some(value) = value_of(pair.trim_ascii(), name.as_bytes()) else { continue };
        found.pairs += 1;
        if found.candidates.len() == MAX_CANDIDATES || !is_plain(value) {
            continue;
        }
        // Cookie octets are ASCII.
        let Ok(value) = std::str::from_utf8(value) else { continue };
        if plausible(value) && !found.candidates.contains(&value) {
            found.candidates.push(value);
        }
    }
    found
}

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
        if !is_plain(value) || found.is_some_and(|earlier| earlier != value) {
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

fn is_plain(value: &[u8]) -> bool {
    // A pass that does not branch looks at many bytes at once.
    value.iter().fold(true, |plain, octet| plain & is_cookie_octet(*octet))
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

/// A cookie's name and attributes. That browsers take them together (prefixes, `SameSite=None`) was checked with
/// the configuration that they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieSettings {
    pub name: String,
    pub domain: Option<String>,
    pub path: String,
    pub secure: bool,
    pub same_site: SameSite,
    pub http_only: bool,
}

impl CookieSettings {
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

    /// `Set-Cookie` values that drop cookies of this name and path from the other scopes in which a browser that reached
    /// the gateway as `host` (with or without a port) may have one: the host alone, the host as a domain, and the domains
    /// above it. Such a cookie stays behind when [`Self::domain`] is changed, or was set by a sibling host. Browsers ignore
    /// those that name no domain of theirs.
    #[must_use]
    pub fn clear_elsewhere(&self, host: &str) -> Vec<String> {
        // RFC 6265bis section 4.1.3.2: such a cookie has no domain, so that there is no other scope.
        if self.name.to_ascii_lowercase().starts_with("__host-") {
            return Vec::new();
        }
        let own = self.domain.as_deref().map(|domain| domain.trim_start_matches('.'));
        let elsewhere = |domain: Option<&str>| Self { domain: domain.map(str::to_owned), ..self.clone() };
        let host_only = self.domain.is_some().then(|| elsewhere(None).clear());
        let domains = domains_of(host).into_iter().filter(|domain| Some(*domain) != own);
        host_only.into_iter().chain(domains.map(|domain| elsewhere(Some(domain)).clear())).collect()
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

/// The host's name as a domain and those above it but the last one, which is nobody's: at most five. None for what is no
/// name, such as an address.
fn domains_of(host: &str) -> Vec<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if name.len() > 253 || numeric || !name.split('.').all(label) {
        return Vec::new();
    }
    let above = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
    std::iter::once(name).chain(above).filter(|domain| domain.contains('.')).take(5).collect()
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
    fn a_cookie_is_written_with_all_of_its_attributes() {
        let production = CookieSettings {
            name: "__Host-Http-sid".into(),
            domain: None,
            path: "/".into(),
            secure: true,
            same_site: SameSite::Lax,
            http_only: true,
        };
        assert_eq!(
            production.set("abc", Duration::from_millis(1_209_600_999)),
            "__Host-Http-sid=abc; Max-Age=1209600; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            production.clear(),
            "__Host-Http-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        let wide = CookieSettings {
            name: "rt".into(),
            domain: Some("example.org".into()),
            path: "/auth".into(),
            same_site: SameSite::None,
            ..production
        };
        assert_eq!(
            wide.set("abc", Duration::ZERO),
            "rt=abc; Max-Age=0; Path=/auth; Domain=example.org; Secure; HttpOnly; SameSite=None"
        );
        let plain = CookieSettings { name: "sid".into(), secure: false, http_only: false, ..production };
        assert_eq!(plain.set("", Duration::from_secs(60)), "sid=; Max-Age=60; Path=/; SameSite=Lax");
    }

    fn values(headers: &[&'static str]) -> (Vec<&'static str>, bool) {
        let found =
            cookie_values(headers.iter().map(|header| header.as_bytes()), "sid", |value| value.len() == 3);
        (found.candidates().collect(), found.is_duplicated())
    }

    #[test]
    fn of_several_cookies_those_that_may_be_meant_are_candidates() {
        for (headers, candidates, duplicated) in [
            (&[][..], &[][..], false),
            (&["a=1; sid=abc"], &["abc"], false),
            (&["sid=abc; sid=xyz"], &["abc", "xyz"], true),
            (&["sid=xyz", "sid=abc"], &["xyz", "abc"], true),
            (&["sid=abc; sid=abc"], &["abc"], true),
            (&["sid=\"ab; sid=abc; sid=a,c"], &["abc"], true),
            (&["sid=; sid=AAAA; sid=abc"], &["abc"], true),
            (&["sid=AAAA"], &[], false),
            (&["sid=1; sid=2; sid=3; sid=4; sid=5; sid=abc"], &["abc"], true),
            (&["sid=aaa; sid=bbb; sid=ccc; sid=aaa; sid=ddd; sid=abc"], &["aaa", "bbb", "ccc", "ddd"], true),
            (&["sid =abc; SID=abc; xsid=abc"], &[], false),
        ] {
            assert_eq!(values(headers), (candidates.to_vec(), duplicated), "{headers:?}");
        }
    }

    #[test]
    fn other_scopes_are_cleared_and_none_that_is_not_there() {
        let plain = CookieSettings {
            name: "sid".into(),
            domain: None,
            path: "/".into(),
            secure: false,
            same_site: SameSite::Lax,
            http_only: true,
        };
        let scopes = |settings: &CookieSettings, host: &str| -> Vec<Option<String>> {
            let lines = settings.clear_elsewhere(host);
            assert!(lines.iter().all(|line| line.starts_with(&format!("{}=; Max-Age=0;", settings.name))));
            let domain = |line: &String| Some(line.split_once("; Domain=")?.1.split(';').next()?.to_owned());
            lines.iter().map(domain).collect()
        };
        let named = |names: &[&str]| names.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            scopes(&plain, "app.shop.example.org:8443"),
            named(&["app.shop.example.org", "shop.example.org", "example.org"])
        );
        let wide = CookieSettings { domain: Some("example.org".into()), ..plain.clone() };
        let mut expected = vec![None];
        expected.extend(named(&["app.example.org"]));
        assert_eq!(scopes(&wide, "app.example.org"), expected);
        for nameless in
            ["localhost:8080", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1", "", "a..b", "a b.c"]
        {
            assert_eq!(scopes(&plain, nameless), [], "{nameless}");
        }
        assert_eq!(scopes(&plain, "a.b;c.d"), [], "nothing that would be an attribute");
        assert_eq!(scopes(&plain, "a.b.c.d.e.f.g.org").len(), 5);
        let host = CookieSettings { name: "__Host-Http-sid".into(), secure: true, ..plain };
        assert_eq!(scopes(&host, "app.example.org"), []);
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
