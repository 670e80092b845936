//! What a refresh token is made of. 68 bytes in base64url: the family's id (16), a generation (4, big endian), a secret
//! (32) and a MAC over them (16).
//!
//! The secret alone makes it unguessable. The MAC tells a token that was once given out from an invention after the
//! store has forgotten its hash, so that only real reuse ends a family.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{SecretString, zeroize::Zeroizing};
use sha2::{Digest, Sha256};

use crate::identity::{
    IdentityError,
    secrets::{Secrets, hmac_sha256},
    session::SessionKey,
};

const MAC_LABEL: &str = "refresh token mac v1";
const PAD_LABEL: &[u8] = b"refresh token successor v1\0";

const ID: usize = 16;
const SECRET_AT: usize = ID + 4;
const MAC_AT: usize = SECRET_AT + 32;
const LEN: usize = MAC_AT + 16;

/// Characters of a refresh token (RFC 4648 section 5, without padding).
pub(super) const TEXT_LEN: usize = 91;

/// Secret and MAC of a successor, hidden from everybody but the bearer of its predecessor.
pub(super) const SEALED: usize = LEN - SECRET_AT;

/// A refresh token in the clear. Wiped when it is dropped.
pub(super) struct RefreshToken(Zeroizing<[u8; LEN]>);

impl RefreshToken {
    /// The first one of a new family.
    pub(super) fn first(secrets: &Secrets) -> Result<Self, IdentityError> {
        let mut bytes = Zeroizing::new([0; LEN]);
        getrandom::fill(&mut bytes[..ID]).map_err(IdentityError::Randomness)?;
        Self(bytes).made(secrets)
    }

    /// Another one of the same family: the next generation, with a new secret.
    pub(super) fn next(&self, secrets: &Secrets) -> Result<Self, IdentityError> {
        let mut bytes = Zeroizing::new([0; LEN]);
        bytes[..ID].copy_from_slice(&self.0[..ID]);
        // Not even a rotation each millisecond reaches the end within the life of a family.
        bytes[ID..SECRET_AT].copy_from_slice(&self.generation().wrapping_add(1).to_be_bytes());
        Self(bytes).made(secrets)
    }

    fn made(mut self, secrets: &Secrets) -> Result<Self, IdentityError> {
        getrandom::fill(&mut self.0[SECRET_AT..MAC_AT]).map_err(IdentityError::Randomness)?;
        let keys = secrets.keys(MAC_LABEL);
        // Without any secret there is no MAC; the token then works all the same, but its reuse is not told from an
        // invention.
        if let Some(key) = keys.first() {
            let mac = Zeroizing::new(key.mac(&[&self.0[..MAC_AT]]));
            self.0[MAC_AT..].copy_from_slice(&mac[..LEN - MAC_AT]);
        }
        Ok(self)
    }

    /// The token in `text`, whether it was ever given out or not. Nothing, where it cannot be one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_LEN {
            return None;
        }
        let mut bytes = Zeroizing::new([0; LEN]);
        // Strict: two texts are never the same token.
        let read = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut_slice()).ok()?;
        (read == LEN).then_some(Self(bytes))
    }

    pub(super) fn text(&self) -> SecretString {
        let mut text = String::with_capacity(TEXT_LEN);
        URL_SAFE_NO_PAD.encode_string(self.0.as_slice(), &mut text);
        text.into()
    }

    /// Under which key the store has the family.
    pub(super) fn family(&self) -> SessionKey {
        Sha256::digest(&self.0[..ID]).into()
    }

    pub(super) fn generation(&self) -> u32 {
        self.0[ID..SECRET_AT].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }

    /// What the store keeps of it.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }

    /// Whether it was made here, under any of the secrets that count.
    pub(super) fn is_genuine(&self, secrets: &Secrets) -> bool {
        secrets.keys(MAC_LABEL).iter().any(|key| key.verify(&[&self.0[..MAC_AT]], &self.0[MAC_AT..]))
    }

    /// Hides `successor` behind this token, which is spent by it.
    pub(super) fn seal(&self, successor: &Self) -> [u8; SEALED] {
        let mut sealed = [0; SEALED];
        sealed.copy_from_slice(&successor.0[SECRET_AT..]);
        self.pad(&mut sealed);
        sealed
    }

    /// What [`Self::seal`] has hidden behind this token. Whether it is that is for the hash to say.
    pub(super) fn unseal(&self, sealed: &[u8; SEALED]) -> Self {
        let mut bytes = Zeroizing::new([0; LEN]);
        bytes[..ID].copy_from_slice(&self.0[..ID]);
        bytes[ID..SECRET_AT].copy_from_slice(&self.generation().wrapping_add(1).to_be_bytes());
        bytes[SECRET_AT..].copy_from_slice(sealed);
        self.pad(&mut bytes[SECRET_AT..]);
        Self(bytes)
    }

    /// Adds a key stream to `text`: HMAC-SHA256 in counter mode. The secret of a token makes one stream in its life, for
    /// the one successor that the store takes, so that no stream hides two texts.
    fn pad(&self, text: &mut [u8]) {
        for (counter, block) in (0_u8..).zip(text.chunks_mut(32)) {
            let parts: [&[u8]; 3] = [PAD_LABEL, &[counter], &self.0[..SECRET_AT]];
            let stream = Zeroizing::new(hmac_sha256(&self.0[SECRET_AT..MAC_AT], &parts));
            block.iter_mut().zip(stream.iter()).for_each(|(byte, pad)| *byte ^= pad);
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn secrets(texts: &[&str]) -> Secrets {
        Secrets::new(texts.iter().map(|text| SecretString::from(*text)).collect())
    }

    #[test]
    fn a_token_survives_its_text_and_no_other_text_is_it() {
        let made = RefreshToken::first(&secrets(&["one"])).expect("a token");
        let text = made.text();
        let text = text.expose_secret();
        assert_eq!(text.len(), TEXT_LEN);
        let read = RefreshToken::parse(text).expect("the token");
        assert_eq!((read.hash(), read.family(), read.generation()), (made.hash(), made.family(), 0));
        assert!(read.is_genuine(&secrets(&["two", "one"])) && !read.is_genuine(&secrets(&["two"])));
        // The last character carries four bits, of which the lower two must be zero.
        let last = "AEIMQUYcgkosw048";
        assert!(last.contains(&text[90..]), "{text}");
        for wrong in
            ["", &text[1..], &format!("{text}A"), &format!("{}B", &text[..90]), &format!("{}=", &text[..90])]
        {
            assert!(RefreshToken::parse(wrong).is_none(), "{wrong}");
        }
        assert!(RefreshToken::parse(&format!("{}é", &text[..89])).is_none());
    }

    #[test]
    fn a_token_changed_anywhere_is_not_genuine() {
        let secrets = secrets(&["one"]);
        let made = RefreshToken::first(&secrets).expect("a token");
        for at in 0..LEN {
            let mut bytes = made.0.clone();
            bytes[at] ^= 1;
            assert!(!RefreshToken(bytes).is_genuine(&secrets), "byte {at}");
        }
    }

    #[test]
    fn a_successor_comes_back_only_with_the_token_it_was_sealed_behind() {
        let secrets = secrets(&["one"]);
        let spent = RefreshToken::first(&secrets).expect("a token");
        let successor = spent.next(&secrets).expect("a token");
        assert_eq!((successor.family(), successor.generation()), (spent.family(), 1));
        assert_ne!(successor.hash(), spent.hash());
        let sealed = spent.seal(&successor);
        assert!(sealed.iter().zip(&successor.0[SECRET_AT..]).filter(|(a, b)| a == b).count() < 10, "hidden");
        assert_eq!(spent.unseal(&sealed).hash(), successor.hash());
        let other = spent.next(&secrets).expect("a token");
        assert_ne!(other.unseal(&sealed).hash(), successor.hash());
    }
}
