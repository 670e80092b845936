//! A sign-in whose person is known from the provider, and whose second factor is still to be shown. Like an attempt it is
//! sealed into a cookie of the browser, so that nothing is stored for those who never come back.

use std::{borrow::Cow, fmt, time::Duration};

use schemas::Id;
use serde::{Deserialize, Serialize};

use super::{Attempt, Attempts, IdToken, Person, ReturnTo, attempt::random};
use crate::identity::{CookieSettings, IdentityError, find_cookie};

/// Less than a provider's order to sign out is remembered for, so that an order which comes meanwhile is not forgotten.
const LIFE_MS: u64 = 5 * 60 * 1000;
const PURPOSE: &str = "oidc second step";
/// Behind the prefix of attempts' cookies, and shorter than what tells those apart.
const COOKIE: &str = "code";

/// Who came back from the provider, and what their session needs.
pub struct SecondStep {
    provider: Box<str>,
    /// Tells it from every other one: it counts once.
    number: String,
    /// Whose code is wanted.
    pub member: Id,
    pub token: IdToken,
    return_to: ReturnTo,
    /// End of the attempt that led to it.
    attempt_expires_ms: u64,
    expires_ms: u64,
}

/// Prints nothing of the person.
impl fmt::Debug for SecondStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondStep").field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    p: &'a str,
    k: &'a str,
    m: Id,
    s: String,
    i: Option<String>,
    t: u64,
    #[serde(borrow)]
    r: Cow<'a, str>,
    a: u64,
    e: u64,
}

impl SecondStep {
    /// How long somebody may take to find the code.
    pub const LIFE: Duration = Duration::from_millis(LIFE_MS);

    /// After `attempt` brought `token`, which is `member`'s.
    ///
    /// # Errors
    /// [`IdentityError::Randomness`].
    pub fn begin(attempt: &Attempt, token: IdToken, member: Id, now_ms: u64) -> Result<Self, IdentityError> {
        Ok(Self {
            provider: attempt.provider.clone(),
            number: random::<16>()?,
            member,
            token,
            return_to: attempt.return_to.clone(),
            attempt_expires_ms: attempt.expires_ms,
            expires_ms: now_ms.saturating_add(LIFE_MS),
        })
    }

    /// Where the browser goes in the end.
    #[must_use]
    pub fn return_to(&self) -> &ReturnTo {
        &self.return_to
    }

    /// The attempt that led here, without its secrets: for the link to the provider's session.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        self.as_attempt(self.attempt_expires_ms)
    }

    /// What is used up by the right code, as an attempt is by its answer.
    #[must_use]
    pub fn ticket(&self) -> Attempt {
        self.as_attempt(self.expires_ms)
    }

    fn as_attempt(&self, expires_ms: u64) -> Attempt {
        Attempt {
            provider: self.provider.clone(),
            state: self.number.clone(),
            nonce: String::new(),
            verifier: String::new().into(),
            return_to: self.return_to.clone(),
            expires_ms,
        }
    }
}

impl Attempts {
    /// The cookie of a second step: a browser has one at a time.
    #[must_use]
    pub fn second_step_cookie(&self) -> CookieSettings {
        self.named(format!("{}{COOKIE}", self.prefix()))
    }

    /// The cookie's value.
    ///
    /// # Errors
    /// [`IdentityError`]: it cannot be sealed.
    pub fn seal_second_step(&self, step: &SecondStep) -> Result<String, IdentityError> {
        let written = Written {
            p: &step.provider,
            k: &step.number,
            m: step.member.clone(),
            s: step.token.subject.clone(),
            i: step.token.sid.clone(),
            t: step.token.issued_s,
            r: step.return_to.as_str().into(),
            a: step.attempt_expires_ms,
            e: step.expires_ms,
        };
        self.seal_json(PURPOSE, &written)
    }

    /// The second step at `provider` that one of the `cookies` holds, unless it has expired.
    #[must_use]
    pub fn open_second_step<'c>(
        &self,
        cookies: impl IntoIterator<Item = &'c [u8]>,
        provider: &str,
        now_ms: u64,
    ) -> Option<SecondStep> {
        let sealed = find_cookie(cookies, &self.second_step_cookie().name)?;
        self.unseal_json(PURPOSE, sealed, |json| {
            let written: Written<'_> = serde_json::from_slice(json).ok()?;
            (written.p == provider && now_ms < written.e).then_some(())?;
            Some(SecondStep {
                provider: written.p.into(),
                number: written.k.to_owned(),
                member: written.m,
                token: IdToken {
                    subject: written.s,
                    sid: written.i,
                    issued_s: written.t,
                    person: Person::default(),
                },
                return_to: self.return_to(&written.r)?,
                attempt_expires_ms: written.a,
                expires_ms: written.e,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::identity::{AllowedOrigins, Secrets};

    const NOW: u64 = 1_000_000;

    fn sealer(secret: &str) -> Attempts {
        Attempts::new(Arc::new(Secrets::new(vec![secret.into()])), Arc::<AllowedOrigins>::default(), true)
    }

    #[test]
    fn a_second_step_is_opened_in_time_at_its_provider_and_as_nothing_else() {
        let attempts = sealer("secret");
        let attempt = Attempt::begin("company", ReturnTo::home(), NOW).expect("random bytes");
        let token = IdToken {
            subject: "a \"quoted\" subject".to_owned(),
            sid: Some("session-1".to_owned()),
            issued_s: NOW / 1000,
            person: Person::default(),
        };
        let member = Id::new("member-1").expect("an id");
        let step = SecondStep::begin(&attempt, token.clone(), member.clone(), NOW).expect("random bytes");
        let value = attempts.seal_second_step(&step).expect("sealed");
        let name = attempts.second_step_cookie().name;
        assert_eq!(name, "__Host-Http-oidc-code");
        let cookie = format!("{name}={value}");
        let open = |attempts: &Attempts, cookie: &str, provider, now_ms| {
            attempts.open_second_step([cookie.as_bytes()], provider, now_ms)
        };
        let opened = open(&attempts, &cookie, "company", NOW + LIFE_MS - 1).expect("opened");
        assert_eq!((&opened.member, &opened.token), (&member, &token));
        assert_eq!(opened.attempt().begun_ms(), attempt.begun_ms());
        assert_eq!(opened.ticket().expires_ms(), NOW + LIFE_MS);
        assert_ne!(opened.ticket().state(), attempt.state());
        assert!(open(&attempts, &cookie, "company", NOW + LIFE_MS).is_none());
        assert!(open(&attempts, &cookie, "other", NOW).is_none());
        assert!(open(&sealer("other"), &cookie, "company", NOW).is_none());
        assert!(!cookie.contains("member-1"));
        // Neither passes for the other.
        let sealed = attempts.seal(&attempt).expect("sealed");
        assert!(open(&attempts, &format!("{name}={sealed}"), "company", NOW).is_none());
        let smuggled = format!("{}={value}", attempts.cookie(attempt.state()).name);
        assert!(attempts.open([smuggled.as_bytes()], "company", attempt.state(), NOW).is_none());
        assert!(attempts.make_room([cookie.as_bytes()], 0, NOW).is_empty(), "none of the attempts");
    }
}
