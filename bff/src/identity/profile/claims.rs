//! Profiles of users who come from an OpenID provider alone, where no upstream keeps accounts: made of the claims of the
//! ID token and of the user information (OpenID Connect Core 1.0 section 5.1).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::Id;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use sha2::{Digest, Sha256};

use super::{
    ProfileDocument,
    object::{Members, written},
};

/// The claim that is the user at the provider.
const SUBJECT: &str = "sub";
/// Longer values, in bytes, are left out.
const LONGEST_VALUE: usize = 2048;
/// What ids begin with that are a hash of a subject.
const HASHED: char = '~';

/// Which field of a profile is which claim: `[accounts] claims`.
#[derive(Debug, Clone)]
pub struct ClaimMap(Vec<(Box<str>, Box<str>)>);

/// The claim that is to be the profile's `id` is missing, or is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claims do not say who the user is")]
pub struct NoUserError;

impl Default for ClaimMap {
    fn default() -> Self {
        Self::new([
            ("id", SUBJECT),
            ("username", "preferred_username"),
            ("displayName", "name"),
            ("avatarUrl", "picture"),
        ])
    }
}

impl ClaimMap {
    /// Pairs of a field and its claim, in the order of the document.
    #[must_use]
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(field, claim)| (field.into(), claim.into())).collect())
    }

    /// What declarations say; the standard claims where they say nothing.
    #[must_use]
    pub fn declared(pairs: &[(Box<str>, Box<str>)]) -> Self {
        if pairs.is_empty() { Self::default() } else { Self(pairs.to_vec()) }
    }

    /// Whether `claims` has all that a profile is made of, beside the subject.
    #[must_use]
    pub fn is_satisfied_by(&self, claims: &Map<String, Value>) -> bool {
        self.0.iter().all(|(_, claim)| **claim == *SUBJECT || claims.contains_key(&**claim))
    }

    /// The profile of `subject`. A claim that is missing, or is no short text, is null. The `id` is its claim where that can
    /// be an id, and else `~` and the SHA-256 of it in base64url: subjects may be any text.
    ///
    /// # Errors
    /// [`NoUserError`].
    pub fn profile(
        &self,
        subject: &str,
        claims: &Map<String, Value>,
    ) -> Result<Arc<ProfileDocument>, NoUserError> {
        let text = |claim: &str| match claim {
            SUBJECT => Some(subject),
            claim => claims.get(claim).and_then(Value::as_str),
        };
        let mut fields: Vec<(&str, Box<RawValue>)> = Vec::with_capacity(self.0.len());
        for (field, claim) in &self.0 {
            let value = match (&**field, text(claim)) {
                ("id", Some(text)) if !text.is_empty() => Value::from(id_of(text)),
                ("id", _) => return Err(NoUserError),
                (_, Some(text)) if text.len() <= LONGEST_VALUE => Value::from(text),
                _ => Value::Null,
            };
            fields.push((field, to_raw_value(&value).map_err(|_| NoUserError)?));
        }
        let json = written(fields.iter().map(|(name, raw)| (*name, &**raw))).map_err(|_| NoUserError)?;
        let members = Members::of(json.get().as_bytes()).map_err(|_| NoUserError)?;
        ProfileDocument::of_members(&members).map(Arc::new).map_err(|_| NoUserError)
    }
}

/// One id for each text: what looks like a hash is hashed as well.
fn id_of(text: &str) -> String {
    match Id::new(text) {
        Ok(id) if !text.starts_with(HASHED) => id.to_string(),
        _ => format!("{HASHED}{}", URL_SAFE_NO_PAD.encode(Sha256::digest(text))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ClaimMap, NoUserError};

    fn profile(map: &ClaimMap, subject: &str, claims: &serde_json::Value) -> Result<String, NoUserError> {
        let claims = claims.as_object().expect("an object");
        map.profile(subject, claims).map(|profile| profile.json().get().to_owned())
    }

    #[test]
    fn a_profile_is_made_of_claims() {
        let map = ClaimMap::default();
        let claims = json!({
            "preferred_username": "ada", "name": "Ada \"밥\"", "picture": "https://x/a.png", "secret": "s"
        });
        assert_eq!(
            profile(&map, "ada-1", &claims).expect("a profile"),
            r#"{"id":"ada-1","username":"ada","displayName":"Ada \"밥\"","avatarUrl":"https://x/a.png"}"#
        );
        let odd = json!({"preferred_username": ["x"], "name": "x".repeat(2049), "picture": null});
        assert_eq!(
            profile(&map, "ada-1", &odd).expect("a profile"),
            r#"{"id":"ada-1","username":null,"displayName":null,"avatarUrl":null}"#
        );
        assert!(map.is_satisfied_by(claims.as_object().expect("an object")));
        assert!(!map.is_satisfied_by(json!({"name": "Ada"}).as_object().expect("an object")));
    }

    #[test]
    fn every_subject_has_an_id_of_its_own() {
        let map = ClaimMap::new([("id", "sub")]);
        let id = |subject: &str| profile(&map, subject, &json!({})).expect("a profile");
        assert_eq!(id("google-oauth2.1"), r#"{"id":"google-oauth2.1"}"#);
        let hashed = id("google-oauth2|1");
        assert_eq!(hashed, r#"{"id":"~wV60vudWHFG57KJbmO01QF2bK60qd30NtnbyYkQoPUg"}"#);
        let shaped = hashed.trim_start_matches("{\"id\":\"").trim_end_matches("\"}").to_owned();
        assert_ne!(id(&shaped), hashed, "a subject that looks like another one's id");
    }

    #[test]
    fn who_a_user_is_must_be_said() {
        let map = ClaimMap::new([("id", "oid")]);
        for claims in [json!({}), json!({"oid": 1}), json!({"oid": null}), json!({"oid": ""})] {
            assert_eq!(profile(&map, "sub", &claims), Err(NoUserError), "{claims}");
        }
        assert_eq!(profile(&map, "sub", &json!({"oid": "o"})).expect("a profile"), r#"{"id":"o"}"#);
    }
}
