//! The profile that a session carries: a JSON object of the accounts service or of an OpenID provider, opaque but for the
//! few fields that the gateway itself needs. It is checked and cut to what may leave the gateway when it comes in
//! ([`ProfileShape`]), kept in records and in memory as these bytes, and goes out as it is.
//!
//! ```text
//! accounts service, or ID token -> ProfileShape::read -> ProfileDocument -> session, record, `user` of answers
//! ```

mod claims;
mod object;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt;

use schemas::Id;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::value::RawValue;

pub use claims::{ClaimMap, NoUserError};
pub use shape::{FieldKind, ProfileField, ProfileShape};

use object::{Members, written};

/// Longest profile that a session carries, in bytes: every record of a sign-in and every session in memory holds one.
pub const MAX_PROFILE_BYTES: usize = 16 * 1024;

/// The field in which the accounts contract says that a second factor is on.
const TOTP_ENABLED: &str = "totpEnabled";

/// A user's profile as one JSON object without white space between tokens, at most [`MAX_PROFILE_BYTES`] long, with an
/// `id`. Two are equal when their bytes are.
#[derive(Clone)]
pub struct ProfileDocument {
    json: Box<RawValue>,
    known: Known,
}

/// The fields that the gateway itself needs, out of the document and without escapes.
#[derive(Clone)]
struct Known {
    id: Id,
    username: Option<Box<str>>,
    display_name: Option<Box<str>>,
    avatar_url: Option<Box<str>>,
    totp_enabled: bool,
}

impl Known {
    fn of(members: &Members<'_>) -> Result<Self, serde_json::Error> {
        let text = |name| {
            // Another type says nothing that the gateway can use.
            let raw = members.get(name).filter(|raw| raw.get().starts_with('"'))?;
            Some(serde_json::from_str::<Box<str>>(raw.get()))
        };
        let id = members.get("id").ok_or_else(|| serde_json::Error::missing_field("id"))?;
        Ok(Self {
            id: serde_json::from_str(id.get())?,
            username: text("username").transpose()?,
            display_name: text("displayName").transpose()?,
            avatar_url: text("avatarUrl").transpose()?,
            totp_enabled: members.get(TOTP_ENABLED).is_some_and(|raw| raw.get() == "true"),
        })
    }
}

impl ProfileDocument {
    /// The profile that the members of an object make.
    fn of_members(members: &Members<'_>) -> Result<Self, serde_json::Error> {
        let known = Known::of(members)?;
        let json = written(members.iter())?;
        if json.get().len() > MAX_PROFILE_BYTES {
            return Err(serde_json::Error::custom("a profile of more than 16 KiB"));
        }
        Ok(Self { json, known })
    }

    /// Who it is: `sub` of the service tokens made for them, owner of their sessions.
    #[must_use]
    pub const fn id(&self) -> &Id {
        &self.known.id
    }

    /// `username`, without escapes, where there is one.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.known.username.as_deref()
    }

    /// `displayName`, without escapes, where there is one.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.known.display_name.as_deref()
    }

    /// `avatarUrl`, without escapes, where there is one.
    #[must_use]
    pub fn avatar_url(&self) -> Option<&str> {
        self.known.avatar_url.as_deref()
    }

    /// Whether a sign-in takes a one-time code as well: `totpEnabled`.
    #[must_use]
    pub const fn totp_enabled(&self) -> bool {
        self.known.totp_enabled
    }

    /// The whole document.
    #[must_use]
    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// The value of the field `name` as it stands in the document; nothing where there is no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&RawValue> {
        Members::of(self.json.get().as_bytes()).ok()?.get(name)
    }

    /// An object of these fields of the document, in this order, each as it stands there; null where the document has
    /// none. What `user.card` is of a declaration (`[accounts] card`).
    #[must_use]
    pub fn card<S: AsRef<str>>(&self, fields: impl IntoIterator<Item = S>) -> Box<RawValue> {
        // It was read as an object when it came in, and values of an object make one again.
        let members = Members::of(self.json.get().as_bytes()).unwrap_or_default();
        let fields: Vec<S> = fields.into_iter().collect();
        let picked = fields.iter().map(|name| {
            let name = name.as_ref();
            (name, members.get(name).unwrap_or(RawValue::NULL))
        });
        written(picked).unwrap_or_default()
    }

    /// The same profile after a second factor was switched on or off.
    ///
    /// # Errors
    /// Never for a document that fits [`MAX_PROFILE_BYTES`] with that field in it.
    pub fn with_totp_enabled(&self, enabled: bool) -> Result<Self, serde_json::Error> {
        let mut members = Members::of(self.json.get().as_bytes())?;
        members.set(TOTP_ENABLED, if enabled { RawValue::TRUE } else { RawValue::FALSE });
        Self::of_members(&members)
    }
}

impl PartialEq for ProfileDocument {
    fn eq(&self, other: &Self) -> bool {
        self.json.get() == other.json.get()
    }
}

/// Says nothing of the user: a profile must not reach a log by way of `{:?}`.
impl fmt::Debug for ProfileDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileDocument").finish_non_exhaustive()
    }
}

/// The document itself, as in records.
impl Serialize for ProfileDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

/// Out of a record: it was cut to its shape before it was stored.
impl<'de> Deserialize<'de> for ProfileDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let known = Members::of(json.get().as_bytes()).and_then(|members| Known::of(&members));
        // serde_json's own text would quote the profile.
        let known = known.map_err(|_| D::Error::custom("not a profile"))?;
        Ok(Self { json, known })
    }
}
