//! Attempts in cookies: sealed when somebody is sent to the provider, opened when they come back.

use std::{borrow::Cow, fmt, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Attempt, ReturnTo};
use crate::identity::{AllowedOrigins, CookieSettings, IdentityError, SameSite, Secrets, find_cookie};

/// Attempts that one browser may have under way: one for each tab, in a cookie of its own.
const MOST: usize = 16;
/// Bytes of all of them together, as they stand in `Cookie`: servers in front of the gateway take 8 kB of it and more,
/// and there are other cookies. With a short way back an attempt takes about 280 bytes, with the longest 1,600.
const MOST_BYTES: usize = 5 * 1024;
const PURPOSE: &str = "oidc attempt";
const SALT_LEN: usize = 16;
/// Characters of the part of a cookie's name that tells attempts apart.
const TAG_LEN: usize = 16;

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    p: &'a str,
    s: &'a str,
    n: &'a str,
    v: &'a str,
    /// The one that may have what JSON escapes.
    #[serde(borrow)]
    r: Cow<'a, str>,
    e: u64,
}

/// Seals attempts into cookies and opens them. Any replica with the same secrets opens what another one sealed.
pub struct Attempts {
    secrets: Arc<Secrets>,
    origins: Arc<AllowedOrigins>,
    secure: bool,
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts").finish_non_exhaustive()
    }
}

impl Attempts {
    /// `secure`: as the session cookie is. `origins`: of which pages somebody may return to.
    #[must_use]
    pub fn new(secrets: Arc<Secrets>, origins: Arc<AllowedOrigins>, secure: bool) -> Self {
        Self { secrets, origins, secure }
    }

    /// The cookie for the attempt with that `state`: each has its own, so that several tabs do not disturb each
    /// other. `Lax`: it must come along when the provider sends the browser back.
    #[must_use]
    pub fn cookie(&self, state: &str) -> CookieSettings {
        let tag = URL_SAFE_NO_PAD.encode(Sha256::digest(state.as_bytes()));
        self.named(format!("{}{}", self.prefix(), &tag[..TAG_LEN]))
    }

    pub(super) fn named(&self, name: String) -> CookieSettings {
        CookieSettings {
            name,
            domain: None,
            path: "/".into(),
            secure: self.secure,
            same_site: SameSite::Lax,
            http_only: true,
        }
    }

    pub(super) fn prefix(&self) -> &'static str {
        if self.secure { "__Host-Http-oidc-" } else { "oidc-" }
    }

    /// The cookie's value.
    ///
    /// # Errors
    /// [`IdentityError`]: it cannot be sealed.
    pub fn seal(&self, attempt: &Attempt) -> Result<String, IdentityError> {
        let written = Written {
            p: &attempt.provider,
            s: &attempt.state,
            n: &attempt.nonce,
            v: attempt.verifier.expose_secret(),
            r: attempt.return_to.as_str().into(),
            e: attempt.expires_ms,
        };
        self.seal_json(PURPOSE, &written)
    }

    /// JSON that only this gateway reads again, and for that purpose alone.
    pub(super) fn seal_json(
        &self,
        purpose: &'static str,
        written: &impl Serialize,
    ) -> Result<String, IdentityError> {
        let mut text = Zeroizing::new(serde_json::to_vec(written).map_err(IdentityError::Record)?);
        let mut salt = [0_u8; SALT_LEN];
        getrandom::fill(&mut salt).map_err(IdentityError::Randomness)?;
        let keys = self.secrets.keys(purpose);
        let key = keys.first().and_then(|key| cipher(&key.mac(&[&salt])));
        let sealed = key.and_then(|key| key.seal_in_place_append_tag(nonce(), aad(purpose), &mut *text).ok());
        sealed.ok_or(IdentityError::Sealing)?;
        Ok(URL_SAFE_NO_PAD.encode([&salt[..], &text].concat()))
    }

    /// What `read` makes of what [`Self::seal_json`] sealed for the same purpose.
    pub(super) fn unseal_json<T>(
        &self,
        purpose: &'static str,
        sealed: &str,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (salt, sealed) = bytes.split_at_checked(SALT_LEN)?;
        let keys = self.secrets.keys(purpose);
        keys.iter().find_map(|key| {
            let mut text = Zeroizing::new(sealed.to_vec());
            read(cipher(&key.mac(&[salt]))?.open_in_place(nonce(), aad(purpose), &mut text).ok()?)
        })
    }

    /// A way back that was sealed: origins may have been taken out of the settings since.
    pub(super) fn return_to(&self, text: &str) -> Option<ReturnTo> {
        ReturnTo::parse(text, &self.origins)
    }

    /// The attempt of `provider` that `state` belongs to and one of the `cookies` of the same browser holds. Nothing
    /// where there is none, or it has expired: then the answer was not asked for by this browser, or too long ago.
    #[must_use]
    pub fn open<'c>(
        &self,
        cookies: impl IntoIterator<Item = &'c [u8]>,
        provider: &str,
        state: &str,
        now_ms: u64,
    ) -> Option<Attempt> {
        let attempt = self.unseal(find_cookie(cookies, &self.cookie(state).name)?)?;
        let same = bool::from(attempt.state.as_bytes().ct_eq(state.as_bytes()));
        (same && *attempt.provider == *provider && now_ms < attempt.expires_ms).then_some(attempt)
    }

    /// `Set-Cookie` values that make room for one more attempt, whose sealed value has `new_len` bytes: all that cannot
    /// be used any more, and the oldest of the others where there are many or long ones.
    #[must_use]
    pub fn make_room<'c>(
        &self,
        cookies: impl IntoIterator<Item = &'c [u8]>,
        new_len: usize,
        now_ms: u64,
    ) -> Vec<String> {
        let pairs = cookies.into_iter().flat_map(|header| header.split(|b| *b == b';'));
        let mut held = Vec::new();
        for pair in pairs.filter_map(|pair| std::str::from_utf8(pair.trim_ascii()).ok()) {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let Some(tag) = name.strip_prefix(self.prefix()) else { continue };
            // Another name is none of ours, whatever it begins with.
            if tag.len() == TAG_LEN && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
                let expires_ms = self.unseal(value).map_or(0, |attempt| attempt.expires_ms);
                held.push((expires_ms, name, pair.len()));
            }
        }
        held.sort_unstable();
        held.dedup();
        let useless = held.iter().take_while(|(expires_ms, ..)| *expires_ms <= now_ms).count();
        let mut surplus = held.len().saturating_sub(MOST - 1).max(useless);
        let new_bytes = self.prefix().len() + TAG_LEN + new_len;
        let fits = |kept: &[(u64, &str, usize)]| {
            kept.iter().map(|(.., bytes)| bytes).sum::<usize>() + new_bytes <= MOST_BYTES
        };
        while surplus < held.len() && !fits(&held[surplus..]) {
            surplus += 1;
        }
        held[..surplus].iter().map(|(_, name, _)| self.named((*name).to_owned()).clear()).collect()
    }

    fn unseal(&self, sealed: &str) -> Option<Attempt> {
        self.unseal_json(PURPOSE, sealed, |json| {
            let written: Written<'_> = serde_json::from_slice(json).ok()?;
            Some(Attempt {
                provider: written.p.into(),
                state: written.s.to_owned(),
                nonce: written.n.to_owned(),
                verifier: written.v.into(),
                return_to: self.return_to(&written.r)?,
                expires_ms: written.e,
            })
        })
    }
}

/// Each cookie has a key of its own, made of its salt: no two share a key, so none can share a nonce with it.
fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// No purpose's text passes for another's.
fn aad(purpose: &'static str) -> Aad<String> {
    Aad::from(format!("bff {purpose} v1"))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    const NOW: u64 = 1_000_000;
    const LIFE_MS: u64 = 600_000;

    fn secrets(texts: &[&str]) -> Arc<Secrets> {
        Arc::new(Secrets::new(texts.iter().map(|text| SecretString::from(*text)).collect()))
    }

    fn attempts(secret: &str, secure: bool) -> Attempts {
        let origins = AllowedOrigins::new(["https://app.example"]).expect("origins");
        Attempts::new(secrets(&[secret]), Arc::new(origins), secure)
    }

    fn begin(now_ms: u64) -> Attempt {
        Attempt::begin("company", ReturnTo::home(), now_ms).expect("random bytes")
    }

    fn header(attempts: &Attempts, attempt: &Attempt) -> String {
        let value = attempts.seal(attempt).expect("sealed");
        format!("{}={value}", attempts.cookie(attempt.state()).name)
    }

    fn open(attempts: &Attempts, header: &str, state: &str, now_ms: u64) -> Option<Attempt> {
        attempts.open([header.as_bytes()], "company", state, now_ms)
    }

    #[test]
    fn what_was_sealed_is_opened_by_every_replica_and_by_nobody_else() {
        let attempt = begin(NOW);
        let cookie = header(&attempts("secret", true), &attempt);
        let opened = open(&attempts("secret", true), &cookie, attempt.state(), NOW).expect("opened");
        assert_eq!((opened.state(), opened.nonce()), (attempt.state(), attempt.nonce()));
        assert_eq!(opened.verifier().expose_secret(), attempt.verifier().expose_secret());
        assert_eq!((opened.challenge(), opened.return_to()), (attempt.challenge(), attempt.return_to()));
        assert!(open(&attempts("other secret", true), &cookie, attempt.state(), NOW).is_none());
        for secret in [attempt.state(), attempt.nonce(), attempt.verifier().expose_secret()] {
            assert!(!cookie.contains(secret) && !format!("{attempt:?}").contains(secret));
        }
    }

    #[test]
    fn a_replaced_secret_opens_what_it_sealed_and_seals_no_more() {
        let (before, after) = (attempts("old", false), attempts("old", false));
        let attempt = begin(NOW);
        let cookie = header(&before, &attempt);
        after.secrets.replace(vec!["new".into(), "old".into()]);
        assert!(open(&after, &cookie, attempt.state(), NOW).is_some());
        assert!(open(&before, &header(&after, &attempt), attempt.state(), NOW).is_none());
    }

    #[test]
    fn another_state_provider_browser_or_time_opens_nothing() {
        let attempts = attempts("secret", false);
        let (attempt, other) = (begin(NOW), begin(NOW));
        let (cookie, others) = (header(&attempts, &attempt), header(&attempts, &other));
        assert!(open(&attempts, &cookie, attempt.state(), NOW + LIFE_MS - 1).is_some());
        assert!(open(&attempts, &cookie, attempt.state(), NOW + LIFE_MS).is_none());
        assert!(open(&attempts, &others, attempt.state(), NOW).is_none());
        assert!(open(&attempts, "", attempt.state(), NOW).is_none());
        assert!(attempts.open([cookie.as_bytes()], "other", attempt.state(), NOW).is_none());
        // Another attempt's sealed value under this one's name.
        let (name, _) = cookie.split_once('=').expect("a pair");
        let (_, value) = others.split_once('=').expect("a pair");
        assert!(open(&attempts, &format!("{name}={value}"), attempt.state(), NOW).is_none());
        for forged in ["", "AAAA", &value[..value.len() - 2], "====", &"A".repeat(300)] {
            assert!(open(&attempts, &format!("{name}={forged}"), attempt.state(), NOW).is_none());
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let attempts = attempts("secret", false);
        let attempt = begin(NOW);
        let sealed = URL_SAFE_NO_PAD.decode(attempts.seal(&attempt).expect("sealed")).expect("base64url");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(attempts.unseal(&URL_SAFE_NO_PAD.encode(changed)).is_none(), "byte {place}");
        }
    }

    #[test]
    fn a_page_of_an_origin_that_was_taken_away_is_no_longer_returned_to() {
        let attempts = attempts("secret", false);
        let there = ReturnTo::parse("https://app.example/x?q=\"rice\"", &attempts.origins).expect("allowed");
        let attempt = Attempt::begin("company", there, NOW).expect("random bytes");
        let cookie = header(&attempts, &attempt);
        assert!(open(&attempts, &cookie, attempt.state(), NOW).is_some());
        let fewer = Attempts::new(Arc::clone(&attempts.secrets), Arc::default(), false);
        assert!(open(&fewer, &cookie, attempt.state(), NOW).is_none());
    }

    #[test]
    fn the_cookie_is_bound_to_the_host_wherever_it_is_secure() {
        let secure = attempts("secret", true).cookie("state");
        assert!(secure.name.starts_with("__Host-Http-oidc-"), "{}", secure.name);
        let text = secure.set("x", std::time::Duration::from_secs(600));
        assert!(text.ends_with("=x; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"), "{text}");
        let open = attempts("secret", false).cookie("state");
        assert!(
            open.name.starts_with("oidc-") && !open.set("x", std::time::Duration::ZERO).contains("Secure")
        );
        assert_ne!(open.name, attempts("secret", false).cookie("other").name);
    }

    #[test]
    fn a_browser_holds_a_few_attempts_and_the_oldest_go() {
        let attempts = attempts("secret", false);
        let cookies: Vec<_> = (0..17).map(|n| header(&attempts, &begin(NOW + n))).collect();
        let name = |cookie: &str| cookie.split_once('=').expect("a pair").0.to_owned();
        let cleared = |cookies: &[String], now_ms| {
            let header = format!("sid=x; {}; oidc-theme=dark", cookies.join("; "));
            attempts
                .make_room([header.as_bytes()], 250, now_ms)
                .iter()
                .map(|line| name(line))
                .collect::<Vec<_>>()
        };
        assert!(cleared(&cookies[..15], NOW + 20).is_empty());
        assert_eq!(cleared(&cookies[..16], NOW + 20), [name(&cookies[0])]);
        assert_eq!(cleared(&cookies, NOW + 20), [name(&cookies[0]), name(&cookies[1])]);
        // Long ones are fewer: all of them together, with the new one, stay within what servers in front take.
        let long = ReturnTo::parse(&format!("/{}", "x".repeat(1000)), &attempts.origins).expect("a path");
        let long: Vec<_> = (0..7)
            .map(|n| Attempt::begin("company", long.clone(), NOW + n).expect("random bytes"))
            .map(|attempt| header(&attempts, &attempt))
            .collect();
        let kept = long.len() - cleared(&long, NOW + 20).len();
        assert_eq!(kept, (MOST_BYTES - 250) / long[0].len());
        assert!(kept >= 2, "{kept}");
        // Expired, or not to be opened.
        assert_eq!(cleared(&cookies[..1], NOW + LIFE_MS), [name(&cookies[0])]);
        let (foreign, _) = cookies[0].split_once('=').expect("a pair");
        assert_eq!(cleared(&[format!("{foreign}=AAAA")], NOW), [foreign]);
    }
}
