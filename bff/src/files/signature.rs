//! Signed URLs of the gateway's own, for the parts of an upload where the storage is a folder. Whoever has one may send
//! exactly this part until its time is over, and nothing else.

use std::sync::Arc;

use super::{error::FilesError, key::FileKey};
use crate::identity::Secrets;

const LABEL: &str = "file-part-url";

/// Signs and verifies, with the session secrets: all replicas have the same ones, and they can be exchanged.
#[derive(Debug, Clone)]
pub(super) struct Signer(pub(super) Arc<Secrets>);

/// What a signed URL says besides the part it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signed {
    /// Unix time in seconds.
    pub(super) expires: u64,
    pub(super) signature: String,
}

impl Signer {
    /// The URL of a part, relative to the gateway's origin.
    pub(super) fn url(&self, key: &FileKey, number: u16, size: u64, expires: u64) -> String {
        let keys = self.0.keys(LABEL);
        // There is always a first secret.
        let mac = keys.first().map(|secret| secret.mac(&[message(key, number, size, expires).as_bytes()]));
        let signature = super::key::hex(&mac.unwrap_or_default());
        format!("/files/upload/{key}/parts/{number}?expires={expires}&size={size}&signature={signature}")
    }

    /// Whether `signed` is good for a part of `size` bytes at `now` (Unix time in seconds).
    pub(super) fn verify(
        &self,
        key: &FileKey,
        number: u16,
        size: u64,
        signed: &Signed,
        now: u64,
    ) -> Result<(), FilesError> {
        let presented = bytes(&signed.signature).ok_or(FilesError::Signature)?;
        let message = message(key, number, size, signed.expires);
        let is_ours =
            self.0.keys(LABEL).iter().any(|secret| secret.verify(&[message.as_bytes()], &presented));
        if !is_ours {
            return Err(FilesError::Signature);
        }
        if signed.expires < now { Err(FilesError::Expired) } else { Ok(()) }
    }
}

fn message(key: &FileKey, number: u16, size: u64, expires: u64) -> String {
    format!("{key}\n{number}\n{size}\n{expires}")
}

/// 32 bytes in lower-case hexadecimal.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let plain = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let digits = |index| u8::from_str_radix(text.get(index..index + 2)?, 16).ok();
    if plain { (0..text.len()).step_by(2).map(digits).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::{Arc, FileKey, FilesError, Secrets, Signed, Signer};

    #[test]
    fn a_url_is_good_for_its_part_and_its_time_alone() {
        let signer = Signer(Arc::new(Secrets::new(vec![SecretString::from("a secret")])));
        let (mine, other) = (FileKey::new("ada").expect("random"), FileKey::new("ada").expect("random"));
        let url = signer.url(&mine, 2, 100, 1_000);
        let signature = url.rsplit_once("signature=").expect("signed").1.to_owned();
        let verify = |key: &FileKey, number, size, expires, signature: &str, now| {
            let signed = Signed { expires, signature: signature.to_owned() };
            signer.verify(key, number, size, &signed, now)
        };
        assert!(verify(&mine, 2, 100, 1_000, &signature, 1_000).is_ok());
        assert!(matches!(verify(&mine, 2, 100, 1_000, &signature, 1_001), Err(FilesError::Expired)));
        let mut altered = signature.clone();
        altered.replace_range(..1, if signature.starts_with('0') { "1" } else { "0" });
        for (key, number, size, expires, signature) in [
            (&other, 2, 100, 1_000, signature.as_str()),
            (&mine, 1, 100, 1_000, &signature),
            (&mine, 2, 101, 1_000, &signature),
            (&mine, 2, 100, 2_000, &signature),
            (&mine, 2, 100, 1_000, &altered),
            (&mine, 2, 100, 1_000, &signature[..32]),
            (&mine, 2, 100, 1_000, &signature.to_uppercase()),
            (&mine, 2, 100, 1_000, ""),
        ] {
            let refused = verify(key, number, size, expires, signature, 0);
            assert!(matches!(refused, Err(FilesError::Signature)), "{number} {size} {expires} {signature}");
        }
    }
}
