//! What must turn up in no log: everything secret that the harness sends, receives or configures.
//!
//! Actors, proxies and settings write it down here as it comes along; the output of every gateway that the
//! harness started is searched for all of it when the gateway is let go of. No test has to ask for that.

use std::{
    collections::HashMap,
    fmt,
    sync::{LazyLock, PoisonError, RwLock},
};

use serde_json::Value;

use crate::{Answer, PASSWORD, redis::REDIS_PASSWORD};

/// What kind of thing was found where it must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    Password,
    Email,
    SessionCookie,
    CsrfToken,
    AccessToken,
    RefreshToken,
    /// What upstreams trust.
    ServiceToken,
    /// What somebody presented without ever having got it.
    InventedToken,
    CallerToken,
    /// Key material, and what upstreams and providers share with the gateway.
    Configured,
    RedisPassword,
    /// In a mailed link.
    LinkToken,
    /// Of two-factor sign-in: the shared secret, or a recovery code.
    SecondFactor,
}

/// Shorter ones could be in a log by chance.
const SHORTEST: usize = 12;

type Beginning = [u8; SHORTEST];

/// A set of secrets, by their first bytes.
#[derive(Debug, Default)]
struct Planted {
    by_beginning: HashMap<Beginning, Vec<(Vec<u8>, Secret)>>,
}

impl Planted {
    fn add(&mut self, kind: Secret, value: &str) {
        let Some(beginning) = value.as_bytes().first_chunk::<SHORTEST>() else { return };
        let known = self.by_beginning.entry(*beginning).or_default();
        if !known.iter().any(|(known, _)| known == value.as_bytes()) {
            known.push((value.as_bytes().to_vec(), kind));
        }
    }

    fn has(&self, value: &str) -> bool {
        let known = value.as_bytes().first_chunk().and_then(|beginning| self.by_beginning.get(beginning));
        known.is_some_and(|known| known.iter().any(|(known, _)| known == value.as_bytes()))
    }

    /// The first secret in `text`, which is one line.
    fn find(&self, text: &str) -> Option<Found> {
        let bytes = text.as_bytes();
        bytes.windows(SHORTEST).enumerate().find_map(|(at, window)| {
            let known = self.by_beginning.get(window)?;
            let (value, kind) = known.iter().find(|(value, _)| bytes[at..].starts_with(value))?;
            let value = String::from_utf8_lossy(value);
            Some(Found { kind: *kind, line: text.replace(&*value, &format!("<{kind:?}>")) })
        })
    }
}

// Slices can be looked up because arrays hash and compare as they do.
static PLANTED: LazyLock<RwLock<Planted>> = LazyLock::new(|| {
    let mut planted = Planted::default();
    planted.add(Secret::Password, PASSWORD);
    planted.add(Secret::RedisPassword, REDIS_PASSWORD);
    RwLock::new(planted)
});

/// A secret in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub kind: Secret,
    /// The line, with the secret's kind in the secret's place.
    pub line: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log holds a secret ({:?}): {}", self.kind, self.line)
    }
}

/// Writes a secret down. Of tokens that are signed it is enough that their claims or their signature turn up.
pub fn plant(kind: Secret, value: &str) {
    let signed = value.split('.').collect::<Vec<_>>();
    let parts = if let [_, claims, signature] = signed[..] { vec![claims, signature] } else { vec![value] };
    for part in parts {
        if !read().has(part) {
            PLANTED.write().unwrap_or_else(PoisonError::into_inner).add(kind, part);
        }
    }
}

fn read() -> std::sync::RwLockReadGuard<'static, Planted> {
    PLANTED.read().unwrap_or_else(PoisonError::into_inner)
}

/// Searches what a process has said.
///
/// # Errors
/// The first secret that is in it.
pub fn search(output: &str) -> Result<(), Found> {
    let planted = read();
    output.lines().find_map(|line| planted.find(line)).map_or(Ok(()), Err)
}

/// A setting that is secret by its name.
pub(crate) fn configured(key: &str, value: &str) {
    let name = key.rsplit('.').next().unwrap_or(key);
    if ["secret", "client_secret", "secret_access_key", "token", "password"].contains(&name) {
        value.lines().for_each(|line| plant(Secret::Configured, line));
    }
}

/// A header that an actor sends.
pub(crate) fn sent_header(name: &str, value: &str) {
    match name.to_ascii_lowercase().as_str() {
        "authorization" => plant(Secret::InventedToken, value.strip_prefix("Bearer ").unwrap_or(value)),
        "x-caller-token" => plant(Secret::CallerToken, value),
        "x-csrf-token" => plant(Secret::CsrfToken, value),
        "cookie" => value.split(';').for_each(cookie),
        _ => {}
    }
}

/// A document that an actor sends to `/auth`, or gets from there.
pub(crate) fn document(document: &Value) {
    let Value::Object(fields) = document else { return };
    for (name, value) in fields {
        let kind = match name.as_str() {
            "password" => Secret::Password,
            "login" | "email" if value.as_str().is_some_and(|text| text.contains('@')) => Secret::Email,
            "csrf" | "csrfToken" => Secret::CsrfToken,
            "access_token" => Secret::AccessToken,
            "refresh_token" | "token" => Secret::RefreshToken,
            "secret" | "otpauthUri" | "recoveryCodes" => Secret::SecondFactor,
            _ => continue,
        };
        match value {
            Value::String(text) => plant(kind, text),
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).for_each(|text| plant(kind, text)),
            _ => {}
        }
    }
}

/// What came back from `path`.
pub(crate) fn received(path: &str, answer: &Answer) {
    answer.all("set-cookie").iter().for_each(|line| cookie(line.split(';').next().unwrap_or_default()));
    if path.starts_with("/auth")
        && let Ok(body) = serde_json::from_slice(&answer.body)
    {
        document(&body);
    }
}

/// `name=value`.
fn cookie(pair: &str) {
    match pair.trim().split_once('=') {
        Some((name, value)) if name.ends_with("sid") => plant(Secret::SessionCookie, value),
        Some((name, value)) if name.ends_with("rt") => plant(Secret::RefreshToken, value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_line_is_found_and_shown_without_what_was_planted() {
        plant(Secret::SessionCookie, "8yQvexample-of-a-session-id");
        plant(
            Secret::AccessToken,
            "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEtbG92ZWxhY2UifQ.c2lnbmF0dXJlLW9mLWl0",
        );
        let clean = "INFO request path=/auth/session status=200\nINFO sid=8yQvexample\n";
        assert_eq!(search(clean), Ok(()));
        for (line, kind, shown) in [
            (
                "WARN cookie: sid=8yQvexample-of-a-session-id; x",
                Secret::SessionCookie,
                "sid=<SessionCookie>; x",
            ),
            ("{\"claims\":\"eyJzdWIiOiJhZGEtbG92ZWxhY2UifQ\"}", Secret::AccessToken, "<AccessToken>"),
            ("signature c2lnbmF0dXJlLW9mLWl0", Secret::AccessToken, "signature <AccessToken>"),
            (PASSWORD, Secret::Password, "<Password>"),
            (
                &format!("no route to redis://:{REDIS_PASSWORD}@host"),
                Secret::RedisPassword,
                ":<RedisPassword>@",
            ),
            (&crate::email("somebody"), Secret::Email, "<Email>"),
        ] {
            let found = search(&format!("{clean}{line}\n{clean}")).expect_err(line);
            assert_eq!(found.kind, kind);
            assert!(found.line.contains(shown), "{found}");
            assert!(search(&found.line).is_ok(), "{found}");
        }
    }

    #[test]
    fn what_is_sent_received_and_configured_is_written_down() {
        sent_header("Authorization", "Bearer invented-bearer-token");
        sent_header("cookie", "theme=dark; __Host-Http-sid=presented-session-id; rt=presented-refresh");
        configured("events.recipe.token", "configured-event-token");
        configured("keys.issuer", "configured-issuer");
        document(&serde_json::json!({
            "login": "somebody-else@mail.example", "password": "another-password",
            "recoveryCodes": ["recovery-code-1", "recovery-code-2"],
        }));
        for (text, kind) in [
            ("invented-bearer-token", Secret::InventedToken),
            ("presented-session-id", Secret::SessionCookie),
            ("presented-refresh", Secret::RefreshToken),
            ("configured-event-token", Secret::Configured),
            ("somebody-else@mail.example", Secret::Email),
            ("another-password", Secret::Password),
            ("recovery-code-2", Secret::SecondFactor),
        ] {
            assert_eq!(search(&format!("… {text} …")).map_err(|found| found.kind), Err(kind));
        }
        assert_eq!(search("theme=dark configured-issuer"), Ok(()));
    }
}
