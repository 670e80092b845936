//! The keys that count at one moment: which of them signs, and which are believed.

use std::{ffi::OsString, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    KeyError,
    folder::{KeyFile, Listing},
    key::Key,
};

/// How keys follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTimes {
    /// How long a new key is published before it signs: whoever keeps a copy of the key set has asked again by
    /// then. Half of it must be more than such a copy's age (the answer's `max-age`).
    pub announce: Duration,
    /// How long a key whose file is gone is still published and believed: longer than any token lives.
    pub retire: Duration,
}

impl Default for KeyTimes {
    /// Two minutes, twice the `max-age` of the published set; 16 minutes, one more than an access token lives.
    fn default() -> Self {
        Self { announce: Duration::from_secs(120), retire: Duration::from_secs(960) }
    }
}

impl KeyTimes {
    pub(super) fn announce_ms(self) -> u64 {
        u64::try_from(self.announce.as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn retire_ms(self) -> u64 {
        u64::try_from(self.retire.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A key and its part in the rotation. Times are in Unix milliseconds.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) key: Arc<Key>,
    pub(super) name: OsString,
    pub(super) born_ms: u64,
    /// It may sign from then on.
    pub(super) signs_from_ms: u64,
    /// Since when its file is gone: it is believed for a while, and signs no more.
    pub(super) gone_ms: Option<u64>,
}

/// Keys that count together. At least one has a file: what would leave none is an error.
pub(super) struct KeySet {
    /// In the order of their birth.
    pub(super) members: Vec<Member>,
    pub(super) jwks: Value,
    /// The same as it is sent.
    pub(super) json: Bytes,
}

impl KeySet {
    /// Of a process that starts: what is in the folder is taken to have been there for long.
    pub(super) fn load(dir: &Path, listing: &Listing, times: KeyTimes) -> Result<Self, KeyError> {
        let signs_from = |file: &KeyFile, _: &Key| file.born_ms.saturating_add(times.announce_ms());
        let mut members = Vec::new();
        read(dir, listing, &signs_from, &mut members)?;
        Self::of(dir, members)
    }

    /// Of a process that runs: what is in the folder now, and what was in it until lately.
    pub(super) fn reload(
        &self,
        dir: &Path,
        listing: &Listing,
        times: KeyTimes,
        now_ms: u64,
    ) -> Result<Self, KeyError> {
        let signs_from = |file: &KeyFile, key: &Key| {
            let known = self.members.iter().find(|member| member.key.kid == key.kid);
            // Half of the time at least counts from here: a key that was made elsewhere and came late must be
            // published before it signs as well.
            let seen = now_ms.saturating_add(times.announce_ms() / 2);
            let announced = file.born_ms.saturating_add(times.announce_ms());
            known.map_or(announced.max(seen), |known| known.signs_from_ms)
        };
        let mut members = Vec::new();
        read(dir, listing, &signs_from, &mut members)?;
        for member in &mut members {
            // The same key stays the same to those who hold on to it for as long as it is believed.
            if let Some(known) = self.find(&member.key.kid) {
                member.key = Arc::clone(&known.key);
            }
        }
        for before in &self.members {
            let gone_ms = before.gone_ms.unwrap_or(now_ms);
            let ended = now_ms.saturating_sub(gone_ms) >= times.retire_ms();
            let revoked = listing.revoked.contains(&before.name);
            let there = members.iter().any(|member| member.key.kid == before.key.kid);
            if !there && !revoked && !ended {
                members.push(Member { gone_ms: Some(gone_ms), ..before.clone() });
            }
        }
        Self::of(dir, members)
    }

    fn of(dir: &Path, mut members: Vec<Member>) -> Result<Self, KeyError> {
        if members.iter().all(|member| member.gone_ms.is_some()) {
            return Err(KeyError::NoKey { path: dir.to_owned() });
        }
        members.sort_by(|a, b| (a.born_ms, &a.name).cmp(&(b.born_ms, &b.name)));
        let published: Vec<_> = members.iter().map(|member| &member.key.jwk).collect();
        let jwks = json!({ "keys": published });
        let json = jwks.to_string().into();
        Ok(Self { members, jwks, json })
    }

    /// The newest key that has been published for long enough; where there is none, the oldest.
    pub(super) fn signing(&self, now_ms: u64) -> &Member {
        let present = || self.members.iter().filter(|member| member.gone_ms.is_none());
        let announced = present().rfind(|member| member.signs_from_ms <= now_ms);
        // `of` lets no set without a file pass.
        announced.or_else(|| present().next()).unwrap_or(&self.members[0])
    }

    pub(super) fn find(&self, kid: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.key.kid == kid)
    }

    /// Whether the time of a key whose file is gone is over.
    pub(super) fn is_due(&self, times: KeyTimes, now_ms: u64) -> bool {
        let ended = |gone_ms: u64| now_ms.saturating_sub(gone_ms) >= times.retire_ms();
        self.members.iter().any(|member| member.gone_ms.is_some_and(ended))
    }
}

/// Reads every file, or none: one that is broken must not make the others look like all.
fn read(
    dir: &Path,
    listing: &Listing,
    signs_from: &dyn Fn(&KeyFile, &Key) -> u64,
    members: &mut Vec<Member>,
) -> Result<(), KeyError> {
    for file in &listing.keys {
        let key = Key::read(&dir.join(&file.name))?;
        // A copy under another name is the same key, as old as the older one.
        if members.iter().all(|member: &Member| member.key.kid != key.kid) {
            let signs_from_ms = signs_from(file, &key);
            let (name, born_ms) = (file.name.clone(), file.born_ms);
            members.push(Member { key: Arc::new(key), name, born_ms, signs_from_ms, gone_ms: None });
        }
    }
    Ok(())
}
