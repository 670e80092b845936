//! The folder of the keys: what is in it, and how a key gets into it.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::zeroize::Zeroizing;

use super::{KeyError, error::file_error};

/// What the name of a key's file is followed by when the key must not be believed any more.
pub(super) const REVOKED: &str = ".revoked";

/// A key's file, not read yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyFile {
    /// When the key was made, in Unix milliseconds: its name says so, or else the file's time of change.
    pub(super) born_ms: u64,
    pub(super) name: OsString,
    /// Inode, size, times of change: other than before where there is anything new to read.
    print: [i64; 6],
    /// When the file came to be here, in Unix milliseconds.
    pub(super) changed_ms: u64,
}

/// Everything in the folder that is about keys. Equal as long as nothing has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// In the order of their birth.
    pub(super) keys: Vec<KeyFile>,
    /// Names of key files, whether there or not, whose keys must not be believed.
    pub(super) revoked: Vec<OsString>,
}

impl Listing {
    /// The `*.pem` files of `dir` that are not revoked, and which are. Files that begin with a dot are left alone.
    pub(super) fn read(dir: &Path) -> Result<Self, KeyError> {
        let mut listing = Self::default();
        for entry in fs::read_dir(dir).map_err(file_error(dir))? {
            let name = entry.map_err(file_error(dir))?.file_name();
            let bytes = name.as_encoded_bytes();
            if bytes.starts_with(b".") {
                continue;
            }
            if let Some(of) = name.to_str().and_then(|name| name.strip_suffix(REVOKED)) {
                listing.revoked.push(of.into());
            } else if bytes.ends_with(b".pem") {
                listing.keys.extend(KeyFile::look_at(dir, name)?);
            }
        }
        listing.revoked.sort_unstable();
        listing.keys.retain(|file| !listing.revoked.contains(&file.name));
        listing.keys.sort_unstable();
        Ok(listing)
    }
}

impl KeyFile {
    /// Nothing where it is no file, or has gone since the folder was read.
    fn look_at(dir: &Path, name: OsString) -> Result<Option<Self>, KeyError> {
        let path = dir.join(&name);
        // Follows links: a mounted secret is a link into a folder of its own.
        let metadata = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file_error(&path)(error)),
        };
        let seconds = u64::try_from(metadata.mtime()).unwrap_or_default();
        let changed_ms =
            seconds.saturating_mul(1000) + u64::try_from(metadata.mtime_nsec()).unwrap_or(0) / 1_000_000;
        let born_ms = born_ms(&name).unwrap_or(changed_ms);
        let print = [
            metadata.ino().cast_signed(),
            metadata.size().cast_signed(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ];
        Ok(Some(Self { born_ms, name, print, changed_ms }))
    }
}

/// The Unix milliseconds in a name such as `1760000000000.pem`.
fn born_ms(name: &OsStr) -> Option<u64> {
    let stem = name.to_str()?.strip_suffix(".pem")?;
    // `parse` alone would take a sign as well.
    stem.bytes().all(|byte| byte.is_ascii_digit()).then(|| stem.parse().ok()).flatten()
}

/// Makes a new key in `dir`, which is made as well if it is missing. Returns the path of its file.
pub(super) fn generate_in(dir: &Path) -> Result<PathBuf, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?;
    // Version 1 of PKCS#8 is what openssl reads.
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Generate)?;
    let base64 = Zeroizing::new(STANDARD.encode(pkcs8.as_ref()));
    // 48 bytes are one line of 64 characters (RFC 7468 section 2).
    let pem = Zeroizing::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64.as_str()
    ));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(file_error(dir))?;
    write_new(dir, pem.as_bytes())
}

/// Writes `bytes` to a new file named by the time: as a whole or not at all, never over another.
fn write_new(dir: &Path, bytes: &[u8]) -> Result<PathBuf, KeyError> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut millis = since_epoch.as_millis();
    loop {
        let path = dir.join(format!("{millis}.pem"));
        // The draft's name is a lock: whoever makes it next finds the finished file.
        let draft = dir.join(format!(".{millis}.pem.new"));
        let mut options = fs::OpenOptions::new();
        let file = match options.write(true).create_new(true).mode(0o600).open(&draft) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                millis += 1;
                continue;
            }
            Err(error) => return Err(file_error(&draft)(error)),
        };
        if path.exists() {
            fs::remove_file(&draft).map_err(file_error(&draft))?;
            millis += 1;
            continue;
        }
        let written = finish(file, bytes, &draft, &path, dir);
        if written.is_err() {
            // Half a key is of no use; that it cannot be removed either adds nothing.
            let _ = fs::remove_file(&draft);
        }
        return written.map(|()| path.clone()).map_err(file_error(&path));
    }
}

fn finish(mut file: fs::File, bytes: &[u8], draft: &Path, path: &Path, dir: &Path) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    sync_folder(dir)
}

/// What became of names is durable only with their folder.
pub(super) fn sync_folder(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}
