//! Secrets of second factors at rest: AES-256-GCM under a key that is not in the database.
//!
//! ```text
//! sealed = key id (4 bytes) | nonce (12 bytes) | ciphertext | tag (16 bytes);  additional data: the member's id
//! ```
//!
//! A key file holds one key a line. The first one seals; the others only open, so that a key is replaced by putting a new
//! one before it: the next start seals everything with the new one.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt, path::Path};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use rusqlite::{Transaction, params};
use sha2::{Digest, Sha256};

use crate::db::DatabaseError;

const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 4;

/// The keys of one service.
pub(crate) struct TotpKeys(Vec<TotpKey>);

struct TotpKey {
    id: [u8; KEY_ID_LEN],
    key: RandomizedNonceKey,
}

/// The secrets of second factors cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealingError {
    #[error("the key file {path}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("a key is not 32 bytes in base64, one key a line")]
    Malformed,
    #[error("there is no key")]
    NoKey,
    #[error("the cipher refused")]
    Cipher,
    #[error("no key opens what is stored: it was sealed with another one")]
    WrongKey,
    #[error("the database refused")]
    Database(#[from] DatabaseError),
}

impl From<rusqlite::Error> for SealingError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database(source.into())
    }
}

impl TotpKeys {
    /// Keys in base64, one a line; white space around them and empty lines are passed over.
    pub(crate) fn parse(text: &str) -> Result<Self, SealingError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(|line| {
            let bytes = STANDARD.decode(line).map_err(|_| SealingError::Malformed)?;
            TotpKey::new(&bytes)
        });
        let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(SealingError::NoKey) } else { Ok(Self(keys)) }
    }

    /// Those in `file`.
    pub(crate) fn read(file: &Path) -> Result<Self, SealingError> {
        Self::parse(&std::fs::read_to_string(file).map_err(|source| of_file(file, source))?)
    }

    /// Those in `file`, which is made with a new key if it is not there.
    pub(crate) fn read_or_make(file: &Path) -> Result<Self, SealingError> {
        let new = new_key()?;
        match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Ok(mut made) => {
                let written = made.write_all(format!("{}\n", STANDARD.encode(new)).as_bytes());
                // A secret that is sealed with a key that a power cut takes away is lost.
                written.and_then(|()| made.sync_all()).map_err(|source| of_file(file, source))?;
                Ok(Self(vec![TotpKey::new(&new)?]))
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::read(file),
            Err(source) => Err(of_file(file, source)),
        }
    }

    /// A key for as long as the process lives: for a database that lives no longer.
    pub(crate) fn ephemeral() -> Result<Self, SealingError> {
        Ok(Self(vec![TotpKey::new(&new_key()?)?]))
    }

    /// The sealed form of a secret of `member`.
    pub(super) fn seal(&self, member: &str, secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        let TotpKey { id, key } = self.0.first().ok_or(SealingError::NoKey)?;
        let mut sealed = secret.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(member.as_bytes()), &mut sealed);
        let nonce = nonce.map_err(|_| SealingError::Cipher)?;
        Ok([&id[..], nonce.as_ref(), &sealed].concat())
    }

    /// The secret of `member` in `sealed`.
    pub(super) fn open(&self, member: &str, sealed: &[u8]) -> Result<Vec<u8>, SealingError> {
        let split = sealed.split_first_chunk::<KEY_ID_LEN>();
        let (id, rest) = split.ok_or(SealingError::WrongKey)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealingError::WrongKey)?;
        let mut text = text.to_vec();
        let key = self.0.iter().find(|key| key.id == *id).ok_or(SealingError::WrongKey)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key.key.open_in_place(nonce, Aad::from(member.as_bytes()), &mut text);
        Ok(opened.map_err(|_| SealingError::WrongKey)?.to_vec())
    }

    fn is_current(&self, sealed: &[u8]) -> bool {
        self.0.first().is_some_and(|key| sealed.starts_with(&key.id))
    }
}

impl TotpKey {
    fn new(bytes: &[u8]) -> Result<Self, SealingError> {
        if bytes.len() != KEY_LEN {
            return Err(SealingError::Malformed);
        }
        let hash = Sha256::new().chain_update(b"totp-key-id").chain_update(bytes).finalize();
        let id = *hash.first_chunk().ok_or(SealingError::Malformed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| SealingError::Cipher)?;
        Ok(Self { id, key })
    }
}

/// Seals what an earlier release stored as it is, and anew what an older key has sealed. At the start, before anything is
/// served; answers how many secrets changed.
///
/// # Errors
/// [`SealingError::WrongKey`]: the service must not start, or its members with a second factor could not sign in.
pub(super) fn seal_all(tx: &Transaction<'_>, keys: &TotpKeys) -> Result<usize, SealingError> {
    let mut find = tx.prepare(
        "SELECT id, totp_secret, totp_sealed FROM members WHERE totp_secret IS NOT NULL OR totp_sealed IS NOT NULL",
    )?;
    type Row = (String, Option<Vec<u8>>, Option<Vec<u8>>);
    let rows: Vec<Row> =
        find.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let mut changed = 0;
    for (id, plain, sealed) in rows {
        let secret = match (&plain, &sealed) {
            (Some(plain), _) => plain.clone(),
            // Opened in any case: that a key is missing must show now and not at somebody's sign-in.
            (None, Some(sealed)) => keys.open(&id, sealed)?,
            (None, None) => continue,
        };
        if plain.is_none() && sealed.is_some_and(|sealed| keys.is_current(&sealed)) {
            continue;
        }
        tx.execute(
            "UPDATE members SET totp_secret = NULL, totp_sealed = ? WHERE id = ?",
            params![keys.seal(&id, &secret)?, id],
        )?;
        changed += 1;
    }
    Ok(changed)
}

fn new_key() -> Result<[u8; KEY_LEN], SealingError> {
    let mut bytes = [0; KEY_LEN];
    getrandom::fill(&mut bytes).map_err(|_| SealingError::Cipher)?;
    Ok(bytes)
}

fn of_file(file: &Path, source: std::io::Error) -> SealingError {
    SealingError::File { path: file.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::{SealingError, TotpKeys};

    fn keys(first: u8, more: &[u8]) -> TotpKeys {
        let lines: Vec<_> = [first].iter().chain(more).map(|byte| STANDARD.encode([*byte; 32])).collect();
        TotpKeys::parse(&lines.join("\n")).expect("keys")
    }

    #[test]
    fn a_secret_opens_for_its_member_with_its_key_alone() {
        let old = keys(1, &[]);
        let sealed = old.seal("ada", b"secret").expect("it seals");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(old.open("ada", &sealed).expect("it opens"), b"secret");
        assert_ne!(
            old.seal("ada", b"secret").expect("it seals"),
            sealed,
            "each time with a nonce of its own"
        );
        assert_eq!(keys(2, &[1]).open("ada", &sealed).expect("an older key opens"), b"secret");
        let mut altered = sealed.clone();
        *altered.last_mut().expect("bytes") ^= 1;
        for (keys, member, sealed) in
            [(&old, "bora", &sealed), (&keys(2, &[]), "ada", &sealed), (&old, "ada", &altered)]
        {
            assert!(matches!(keys.open(member, sealed), Err(SealingError::WrongKey)));
        }
        for short in [0, 3, 15, 31] {
            assert!(old.open("ada", &sealed[..short]).is_err());
        }
    }

    #[test]
    fn keys_are_32_bytes_in_base64() {
        for bad in ["", "\n \n", "abc", &STANDARD.encode([1; 31]), &STANDARD.encode([1; 33])] {
            assert!(TotpKeys::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("totp.key");
        let sealed = TotpKeys::read_or_make(&file).expect("a key").seal("ada", b"s").expect("it seals");
        assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o077, 0);
        let again = TotpKeys::read_or_make(&file).expect("the same key");
        assert_eq!(again.open("ada", &sealed).expect("it opens"), b"s");
    }
}
