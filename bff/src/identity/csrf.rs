//! Cross-site request forgery: whether an unsafe request that comes with a cookie was meant by our own pages.
//!
//! Two layers, both of which must agree: where the request comes from (what the browser says and no page can
//! change), and the session's token in `X-CSRF-Token` (what only our pages can read).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::{Choice, ConstantTimeEq};

use super::{AllowedOrigins, DerivedKey, Secrets, SessionKey};

/// The purpose of the keys, under which they are derived from the session secrets.
const KEY_LABEL: &str = "csrf key v1";
const TOKEN_LABEL: &[u8] = b"csrf token v1\0";

/// Makes the CSRF tokens of sessions and knows them again. Equal on all replicas that share the session secrets:
/// the first secret makes, all of them are accepted, so that pages that are open outlive a rotation.
#[derive(Debug)]
pub struct CsrfKeys(Arc<Secrets>);

impl CsrfKeys {
    #[must_use]
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self(secrets)
    }

    /// The token of a session: it stays the same for the session's life, or until the secrets are rotated.
    #[must_use]
    pub fn token(&self, session: &SessionKey) -> String {
        self.0.keys(KEY_LABEL).first().map(|key| token(key, session)).unwrap_or_default()
    }

    /// Whether `presented` is the session's token under any of the secrets. The time it takes depends on the length
    /// of `presented` and the number of secrets alone.
    #[must_use]
    pub fn verify(&self, session: &SessionKey, presented: &str) -> bool {
        let keys = self.0.keys(KEY_LABEL);
        let matches = |key| token(key, session).as_bytes().ct_eq(presented.as_bytes());
        bool::from(keys.iter().map(matches).fold(Choice::from(0), |any, this| any | this))
    }
}

fn token(key: &DerivedKey, session: &SessionKey) -> String {
    URL_SAFE_NO_PAD.encode(key.mac(&[TOKEN_LABEL, session]))
}

/// What a request says of where it comes from. A header that is there but unreadable, or there more than once,
/// is `Some("")`: it counts as present and matches nothing.
#[derive(Clone, Copy, Default)]
pub struct CsrfHeaders<'a> {
    /// `Sec-Fetch-Site` (W3C Fetch Metadata).
    pub sec_fetch_site: Option<&'a str>,
    /// `Origin` (RFC 6454 section 7).
    pub origin: Option<&'a str>,
    /// `Referer` (RFC 9110 section 10.1.3).
    pub referer: Option<&'a str>,
    /// Whether `origin`, or the page of `referer` where that is missing, is of the origin that the request was sent to.
    pub own: bool,
    /// `X-CSRF-Token`.
    pub token: Option<&'a str>,
}

/// Why a request is refused. Every refusal may differ by `Sec-Fetch-Site` and `Origin`: the answer says so in `Vary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrfRefusal {
    /// The browser says that another site's page sent it, and cookies are not for other sites.
    #[error("request comes from another site")]
    CrossSite,
    /// It comes from no allowed origin, or hides where it comes from.
    #[error("request comes from an origin that is not allowed")]
    Origin,
    /// `X-CSRF-Token` is missing or not the session's.
    #[error("token is missing or is not that of the session")]
    Token,
}

/// Judges requests that come with a cookie. Cloning is cheap.
#[derive(Clone)]
pub struct CsrfGuard {
    keys: Arc<CsrfKeys>,
    allowed: Arc<AllowedOrigins>,
    public: Arc<AllowedOrigins>,
    cross_site_cookies: bool,
}

impl CsrfGuard {
    /// `public` is where browsers reach the gateway, whatever it is called by those who pass requests on to it.
    /// `cross_site_cookies` says that the session cookie is `SameSite=None`: allowed origins may then be other sites.
    #[must_use]
    pub fn new(
        keys: Arc<CsrfKeys>,
        allowed: Arc<AllowedOrigins>,
        public: Arc<AllowedOrigins>,
        cross_site_cookies: bool,
    ) -> Self {
        Self { keys, allowed, public, cross_site_cookies }
    }

    /// The token that the session's pages have to send back.
    #[must_use]
    pub fn token(&self, session: &SessionKey) -> String {
        self.keys.token(session)
    }

    /// Whether a request may go on. `safe` says that its method is (RFC 9110 section 9.2.1); `session` is that of
    /// the cookie, and nothing for sign-in and sign-up: they have none yet, so only the origin counts. Requests
    /// that bear a token instead of a cookie are not to be asked about.
    ///
    /// # Errors
    /// The reason for a refusal.
    pub fn decide(
        &self,
        safe: bool,
        headers: CsrfHeaders<'_>,
        session: Option<&SessionKey>,
    ) -> Result<(), CsrfRefusal> {
        if safe {
            return Ok(());
        }
        self.decide_origin(headers)?;
        let Some(session) = session else { return Ok(()) };
        let matches = headers.token.is_some_and(|token| self.keys.verify(session, token));
        if matches { Ok(()) } else { Err(CsrfRefusal::Token) }
    }

    fn decide_origin(&self, headers: CsrfHeaders<'_>) -> Result<(), CsrfRefusal> {
        let known = match (headers.sec_fetch_site, headers.origin, headers.referer) {
            (Some("same-origin"), _, _) => return Ok(()),
            (Some("cross-site"), _, _) if !self.cross_site_cookies => return Err(CsrfRefusal::CrossSite),
            // No browser leaves all three out: this is a program, and there is no page to forge from.
            (None, None, None) => return Ok(()),
            // Browsers that would say `same-origin` say nothing over plain http (W3C Fetch Metadata section 2.3), and
            // Safari before 16.4 never does. Where a browser does say something, that is what counts.
            (None, _, _) if headers.own => true,
            (_, Some(origin), _) => self.allowed.contains(origin) || self.public.contains(origin),
            (_, None, Some(referer)) => {
                self.allowed.contains_page(referer) || self.public.contains_page(referer)
            }
            (Some(_), None, None) => false,
        };
        if known { Ok(()) } else { Err(CsrfRefusal::Origin) }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    /// Characters of a token: an HMAC-SHA256 in base64url without padding.
    const TOKEN_LEN: usize = 43;

    const SESSION: SessionKey = [7; 32];
    const OTHER_SESSION: SessionKey = [8; 32];

    fn keys_of(secrets: &[&str]) -> CsrfKeys {
        let secrets = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        CsrfKeys::new(Arc::new(Secrets::new(secrets)))
    }

    fn key() -> CsrfKeys {
        keys_of(&["a secret of the deployment"])
    }

    fn guard(cross_site_cookies: bool) -> CsrfGuard {
        let [allowed, public] = ["https://app.example", "https://bff.example"]
            .map(|origin| Arc::new(AllowedOrigins::new([origin]).expect("a sound origin")));
        CsrfGuard::new(Arc::new(key()), allowed, public, cross_site_cookies)
    }

    /// `Origin` and `Referer` of the columns below.
    const SOURCES: [(Option<&str>, Option<&str>); 9] = [
        (None, None),
        (None, Some("https://app.example/feed?a=b")),
        (None, Some("https://evil.example/https://app.example/")),
        (None, Some("")),
        (Some("https://app.example"), None),
        (Some("https://app.example"), Some("https://evil.example/")),
        (Some("https://evil.example"), Some("https://app.example/")),
        (Some("null"), Some("https://app.example/")),
        (Some(""), Some("https://app.example/")),
    ];

    /// What the origin layer says for each of `SOURCES`: `+` pass, `o` wrong origin, `x` cross-site.
    /// First with `SameSite=Lax`, then with `SameSite=None`.
    const ORIGIN_LAYER: [(Option<&str>, &str, &str); 7] = [
        (None, "++oo++ooo", "++oo++ooo"),
        (Some("same-origin"), "+++++++++", "+++++++++"),
        (Some("same-site"), "o+oo++ooo", "o+oo++ooo"),
        (Some("cross-site"), "xxxxxxxxx", "o+oo++ooo"),
        (Some("none"), "o+oo++ooo", "o+oo++ooo"),
        (Some(""), "o+oo++ooo", "o+oo++ooo"),
        (Some("Same-Origin, same-origin"), "o+oo++ooo", "o+oo++ooo"),
    ];

    #[test]
    fn every_method_origin_site_and_token_has_its_outcome() {
        let own = key().token(&SESSION);
        let foreign = key().token(&OTHER_SESSION);
        let tokens =
            [(Some(own.as_str()), true), (None, false), (Some(""), false), (Some(foreign.as_str()), false)];
        let methods =
            ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "PURGE"];
        let mut cases = 0;
        for method in methods {
            let safe = http::Method::from_bytes(method.as_bytes()).expect("a method").is_safe();
            assert_eq!(safe, ["GET", "HEAD", "OPTIONS", "TRACE"].contains(&method));
            for (site, lax, none) in ORIGIN_LAYER {
                for (cross_site_cookies, row) in [(false, lax), (true, none)] {
                    for ((origin, referer), origin_layer) in SOURCES.into_iter().zip(row.chars()) {
                        for (token, token_is_own) in tokens {
                            let headers =
                                CsrfHeaders { sec_fetch_site: site, origin, referer, own: false, token };
                            let by_origin = match origin_layer {
                                '+' => Ok(()),
                                'o' => Err(CsrfRefusal::Origin),
                                _ => Err(CsrfRefusal::CrossSite),
                            };
                            let by_token = if token_is_own { Ok(()) } else { Err(CsrfRefusal::Token) };
                            let with_session = if safe { Ok(()) } else { by_origin.and(by_token) };
                            let at_sign_in = if safe { Ok(()) } else { by_origin };
                            let case = format!(
                                "{method} {site:?} {origin:?} {referer:?} {token_is_own} {cross_site_cookies}"
                            );
                            let guard = guard(cross_site_cookies);
                            assert_eq!(guard.decide(safe, headers, Some(&SESSION)), with_session, "{case}");
                            assert_eq!(guard.decide(safe, headers, None), at_sign_in, "{case} at sign-in");
                            cases += 2;
                        }
                    }
                }
            }
        }
        assert_eq!(cases, 10 * 7 * 2 * 9 * 4 * 2);
    }

    #[test]
    fn ones_own_origin_passes_where_the_browser_says_nothing_and_the_public_one_as_an_allowed_one() {
        let decide = |site, origin, own| {
            let headers =
                CsrfHeaders { sec_fetch_site: site, origin: Some(origin), own, ..Default::default() };
            guard(false).decide(false, headers, None)
        };
        assert_eq!(decide(None, "http://10.0.0.7", true), Ok(()));
        assert_eq!(decide(None, "http://10.0.0.7", false), Err(CsrfRefusal::Origin));
        assert_eq!(decide(Some("same-site"), "http://10.0.0.7", true), Err(CsrfRefusal::Origin));
        assert_eq!(decide(Some("cross-site"), "http://10.0.0.7", true), Err(CsrfRefusal::CrossSite));
        assert_eq!(decide(None, "https://bff.example", false), Ok(()));
        assert_eq!(decide(Some("same-site"), "https://bff.example", false), Ok(()));
        assert_eq!(decide(Some("cross-site"), "https://bff.example", false), Err(CsrfRefusal::CrossSite));
        let own = CsrfHeaders { origin: Some("http://10.0.0.7"), own: true, ..Default::default() };
        assert_eq!(
            guard(false).decide(false, own, Some(&SESSION)),
            Err(CsrfRefusal::Token),
            "needed all the same"
        );
    }

    #[test]
    fn a_token_fits_its_session_and_secret_only() {
        let token = key().token(&SESSION);
        assert_eq!(token.len(), TOKEN_LEN);
        assert!(key().verify(&SESSION, &token));
        assert!(!key().verify(&OTHER_SESSION, &token));
        assert!(!keys_of(&["another secret"]).verify(&SESSION, &token));
        for broken in ["", &token[1..], &format!("{token}="), &format!("{token} "), &token.to_uppercase()] {
            assert!(!key().verify(&SESSION, broken), "{broken}");
        }
        // The last character carries four bits; its spare bits are not up to the sender.
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
            let variant = format!("{}{last}", &token[..TOKEN_LEN - 1]);
            assert_eq!(key().verify(&SESSION, &variant), variant == token, "{variant}");
        }
    }

    #[test]
    fn a_rotation_in_two_steps_refuses_no_token_on_any_replica() {
        let steps: [&[&str]; 3] = [&["old"], &["old", "new"], &["new", "old"]];
        // Replicas are one step apart at most; the old secret goes only when all pages have a new token.
        for (makes, accepts) in steps.windows(2).flat_map(|pair| [(pair[0], pair[1]), (pair[1], pair[0])]) {
            let token = keys_of(makes).token(&SESSION);
            assert!(keys_of(accepts).verify(&SESSION, &token), "{makes:?} {accepts:?}");
        }
        let late = keys_of(&["old"]).token(&SESSION);
        assert!(!keys_of(&["new"]).verify(&SESSION, &late), "what is taken out is accepted no more");
        assert!(!keys_of(&[]).verify(&SESSION, ""), "without a secret nothing is");
    }
}
