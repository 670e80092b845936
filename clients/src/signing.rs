//! The gateway's own keys: they sign service tokens, and everybody may verify with their public halves
//! (`/.well-known/jwks.json`).

use std::{
    fmt, fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::zeroize::Zeroizing;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A key cannot be read, made or used. Never holds key material.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error("{}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    #[error("{} is not an unencrypted Ed25519 private key in PKCS#8 PEM", path.display())]
    NotEd25519 { path: PathBuf },
    #[error("no key (*.pem) in {}", path.display())]
    NoKey { path: PathBuf },
    #[error("an ed25519 key cannot be made")]
    Generate,
    #[error("a token cannot be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("a token cannot be put into a header")]
    Header,
}

/// Ed25519 keys of one folder. The one with the newest file name signs, as soon as it is loaded; all of them
/// are published, so that what an older one signed can still be verified.
pub struct KeyRing {
    keys: ArcSwap<KeySet>,
}

/// Keys that are loaded together. Not empty: [`KeySet::load`] sees to it.
struct KeySet {
    signing: Key,
    jwks: Value,
}

struct Key {
    /// Header of every token that this key signs.
    header: Header,
    /// Keeps itself out of `Debug` and wipes itself.
    private: EncodingKey,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("kid", &self.keys.load().signing.header.kid).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Reads every `*.pem` in `dir` (Ed25519, PKCS#8, unencrypted; files that begin with a dot are left
    /// alone). The last one in lexical order of the names signs.
    ///
    /// # Errors
    /// [`KeyError`] when the folder or any of the files cannot be read, or when there is none.
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        Ok(Self { keys: ArcSwap::from_pointee(KeySet::load(dir)?) })
    }

    /// Makes a new key in `dir`, which is made as well if it is missing. The file is named by the time
    /// in Unix milliseconds, so that it sorts behind the older ones; only its owner may read it, and it
    /// is on the disk as a whole when this returns. Returns its path.
    ///
    /// # Errors
    /// [`KeyError`] when the folder cannot be written to.
    pub fn generate_in(dir: &Path) -> Result<PathBuf, KeyError> {
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

    /// The public keys as a JWK set (RFC 7517 section 5, RFC 8037 section 2), with `kid`, `use` and `alg`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.keys.load().jwks.clone()
    }

    /// A JWT (RFC 7519) with `claims`, signed with EdDSA; its header names the key.
    ///
    /// # Errors
    /// [`KeyError::Sign`] when `claims` cannot be written as JSON.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String, KeyError> {
        let keys = self.keys.load();
        jsonwebtoken::encode(&keys.signing.header, claims, &keys.signing.private).map_err(KeyError::Sign)
    }
}

impl KeySet {
    fn load(dir: &Path) -> Result<Self, KeyError> {
        let mut signing = None;
        let mut published = Vec::new();
        for path in key_files(dir)? {
            let pem = Zeroizing::new(fs::read(&path).map_err(file_error(&path))?);
            let refused = || KeyError::NotEd25519 { path: path.clone() };
            let private = EncodingKey::from_ed_pem(&pem).map_err(|_| refused())?;
            let pair = Ed25519KeyPair::from_pkcs8(private.as_bytes()).map_err(|_| refused())?;
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            let kid = thumbprint(&x);
            published.push(json!({
                "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig", "alg": "EdDSA",
            }));
            let header = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
            signing = Some(Key { header, private });
        }
        let signing = signing.ok_or_else(|| KeyError::NoKey { path: dir.to_owned() })?;
        Ok(Self { signing, jwks: json!({ "keys": published }) })
    }
}

/// RFC 7638 section 3 with the members of RFC 8037 section 2; `x` is base64url, so nothing needs an escape.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

/// The `*.pem` files of `dir` in lexical order.
fn key_files(dir: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(file_error(dir))? {
        let path = entry.map_err(file_error(dir))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // `is_file` follows links: a mounted secret is a link into a folder of its own.
        if !hidden && path.extension().is_some_and(|extension| extension == "pem") && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
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
    // The new name is durable only with its folder.
    fs::File::open(dir)?.sync_all()
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    move |source| KeyError::File { path: path.to_owned(), source: Arc::new(source) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    use serde_json::{Value, json};

    use super::{KeyError, KeyRing};

    /// The key pair of RFC 8037 appendix A.1 in PKCS#8 (RFC 8410 section 7).
    fn rfc_8037_pem() -> String {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64url");
        let prefix = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        let der = STANDARD.encode([prefix.as_slice(), &seed].concat());
        format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
    }

    fn decoded(part: &str) -> Value {
        let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&json).expect("json")
    }

    #[test]
    fn a_key_is_published_and_named_as_the_rfcs_say() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("1.pem"), rfc_8037_pem()).expect("written");
        let ring = KeyRing::load(dir.path()).expect("keys");
        let expected = json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        }]});
        assert_eq!(ring.jwks(), expected);
    }

    #[test]
    fn a_generated_key_is_private_and_signs_what_its_public_half_verifies() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = dir.path().join("made/on/the/way");
        let path = KeyRing::generate_in(&keys).expect("a key");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&keys).expect("a folder").permissions().mode() & 0o777, 0o700);
        let ring = KeyRing::load(&keys).expect("keys");
        let token = ring.sign(&json!({"sub": "ada"})).expect("a token");
        let parts: Vec<_> = token.split('.').collect();
        let jwk = &ring.jwks()["keys"][0];
        assert_eq!(decoded(parts[0]), json!({"typ": "JWT", "alg": "EdDSA", "kid": jwk["kid"]}));
        assert_eq!(decoded(parts[1]), json!({"sub": "ada"}));
        let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().expect("x")).expect("base64url");
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64url");
        let message = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&ED25519, x).verify(message.as_bytes(), &signature).expect("genuine");
    }

    #[test]
    fn the_newest_name_signs_and_all_are_published() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut paths: Vec<_> = (0..20).map(|_| KeyRing::generate_in(dir.path()).expect("a key")).collect();
        let newest = paths.last().cloned().expect("a path");
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), 20, "also within a millisecond none is written over");
        assert_eq!(paths.last(), Some(&newest));
        fs::write(dir.path().join(".draft.pem"), "half a").expect("written");
        fs::write(dir.path().join("README"), "not a key").expect("written");
        let ring = KeyRing::load(dir.path()).expect("keys");
        let jwks = ring.jwks();
        let keys = jwks["keys"].as_array().expect("a list");
        assert_eq!(keys.len(), 20);
        let token = ring.sign(&json!({})).expect("a token");
        let header = decoded(token.split('.').next().expect("a header"));
        assert_eq!(header["kid"], keys[19]["kid"]);
        let again = KeyRing::load(dir.path()).expect("keys");
        assert_eq!(again.jwks(), jwks, "the same after a restart");
    }

    #[test]
    fn what_is_no_key_is_refused_by_name_and_without_its_content() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(matches!(KeyRing::load(dir.path()), Err(KeyError::NoKey { .. })));
        assert!(matches!(KeyRing::load(&dir.path().join("none")), Err(KeyError::File { .. })));
        let secret = rfc_8037_pem().replace("MC4", "MC5");
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
                      -----END PUBLIC KEY-----\n";
        for bad in ["", "x", &secret, public] {
            fs::write(dir.path().join("1.pem"), bad).expect("written");
            let error = KeyRing::load(dir.path()).expect_err("no key");
            assert!(matches!(error, KeyError::NotEd25519 { .. }), "{error:?}");
            let text = format!("{error} {error:?}");
            assert!(text.contains("1.pem") && !text.contains("BEGIN"), "{text}");
        }
        assert!(matches!(KeyRing::generate_in(Path::new("/dev/null/keys")), Err(KeyError::File { .. })));
    }

    #[test]
    fn a_ring_prints_no_secret() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("1.pem"), rfc_8037_pem()).expect("written");
        let ring = KeyRing::load(dir.path()).expect("keys");
        let text = format!("{ring:?}");
        assert_eq!(text, r#"KeyRing { kid: Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"), .. }"#);
    }
}
