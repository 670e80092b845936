//! The names of files: what callers see of one, and where its pieces lie in storage.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// Bytes of the owner's hash in a key, and of what is random in it.
const OWNER_BYTES: usize = 12;
const RANDOM_BYTES: usize = 16;

/// The key of a file: `OWNER-ID`, both in lower-case hexadecimal, so that no key is a path and two keys never differ by
/// their case alone. `ID` is 128 random bits, `OWNER` a hash of the user's id: all files of a user are found by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey {
    owner: String,
    id: String,
}

impl FileKey {
    /// A new one for a file of `user`.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub(super) fn new(user: &str) -> Result<Self, getrandom::Error> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        Ok(Self { owner: owner_of(user), id: hex(&random) })
    }

    /// The key that `text` is; nothing where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (owner, id) = text.split_once('-')?;
        let plain = |part: &str, bytes: usize| {
            part.len() == 2 * bytes && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let sound = plain(owner, OWNER_BYTES) && plain(id, RANDOM_BYTES);
        sound.then(|| Self { owner: owner.to_owned(), id: id.to_owned() })
    }

    /// Whether a file of `user` could have it.
    pub(super) fn is_of(&self, user: &str) -> bool {
        self.owner == owner_of(user)
    }

    /// The part that no other file has: its strong entity tag, since what a key names never changes.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where everything of the file lies, with a slash at the end.
    pub(super) fn folder(&self) -> String {
        format!("o/{}/{}/", self.owner, self.id)
    }

    /// What is known of the upload, from its beginning to the file's end.
    pub(super) fn upload(&self) -> String {
        self.folder() + "upload.json"
    }

    /// What is known of the file. It is there once the file can be read, and no sooner.
    pub(super) fn record(&self) -> String {
        self.folder() + "file.json"
    }

    /// The content.
    pub(super) fn data(&self) -> String {
        self.folder() + "data"
    }

    /// The key of which something lies at `name`.
    pub(super) fn at(name: &str) -> Option<Self> {
        let mut steps = name.strip_prefix("o/")?.split('/');
        let (owner, id) = (steps.next()?, steps.next()?);
        Self::parse(&format!("{owner}-{id}"))
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.owner, self.id)
    }
}

/// Where all files of `user` lie.
pub(super) fn folder_of(user: &str) -> String {
    format!("o/{}/", owner_of(user))
}

/// A hash without a key: it must stay the same when secrets are exchanged, and who published a picture is no secret.
pub(super) fn owner_of(user: &str) -> String {
    let hash = digest(&SHA256, format!("bff file owner\0{user}").as_bytes());
    hex(&hash.as_ref()[..OWNER_BYTES])
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FileKey, folder_of};

    #[test]
    fn a_key_is_known_by_its_form_and_names_its_owner() {
        let key = FileKey::new("ada").expect("randomness");
        assert_eq!(FileKey::parse(&key.to_string()), Some(key.clone()));
        assert!(key.is_of("ada") && !key.is_of("bora"));
        assert!(key.data().starts_with(&folder_of("ada")));
        assert_eq!(FileKey::at(&key.record()), Some(key.clone()));
        assert_ne!(FileKey::new("ada").expect("randomness"), key);
        let text = key.to_string();
        for bad in ["", "-", "..", "../etc/passwd", &text.to_uppercase(), &text[1..], &format!("{text}0")] {
            assert_eq!(FileKey::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_key_is_a_path(text in "\\PC{0,80}") {
            if let Some(key) = FileKey::parse(&text) {
                prop_assert!(!key.to_string().contains(['/', '.', '\\', '%']));
            }
        }
    }
}
