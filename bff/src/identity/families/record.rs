//! The stored form of a family: JSON with a format version of its own. It holds no token: the hash of the current one,
//! and of the last rotations what gives the bearer of a spent token its successor again.

use std::{
    sync::{Arc, OnceLock, atomic::AtomicU64},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use subtle::ConstantTimeEq as _;

use super::token::{RefreshToken, SEALED};
use crate::{
    identity::{
        IdentityError, ProfileDocument, SessionKind,
        record::{GRACE_MS, UnreadableRecord, millis},
        session::{Session, SessionKey},
    },
    store::{Entry, Record},
};

const FORMAT: u8 = 1;

/// So many rotations may come within the retry window: each of them has to be remembered for as long, in about 240 bytes
/// of the record. More than anybody makes who refreshes for a reason.
pub(super) const MAX_ROTATIONS: usize = 128;

/// One sign-in of an app. Times are unix milliseconds.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::identity) struct Family {
    v: u8,
    #[serde(with = "shared")]
    pub(in crate::identity) user: Arc<ProfileDocument>,
    pub(super) created_ms: u64,
    /// The last rotation.
    pub(super) last_seen_ms: u64,
    pub(super) absolute_end_ms: u64,
    pub(super) client: Box<str>,
    pub(super) address: Box<str>,
    /// Whether its refresh tokens travel in a cookie.
    pub(super) cookie: bool,
    generation: u32,
    /// SHA-256 of the current refresh token.
    current: Base64<32>,
    /// The oldest first.
    rotations: Vec<Rotation>,
}

/// One refresh token taken for its successor.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Rotation {
    /// SHA-256 of the token that was presented.
    spent: Base64<32>,
    /// Its successor, see [`RefreshToken::seal`].
    sealed: Base64<SEALED>,
    pub(super) at_ms: u64,
    /// Of the access token that was given out with it.
    pub(super) jti: Box<str>,
    pub(super) kid: Box<str>,
    /// Whether an access token that was given out with the successor was used: the answer has arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    arrived: bool,
}

/// What a presented token is to its family.
pub(super) enum TokenStatus {
    Current,
    /// Spent just now: the successor, and when and with what it was given out.
    Retried {
        successor: RefreshToken,
        rotation: Rotation,
    },
    /// Spent before that, but its successor is current and nothing shows that it ever arrived.
    Unanswered {
        successor: RefreshToken,
    },
    /// Spent before that, or never of this family.
    Unknown,
}

/// Who signs in, with what and from where.
pub(super) struct SignIn<'a> {
    pub(super) user: &'a Arc<ProfileDocument>,
    pub(super) client: &'a str,
    pub(super) address: &'a str,
    pub(super) cookie: bool,
}

impl Family {
    pub(super) fn new(sign_in: &SignIn<'_>, token: &RefreshToken, now_ms: u64, life: Duration) -> Self {
        Self {
            v: FORMAT,
            user: Arc::clone(sign_in.user),
            created_ms: now_ms,
            last_seen_ms: now_ms,
            absolute_end_ms: now_ms.saturating_add(millis(life)),
            client: sign_in.client.into(),
            address: sign_in.address.into(),
            cookie: sign_in.cookie,
            generation: token.generation(),
            current: Base64(token.hash()),
            rotations: Vec::new(),
        }
    }

    /// The family in `record`, whether it is live or not.
    pub(in crate::identity) fn of(record: &Record) -> Result<Self, UnreadableRecord> {
        #[derive(Deserialize)]
        struct Version {
            v: u8,
        }
        // First the format: a later one need not have the same fields.
        let Version { v } = serde_json::from_slice(&record.value).map_err(UnreadableRecord::Json)?;
        if v != FORMAT {
            return Err(UnreadableRecord::Format(v));
        }
        serde_json::from_slice(&record.value).map_err(UnreadableRecord::Json)
    }

    /// What to store for it.
    pub(in crate::identity) fn entry(&self) -> Result<Entry, IdentityError> {
        Ok(Entry {
            value: serde_json::to_vec(self).map_err(IdentityError::Record)?.into(),
            owner: Some(self.user.id().as_str().into()),
            expires_at_ms: self.absolute_end_ms.saturating_add(GRACE_MS),
        })
    }

    /// As it lives in memory, mirrored from `version` of the record.
    pub(in crate::identity) fn session(self, key: SessionKey, version: u64) -> Session {
        Session {
            key,
            kind: SessionKind::App,
            user: self.user.id().clone(),
            profile: self.user,
            created_ms: self.created_ms,
            absolute_end_ms: self.absolute_end_ms,
            client: self.client,
            address: self.address,
            // It has no idle end, so that nothing is ever touched.
            idle_ms: u64::MAX,
            last_seen_ms: AtomicU64::new(self.last_seen_ms),
            log_name: OnceLock::new(),
            touch_due_ms: AtomicU64::new(u64::MAX),
            version: AtomicU64::new(version),
            read_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn is_live(&self, now_ms: u64) -> bool {
        now_ms < self.absolute_end_ms
    }

    /// What `token` is at `now_ms` to this family, which has its id.
    pub(super) fn token_status(&self, token: &RefreshToken, now_ms: u64, retry: Duration) -> TokenStatus {
        let hash = token.hash();
        if self.current.is(&hash) {
            return TokenStatus::Current;
        }
        let Some(at) = self.rotations.iter().position(|rotation| rotation.spent.is(&hash)) else {
            return TokenStatus::Unknown;
        };
        let rotation = &self.rotations[at];
        let next = self.rotations.get(at + 1);
        // A clock that was set back lengthens the window; to shorten it would sign somebody out.
        let in_window = now_ms.saturating_sub(rotation.at_ms) < millis(retry);
        let unanswered = next.is_none() && !rotation.arrived;
        if !in_window && !unanswered {
            return TokenStatus::Unknown;
        }
        let successor = token.unseal(&rotation.sealed.0);
        let expected = next.map_or(&self.current, |next| &next.spent);
        if !expected.is(&successor.hash()) {
            return TokenStatus::Unknown;
        }
        if in_window {
            return TokenStatus::Retried { successor, rotation: rotation.clone() };
        }
        TokenStatus::Unanswered { successor }
    }

    /// After an access token of `generation` was used. Nothing where that changes nothing: it belongs to an earlier
    /// refresh token, or another request has said so already.
    pub(super) fn arrived(&self, generation: u32) -> Option<Self> {
        let last = self.rotations.last().filter(|last| generation == self.generation && !last.arrived);
        last.is_some().then(|| {
            let mut next = self.clone();
            if let Some(last) = next.rotations.last_mut() {
                last.arrived = true;
            }
            next
        })
    }

    /// Whether `token`, which is not current, came before the current one.
    pub(super) fn has_outlived(&self, token: &RefreshToken) -> bool {
        token.generation() < self.generation
    }

    /// How long no rotation can be taken in, in milliseconds: nothing, when one can.
    pub(super) fn full_for(&self, now_ms: u64, retry: Duration) -> Option<u64> {
        let retry_ms = millis(retry);
        let recent = |rotation: &&Rotation| rotation.at_ms.abs_diff(now_ms) < retry_ms;
        let mut recent = self.rotations.iter().filter(recent).rev();
        let oldest = recent.nth(MAX_ROTATIONS - 1)?;
        Some(oldest.at_ms.saturating_add(retry_ms).saturating_sub(now_ms).clamp(1, retry_ms))
    }

    /// After `spent`, which is current, was taken for `successor`.
    pub(super) fn rotated(
        &self,
        spent: &RefreshToken,
        successor: &RefreshToken,
        (jti, kid): (&str, &str),
        now_ms: u64,
        retry: Duration,
    ) -> Self {
        let mut next = self.clone();
        next.rotations.retain(|rotation| now_ms.saturating_sub(rotation.at_ms) < millis(retry));
        let over = (next.rotations.len() + 1).saturating_sub(MAX_ROTATIONS);
        next.rotations.drain(..over);
        next.rotations.push(Rotation {
            spent: Base64(spent.hash()),
            sealed: Base64(spent.seal(successor)),
            at_ms: now_ms,
            jti: jti.into(),
            kid: kid.into(),
            arrived: false,
        });
        next.generation = successor.generation();
        next.current = Base64(successor.hash());
        next.last_seen_ms = self.last_seen_ms.max(now_ms);
        next
    }
}

/// A profile that clones of its family share.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::identity::ProfileDocument;

    pub(super) fn serialize<S: Serializer>(profile: &Arc<ProfileDocument>, to: S) -> Result<S::Ok, S::Error> {
        (**profile).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<ProfileDocument>, D::Error> {
        ProfileDocument::deserialize(from).map(Arc::new)
    }
}

/// Bytes that are base64url in JSON.
#[derive(Clone, Copy)]
struct Base64<const N: usize>([u8; N]);

impl Base64<32> {
    fn is(&self, other: &[u8; 32]) -> bool {
        self.0.ct_eq(other).into()
    }
}

impl<const N: usize> Serialize for Base64<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Base64<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(&*text).map_err(|_| D::Error::custom("not base64url"))?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("of another length"))
    }
}
