//! The operator's view of a folder of keys: what each is there for, and what can go.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    KeyError, KeyRing, KeyTimes,
    error::file_error,
    folder::{Listing, REVOKED, sync_folder},
    set::KeySet,
    unix_ms,
};

/// What a key in the folder is there for, as a process that starts now sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and going to sign at that time (Unix milliseconds).
    Announced { signs_from_ms: u64 },
    /// Signs.
    Signing,
    /// Another key has signed since that time (Unix milliseconds); published until its file goes.
    Superseded { since_ms: u64 },
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announced { .. } => "announced",
            Self::Signing => "signing",
            Self::Superseded { .. } => "superseded",
        })
    }
}

/// One key of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySummary {
    pub kid: Arc<str>,
    pub path: PathBuf,
    /// When it was made, in Unix milliseconds.
    pub born_ms: u64,
    pub state: KeyState,
}

impl KeyRing {
    /// The keys in `dir`, oldest first. No private half leaves.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn list(dir: &Path, times: KeyTimes) -> Result<Vec<KeySummary>, KeyError> {
        list_at(dir, times, unix_ms())
    }

    /// Removes the files of keys that have been superseded for longer than [`KeyTimes::retire`]: no token that they
    /// signed is still believed. Returns their paths.
    ///
    /// # Errors
    /// As [`KeyRing::open`], and when a file cannot be removed.
    pub fn prune(dir: &Path, times: KeyTimes) -> Result<Vec<PathBuf>, KeyError> {
        prune_at(dir, times, unix_ms())
    }

    /// Has the key `kid` of `dir` believed no more, by whoever reads the folder from now on: its file `X.pem`
    /// becomes `X.pem.revoked`. Returns the new path.
    ///
    /// # Errors
    /// [`KeyError::UnknownKey`], [`KeyError::OnlyKey`] where nothing would be left to sign with, and as
    /// [`KeyRing::open`].
    pub fn revoke(dir: &Path, kid: &str) -> Result<PathBuf, KeyError> {
        let keys = KeySet::load(dir, &Listing::read(dir)?, KeyTimes::default())?;
        let unknown = || KeyError::UnknownKey { path: dir.to_owned(), kid: kid.to_owned() };
        let member = keys.find(kid).ok_or_else(unknown)?;
        if keys.members.len() == 1 {
            return Err(KeyError::OnlyKey { path: dir.to_owned(), kid: kid.to_owned() });
        }
        let path = dir.join(&member.name);
        let mut revoked = member.name.clone();
        revoked.push(REVOKED);
        let revoked = dir.join(revoked);
        fs::rename(&path, &revoked).and_then(|()| sync_folder(dir)).map_err(file_error(&path))?;
        Ok(revoked)
    }
}

pub(super) fn list_at(dir: &Path, times: KeyTimes, now_ms: u64) -> Result<Vec<KeySummary>, KeyError> {
    let listing = Listing::read(dir)?;
    let keys = KeySet::load(dir, &listing, times)?;
    let signing = keys.signing(now_ms).key.kid.clone();
    let mut found: Vec<KeySummary> = Vec::with_capacity(keys.members.len());
    // From the newest: what supersedes a key is the next one that signs.
    let mut superseded_ms: Option<u64> = None;
    for member in keys.members.iter().rev() {
        let state = match superseded_ms {
            Some(since_ms) => KeyState::Superseded { since_ms },
            None if member.key.kid == signing => KeyState::Signing,
            None => KeyState::Announced { signs_from_ms: member.signs_from_ms },
        };
        if matches!(state, KeyState::Signing | KeyState::Superseded { .. }) {
            // One that came to the folder long after it was made has not signed before it came.
            let file = listing.keys.iter().find(|file| file.name == member.name);
            let came_ms = file.map_or(0, |file| file.changed_ms.saturating_add(times.announce_ms()));
            superseded_ms = Some(member.signs_from_ms.max(came_ms));
        }
        let (kid, path, born_ms) = (Arc::clone(&member.key.kid), dir.join(&member.name), member.born_ms);
        found.push(KeySummary { kid, path, born_ms, state });
    }
    found.reverse();
    Ok(found)
}

pub(super) fn prune_at(dir: &Path, times: KeyTimes, now_ms: u64) -> Result<Vec<PathBuf>, KeyError> {
    let ended = |key: &KeySummary| match key.state {
        KeyState::Superseded { since_ms } => now_ms.saturating_sub(since_ms) >= times.retire_ms(),
        KeyState::Announced { .. } | KeyState::Signing => false,
    };
    let mut removed = Vec::new();
    for key in list_at(dir, times, now_ms)?.iter().filter(|key| ended(key)) {
        fs::remove_file(&key.path).map_err(file_error(&key.path))?;
        removed.push(key.path.clone());
    }
    sync_folder(dir).map_err(file_error(dir))?;
    Ok(removed)
}
