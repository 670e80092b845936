//! The gateway's own keys: they sign service tokens and access tokens, and everybody may verify with their public
//! halves (`/.well-known/jwks.json`).
//!
//! Keys follow one another without a restart and without a refused call: a new one is published first and signs
//! only when whoever keeps a copy of the key set has asked again; one whose file is gone signs no more but is
//! published until the last token that it signed has ended. `bff/docs/key-rotation.md` is the operator's side.

mod error;
mod folder;
mod key;
mod roster;
#[cfg(test)]
mod rotation_tests;
mod set;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use jsonwebtoken::DecodingKey;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

pub use error::KeyError;
pub use roster::{KeyState, KeySummary};
pub use set::KeyTimes;

use folder::Listing;
use set::KeySet;

/// Ed25519 keys of one folder. The newest one that has been published for [`KeyTimes::announce`] signs.
///
/// Who signs or verifies takes no lock; only reloading does.
pub struct KeyRing {
    dir: PathBuf,
    times: KeyTimes,
    keys: ArcSwap<KeySet>,
    /// How often keys were revoked: what was signed before may be refused.
    revocations: AtomicU64,
    /// What the folder looked like when it was read last; nothing after a failure.
    read: Mutex<Option<Listing>>,
}

/// What a reload has changed, as key ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Signs now.
    pub signing: Arc<str>,
    /// Published from now on.
    pub added: Vec<Arc<str>>,
    /// Their files are gone: they are published for a while, and sign no more.
    pub retiring: Vec<Arc<str>>,
    /// Not published any more.
    pub dropped: Vec<Arc<str>>,
}

impl Reloaded {
    /// Whether anything is other than before.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !(self.added.is_empty() && self.retiring.is_empty() && self.dropped.is_empty())
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("kid", &self.signing_kid()).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// [`KeyRing::open`] with the usual times.
    ///
    /// # Errors
    /// [`KeyError`] when the folder or any of the files cannot be read, or when there is none.
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        Self::open(dir, KeyTimes::default())
    }

    /// Reads every `*.pem` in `dir` (Ed25519, PKCS#8, unencrypted; files that begin with a dot are left alone, and
    /// `X.pem` is left out where there is an `X.pem.revoked`). A file's name says when the key was made, in Unix
    /// milliseconds, or else its time of change does. Where no key is old enough to sign, the oldest does.
    ///
    /// # Errors
    /// [`KeyError`] when the folder or any of the files cannot be read, or when there is none.
    pub fn open(dir: &Path, times: KeyTimes) -> Result<Self, KeyError> {
        let listing = Listing::read(dir)?;
        let keys = KeySet::load(dir, &listing, times)?;
        Ok(Self {
            dir: dir.to_owned(),
            times,
            keys: ArcSwap::from_pointee(keys),
            revocations: AtomicU64::new(0),
            read: Mutex::new(Some(listing)),
        })
    }

    /// Reads the folder again, all of it or nothing: after an error the keys are those of before. Blocks on files.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn reload(&self) -> Result<Reloaded, KeyError> {
        self.reload_at(unix_ms())
    }

    /// The same where the folder looks other than when it was read last, the last reading failed, or the time of a
    /// key whose file is gone is over; else nothing.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn reload_if_changed(&self) -> Result<Option<Reloaded>, KeyError> {
        let now_ms = unix_ms();
        let listing = Listing::read(&self.dir)?;
        let same = self.read.lock().as_ref() == Some(&listing);
        if same && !self.keys.load().is_due(self.times, now_ms) {
            return Ok(None);
        }
        self.reload_at(now_ms).map(Some)
    }

    fn reload_at(&self, now_ms: u64) -> Result<Reloaded, KeyError> {
        // One reload at a time: each builds on the set of before.
        let mut read = self.read.lock();
        *read = None;
        // The look comes first: what changes while the files are read makes the next look differ.
        let listing = Listing::read(&self.dir)?;
        let before = self.keys.load_full();
        let after = before.reload(&self.dir, &listing, self.times, now_ms)?;
        let outcome = compare(&before, &after, now_ms);
        let revoked = before.members.iter().any(|member| listing.revoked.contains(&member.name));
        self.keys.store(Arc::new(after));
        if revoked {
            self.revocations.fetch_add(1, Ordering::Release);
        }
        *read = Some(listing);
        Ok(outcome)
    }

    /// Makes a new key in `dir`, which is made as well if it is missing. The file is named by the time
    /// in Unix milliseconds, so that every replica knows when the key was made; only its owner may read it, and it
    /// is on the disk as a whole when this returns. Returns its path.
    ///
    /// # Errors
    /// [`KeyError`] when the folder cannot be written to.
    pub fn generate_in(dir: &Path) -> Result<PathBuf, KeyError> {
        folder::generate_in(dir)
    }

    /// The public keys as a JWK set (RFC 7517 section 5, RFC 8037 section 2), with `kid`, `use` and `alg`: those
    /// that sign, those that are going to, and those that did until lately.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.keys.load().jwks.clone()
    }

    /// The same as JSON text, which is made when the keys change and not for each who asks.
    #[must_use]
    pub fn jwks_json(&self) -> Bytes {
        self.keys.load().json.clone()
    }

    /// How many keys are published.
    #[must_use]
    pub fn count(&self) -> usize {
        self.keys.load().members.len()
    }

    /// The id of the key that signs now.
    #[must_use]
    pub fn signing_kid(&self) -> Arc<str> {
        Arc::clone(&self.keys.load().signing(unix_ms()).key.kid)
    }

    /// A JWT (RFC 7519) with `claims`, signed with EdDSA; its header names the key.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when `claims` cannot be written as JSON.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String, KeyError> {
        self.keys.load().signing(unix_ms()).key.sign(None, claims)
    }

    /// The same with a `typ` of its own (RFC 8725 section 3.11), such as `at+jwt` (RFC 9068 section 2.1).
    ///
    /// # Errors
    /// [`KeyError::Sign`] when `claims` cannot be written as JSON.
    pub fn sign_typed<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, KeyError> {
        self.keys.load().signing(unix_ms()).key.sign(Some(typ), claims)
    }

    /// The same with the key `kid`, to make a token once more that it has signed already: EdDSA makes the very
    /// same one (RFC 8032 section 8.2 has no randomness in it). Also with a key whose file is gone; `None` where the
    /// key is not believed any more.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when `claims` cannot be written as JSON.
    pub fn sign_as<C: Serialize>(
        &self,
        kid: &str,
        typ: &str,
        claims: &C,
    ) -> Result<Option<String>, KeyError> {
        self.keys.load().find(kid).map(|member| member.key.sign(Some(typ), claims)).transpose()
    }

    /// What tokens of the key `kid` are verified with; `None` where it is not published. To be used with EdDSA and
    /// nothing else, whatever a token says. The ring itself holds on to it for as long as the key is believed, so that
    /// a weak reference to it says whether what it has verified still counts.
    #[must_use]
    pub fn verifying_key(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.keys.load().find(kid).map(|member| Arc::clone(&member.key.public))
    }

    /// Other than before when a key has been revoked since: what was signed before may be refused.
    pub(crate) fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }
}

fn compare(before: &KeySet, after: &KeySet, now_ms: u64) -> Reloaded {
    let retires = |set: &KeySet, kid: &str| set.find(kid).is_some_and(|member| member.gone_ms.is_some());
    let kids = |set: &KeySet, wanted: &dyn Fn(&str) -> bool| -> Vec<Arc<str>> {
        set.members.iter().map(|member| Arc::clone(&member.key.kid)).filter(|kid| wanted(kid)).collect()
    };
    Reloaded {
        signing: Arc::clone(&after.signing(now_ms).key.kid),
        added: kids(after, &|kid| {
            before.find(kid).is_none_or(|member| member.gone_ms.is_some()) && !retires(after, kid)
        }),
        retiring: kids(after, &|kid| retires(after, kid) && !retires(before, kid)),
        dropped: kids(before, &|kid| after.find(kid).is_none()),
    }
}

fn unix_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
