//! The session secret and the keys that are derived from it. Before any request: `gateway` makes it once, what signs or
//! seals asks it for the keys of its own label, and a rotation replaces what it holds while requests run.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use hmac::{Hmac, Mac};
use secrecy::{
    ExposeSecret, SecretBox, SecretString,
    zeroize::{Zeroize, Zeroizing},
};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A key for one purpose: HMAC-SHA256 of a label under one of the secrets (RFC 2104), so that no two purposes share
/// key material. Wiped when it is dropped; `Debug` does not print it.
pub struct DerivedKey(SecretBox<[u8; 32]>);

impl DerivedKey {
    fn derive(secret: &[u8], label: &str) -> Self {
        Self(SecretBox::new(Box::new(hmac_sha256(secret, &[label.as_bytes()]))))
    }

    /// HMAC-SHA256 of `parts`, one after the other: where their lengths can vary, the caller keeps them apart.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        hmac_sha256(self.0.expose_secret(), parts)
    }

    /// Whether `presented` is the MAC of `parts`, or begins it: a MAC may be cut to 16 bytes and not below
    /// (RFC 2104 section 5). The time it takes depends on the lengths alone.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], presented: &[u8]) -> bool {
        let mut mac = self.mac(parts);
        let same = (16..=mac.len()).contains(&presented.len())
            && bool::from(mac[..presented.len()].ct_eq(presented));
        mac.zeroize();
        same
    }

    /// The key itself, for ciphers that take one of 256 bits.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DerivedKey")
    }
}

/// The session secrets of the deployment: the first one signs and seals, all of them verify and open. Equal on all
/// replicas that are configured alike.
pub struct Secrets {
    now: ArcSwap<Held>,
}

type Derived = (&'static str, Arc<[DerivedKey]>);

struct Held {
    secrets: Vec<SecretString>,
    /// By label, made when first asked for.
    derived: ArcSwap<Vec<Derived>>,
}

impl Secrets {
    /// `secrets` must not be empty: without any, nothing that is signed could ever be verified, and with an empty
    /// one everybody could sign. Whoever reads the settings sees to both.
    #[must_use]
    pub fn new(secrets: Vec<SecretString>) -> Self {
        Self { now: ArcSwap::from_pointee(Held::new(secrets)) }
    }

    /// From now on these count. Says whether they differ from those before.
    pub fn replace(&self, secrets: Vec<SecretString>) -> bool {
        let text = |secrets: &[SecretString]| {
            secrets.iter().map(|secret| Zeroizing::new(secret.expose_secret().to_owned())).collect::<Vec<_>>()
        };
        let differ = text(&self.now.load().secrets) != text(&secrets);
        if differ {
            self.now.store(Arc::new(Held::new(secrets)));
        }
        differ
    }

    /// How many secrets count.
    #[must_use]
    pub fn count(&self) -> usize {
        self.now.load().secrets.len()
    }

    /// The keys for what `label` names, in the order of the secrets: sign with the first, try all when verifying.
    /// Ask anew for each use: a rotation replaces them. No lock, and nothing is derived twice.
    #[must_use]
    pub fn keys(&self, label: &'static str) -> Arc<[DerivedKey]> {
        let held = self.now.load();
        if let Some((_, keys)) = held.derived.load().iter().find(|(known, _)| *known == label) {
            return Arc::clone(keys);
        }
        let keys: Arc<[DerivedKey]> = held
            .secrets
            .iter()
            .map(|secret| DerivedKey::derive(secret.expose_secret().as_bytes(), label))
            .collect();
        held.derived.rcu(|known| {
            let mut known = Vec::clone(known);
            known.push((label, Arc::clone(&keys)));
            known
        });
        keys
    }
}

impl Held {
    fn new(secrets: Vec<SecretString>) -> Self {
        Self { secrets, derived: ArcSwap::default() }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// HMAC-SHA256 (RFC 2104) of `message`'s parts, one after the other.
pub(super) fn hmac_sha256(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of every length (RFC 2104 section 2), so that the type's error cannot occur.
    #[expect(clippy::unwrap_used, reason = "HMAC has no invalid key length")]
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    for part in message {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    #[test]
    fn hmac_agrees_with_rfc_4231() {
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn each_label_and_each_secret_has_its_own_key() {
        let both = Secrets::new(secrets(&["first", "second"]));
        let (a, b) = (both.keys("a"), both.keys("b"));
        assert_eq!((a.len(), b.len()), (2, 2));
        let mut keys: Vec<_> = a.iter().chain(b.iter()).map(|key| *key.expose()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 4);
        let first = Secrets::new(secrets(&["first"]));
        assert_eq!(
            first.keys("a")[0].expose(),
            a[0].expose(),
            "the order of the secrets is that of the keys"
        );
        assert!(Arc::ptr_eq(&both.keys("a"), &a), "derived once");
    }

    #[test]
    fn a_replaced_secret_counts_from_then_on() {
        let held = Secrets::new(secrets(&["old"]));
        let old = held.keys("a");
        assert!(!held.replace(secrets(&["old"])), "the same");
        assert!(Arc::ptr_eq(&held.keys("a"), &old));
        assert!(held.replace(secrets(&["new", "old"])));
        let now = held.keys("a");
        assert_eq!(now.len(), 2);
        assert_ne!(now[0].expose(), old[0].expose());
        assert_eq!(now[1].expose(), old[0].expose());
        assert!(held.replace(secrets(&["old", "new"])), "the order counts");
    }

    #[test]
    fn a_mac_is_verified_whole_or_cut_to_half_and_no_shorter() {
        let held = Secrets::new(secrets(&["secret"]));
        let key = &held.keys("a")[0];
        let mac = key.mac(&[b"one", b"two"]);
        assert!(key.verify(&[b"one", b"two"], &mac) && key.verify(&[b"onetwo"], &mac[..16]));
        for wrong in [&mac[..15], &mac[1..], &[], &[0; 32], &[mac.as_slice(), &[0]].concat()] {
            assert!(!key.verify(&[b"onetwo"], wrong), "{} bytes", wrong.len());
        }
        assert!(!key.verify(&[b"one"], &mac));
    }

    #[test]
    fn nothing_of_it_prints_a_secret() {
        let held = Secrets::new(secrets(&["planted"]));
        assert_eq!(format!("{held:?} {:?}", held.keys("a")[0]), "Secrets { count: 1, .. } DerivedKey");
    }
}
