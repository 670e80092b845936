//! What a profile must be, and what of it may leave the gateway: given at construction, by a declaration or by the
//! composition root.

use schemas::{Id, Rfc3339};
use serde::de::Error as _;
use serde_json::value::RawValue;

use super::{ProfileDocument, object::Members};

/// The fields of profiles: those that are named, in that order, and no others; or whatever comes.
#[derive(Debug, Clone, Default)]
pub struct ProfileShape {
    /// Nothing: all fields pass.
    fields: Option<Vec<ProfileField>>,
}

/// One field of a [`ProfileShape`].
#[derive(Debug, Clone)]
pub struct ProfileField {
    name: Box<str>,
    kind: FieldKind,
    nullable: bool,
    optional: bool,
    absent: Option<Box<RawValue>>,
}

/// What the value of a field has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A string that is an id.
    Id,
    /// A string.
    Text,
    /// A string that is an RFC 3339 time.
    Time,
    /// True or false.
    Flag,
    /// Any JSON value that is not null.
    Any,
}

impl ProfileField {
    /// A field without which a profile is invalid.
    #[must_use]
    pub fn required(name: &str, kind: FieldKind) -> Self {
        Self { name: name.into(), kind, nullable: false, optional: false, absent: None }
    }

    /// A field that may be null, and is null where it is absent.
    #[must_use]
    pub fn nullable(name: &str, kind: FieldKind) -> Self {
        Self { nullable: true, absent: Some(RawValue::NULL.to_owned()), ..Self::required(name, kind) }
    }

    /// The same field, left out where it is absent.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same field; `value` stands for it where it is absent.
    #[must_use]
    pub fn or(mut self, value: Box<RawValue>) -> Self {
        self.absent = Some(value);
        self
    }

    fn admits(&self, raw: &RawValue) -> bool {
        let json = raw.get();
        if json == "null" {
            return self.nullable;
        }
        match self.kind {
            FieldKind::Id => serde_json::from_str::<Id>(json).is_ok(),
            // Its escapes are left as they are.
            FieldKind::Text => json.starts_with('"'),
            FieldKind::Time => serde_json::from_str::<Rfc3339>(json).is_ok(),
            FieldKind::Flag => matches!(json, "true" | "false"),
            FieldKind::Any => true,
        }
    }
}

impl ProfileShape {
    /// `fields` and no others, in their order.
    #[must_use]
    pub fn of(fields: impl IntoIterator<Item = ProfileField>) -> Self {
        Self { fields: Some(fields.into_iter().collect()) }
    }

    /// Every field that comes, in the order in which it comes: where there is no contract.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// The profile in `json`, cut to this shape.
    ///
    /// # Errors
    /// It is no JSON object, a field is there twice or is not what it has to be, `id` is no id, or it is longer than
    /// [`MAX_PROFILE_BYTES`](super::MAX_PROFILE_BYTES). The text may quote the profile: it is not for logs.
    pub fn read(&self, json: &[u8]) -> Result<ProfileDocument, serde_json::Error> {
        let members = Members::of(json)?;
        let Some(fields) = &self.fields else { return ProfileDocument::of_members(&members) };
        let mut kept = Members::default();
        for field in fields {
            let raw = members.get(&field.name).or(field.absent.as_deref());
            if raw.is_none() && field.optional {
                continue;
            }
            let raw = raw.filter(|raw| field.admits(raw));
            kept.set(
                &field.name,
                raw.ok_or_else(|| serde_json::Error::custom("a field is missing or wrong"))?,
            );
        }
        ProfileDocument::of_members(&kept)
    }
}
