//! What providers' tokens say.

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// Names end up on screens and in the profile service.
const LONGEST_NAME: usize = 200;

/// The claims of ID tokens and logout tokens, each `None` where it is absent.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) aud: Option<Audience>,
    pub(super) azp: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) exp: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) iat: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) nbf: Option<u64>,
    pub(super) jti: Option<String>,
    pub(super) sid: Option<String>,
    /// `Some(null)` where it is there without a value: a logout token must not have the member at all.
    #[serde(default, deserialize_with = "present")]
    pub(super) nonce: Option<Value>,
    pub(super) events: Option<Map<String, Value>>,
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

/// One audience or several (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, client: &str) -> bool {
        match self {
            Self::One(one) => one == client,
            Self::Several(all) => all.iter().any(|one| one == client),
        }
    }

    pub(super) fn is_single(&self) -> bool {
        match self {
            Self::One(_) => true,
            Self::Several(all) => all.len() == 1,
        }
    }
}

/// A NumericDate (RFC 7519 section 2): it may have a fraction.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let refused = || de::Error::custom("is no time");
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| (0.0..=9e15).contains(float))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range above")]
        let whole = float as u64;
        Some(whole)
    });
    whole.map(Some).ok_or_else(refused)
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What a provider tells of a person, as far as it is used.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Only where the provider has verified that it is theirs.
    pub email: Option<String>,
    pub name: Option<String>,
    /// All claims but those that make a token one, as they came.
    pub claims: Map<String, Value>,
}

/// Prints nothing of the person.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}

impl Person {
    /// Out of the standard claims (OpenID Connect Core 1.0 section 5.1).
    #[must_use]
    pub fn of(claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::trim);
        // Some providers write the flag as text.
        let verified = match claims.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let name = text("name").filter(|name| !name.is_empty()).or_else(|| text("preferred_username"));
        Self {
            email: text("email").filter(|email| verified && is_email(email)).map(str::to_owned),
            name: name.filter(|name| !name.is_empty()).map(|name| name.chars().take(LONGEST_NAME).collect()),
            claims: claims.clone(),
        }
    }

    /// Whether nothing more is to be asked.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.email.is_some() && self.name.is_some()
    }

    /// The same, with what `other` knows besides.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut claims = other.claims;
        claims.extend(self.claims);
        Self { email: self.email.or(other.email), name: self.name.or(other.name), claims }
    }
}

/// Good enough to be handed on: the profile service judges.
fn is_email(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let sides = text.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    (3..=254).contains(&text.chars().count()) && plain && sides
}
