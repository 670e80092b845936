//! How keys follow one another, with a clock of the tests' own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jsonwebtoken::{Algorithm, Validation, decode};
use serde_json::{Value, json};

use super::{KeyError, KeyRing, KeyState, KeyTimes, Reloaded, folder, roster};

const ANNOUNCE: u64 = 120_000;
const RETIRE: u64 = 960_000;
/// When the first key is made.
const START: u64 = 1_700_000_000_000;

/// A folder in which the tests say when a key was made.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A key that was made at that time; its file's own times are those of the test.
    fn add(&self, born_ms: u64) -> PathBuf {
        let made = KeyRing::generate_in(self.path()).expect("a key");
        let path = self.path().join(format!("{born_ms}.pem"));
        fs::rename(made, &path).expect("renamed");
        path
    }

    fn open(&self) -> KeyRing {
        KeyRing::open(self.path(), KeyTimes::default()).expect("keys")
    }
}

fn kid_of(path: &Path) -> String {
    super::key::Key::read(path).expect("a key").kid.to_string()
}

fn signing_at(ring: &KeyRing, now_ms: u64) -> String {
    ring.keys.load().signing(now_ms).key.kid.to_string()
}

fn published(ring: &KeyRing) -> Vec<String> {
    let jwks = ring.jwks();
    let keys = jwks["keys"].as_array().expect("a list");
    keys.iter().map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn reload(ring: &KeyRing, now_ms: u64) -> Reloaded {
    ring.reload_at(now_ms).expect("keys")
}

#[test]
fn a_first_key_signs_at_once_and_the_next_one_when_it_is_known() {
    let folder = Folder::new();
    let first = kid_of(&folder.add(START));
    let ring = folder.open();
    assert_eq!(signing_at(&ring, START), first);
    let born = START + 1_000_000;
    let second = kid_of(&folder.add(born));
    let seen = reload(&ring, born + 5000);
    assert_eq!(seen.added, [Arc::from(second.as_str())]);
    assert!(seen.retiring.is_empty() && seen.dropped.is_empty() && *seen.signing == *first);
    assert_eq!(published(&ring), [first.clone(), second.clone()], "published at once");
    assert_eq!(signing_at(&ring, born + ANNOUNCE - 1), first);
    assert_eq!(signing_at(&ring, born + ANNOUNCE), second, "without another reload");
    let restarted = folder.open();
    assert_eq!(signing_at(&restarted, born + ANNOUNCE - 1), first, "a replica that starts agrees");
    assert_eq!(signing_at(&restarted, born + ANNOUNCE), second);
}

#[test]
fn a_key_that_came_late_is_published_before_it_signs_all_the_same() {
    let folder = Folder::new();
    let first = kid_of(&folder.add(START));
    let ring = folder.open();
    let (born, came) = (START + 1, START + 10_000_000);
    let second = kid_of(&folder.add(born));
    reload(&ring, came);
    assert_eq!(signing_at(&ring, came + ANNOUNCE / 2 - 1), first);
    assert_eq!(signing_at(&ring, came + ANNOUNCE / 2), second);
    reload(&ring, came + 5000);
    assert_eq!(signing_at(&ring, came + ANNOUNCE / 2), second, "another reload puts nothing off");
}

#[test]
fn a_key_whose_file_is_gone_is_believed_for_a_while_and_signs_no_more() {
    let folder = Folder::new();
    let old = folder.add(START);
    let (first, second) = (kid_of(&old), kid_of(&folder.add(START + 1)));
    let ring = folder.open();
    let now = START + RETIRE;
    assert_eq!(signing_at(&ring, now), second);
    fs::remove_file(&old).expect("removed");
    let seen = reload(&ring, now);
    assert_eq!(seen.retiring, [Arc::from(first.as_str())]);
    assert_eq!(published(&ring), [first.clone(), second.clone()]);
    assert!(ring.verifying_key(&first).is_some());
    assert!(!reload(&ring, now + RETIRE - 1).is_change());
    let seen = reload(&ring, now + RETIRE);
    assert_eq!(seen.dropped, [Arc::from(first.as_str())]);
    assert_eq!(published(&ring), std::slice::from_ref(&second));
    assert!(ring.verifying_key(&first).is_none());
    assert!(ring.sign_as(&first, "at+jwt", &json!({})).expect("no error").is_none());
}

#[test]
fn where_the_signing_file_goes_the_others_sign_though_they_are_new() {
    let folder = Folder::new();
    let old = folder.add(START);
    let ring = folder.open();
    fs::remove_file(&old).expect("removed");
    let second = kid_of(&folder.add(START + 1000));
    reload(&ring, START + 1000);
    assert_eq!(signing_at(&ring, START + 1000), second);
    fs::write(&old, "x").expect("written");
    assert!(ring.reload_at(START + 2000).is_err());
    assert_eq!(published(&ring).len(), 2);
}

#[test]
fn a_broken_file_changes_nothing() {
    let folder = Folder::new();
    let first = kid_of(&folder.add(START));
    let ring = folder.open();
    let good = folder.add(START + 1000);
    let bad = folder.path().join("1700000002000.pem");
    fs::write(&bad, "half a key").expect("written");
    assert!(matches!(ring.reload_at(START + 3000), Err(KeyError::NotEd25519 { path }) if path == bad));
    assert_eq!(published(&ring), [first.as_str()], "not even the sound one");
    assert!(ring.reload_if_changed().is_err(), "it is tried again");
    fs::remove_file(&bad).expect("removed");
    assert_eq!(reload(&ring, START + 4000).added, [Arc::from(kid_of(&good))]);

    fs::rename(folder.path(), folder.path().with_extension("away")).expect("renamed");
    assert!(matches!(ring.reload(), Err(KeyError::File { .. })));
    assert!(matches!(ring.reload_if_changed(), Err(KeyError::File { .. })));
    assert_eq!(published(&ring).len(), 2, "a mount that went away takes no key along");
    fs::rename(folder.path().with_extension("away"), folder.path()).expect("renamed");
}

#[test]
fn only_what_changes_is_read_again() {
    let folder = Folder::new();
    let first = folder.add(START);
    let ring = folder.open();
    assert_eq!(ring.reload_if_changed().expect("keys"), None);
    let second = folder.add(START + 1);
    assert_eq!(ring.reload_if_changed().expect("keys").expect("a change").added.len(), 1);
    assert_eq!(ring.reload_if_changed().expect("keys"), None);
    // Another key under the same name and of the same size.
    fs::rename(&second, &first).expect("renamed");
    let seen = ring.reload_if_changed().expect("keys").expect("a change");
    assert_eq!((seen.added.len(), seen.retiring.len()), (0, 1), "the second key has another name now");
    assert_eq!(ring.reload_if_changed().expect("keys"), None);
    let copy = folder.path().join("copy.pem");
    fs::copy(&first, &copy).expect("copied");
    assert!(!ring.reload_if_changed().expect("keys").expect("a change").is_change(), "the same key twice");
    assert_eq!(published(&ring).len(), 2);
}

#[test]
fn a_key_is_dropped_when_its_time_is_over_without_any_change_of_the_folder() {
    let folder = Folder::new();
    let old = folder.add(START);
    folder.add(START + 1);
    let times = KeyTimes { retire: Duration::ZERO, ..KeyTimes::default() };
    let ring = KeyRing::open(folder.path(), times).expect("keys");
    fs::remove_file(&old).expect("removed");
    let seen = ring.reload_if_changed().expect("keys").expect("a change");
    assert_eq!((seen.retiring.len(), seen.dropped.len()), (0, 1), "with no time at all, at once");
    let ring = KeyRing::open(folder.path(), KeyTimes::default()).expect("keys");
    let set = ring.keys.load_full();
    assert!(!set.is_due(KeyTimes::default(), u64::MAX), "keys with files are never over");
}

#[test]
fn a_revoked_key_is_believed_no_more_at_once() {
    let folder = Folder::new();
    let (old, new) = (folder.add(START), folder.add(START + 1));
    let (first, second) = (kid_of(&old), kid_of(&new));
    let ring = folder.open();
    let before = ring.revocations();
    let held = [&first, &second].map(|kid| Arc::downgrade(&ring.verifying_key(kid).expect("known")));
    let path = KeyRing::revoke(folder.path(), &second).expect("revoked");
    assert_eq!(path, folder.path().join("1700000000001.pem.revoked"));
    let seen = reload(&ring, START + 5000);
    assert_eq!((seen.dropped, &*seen.signing), (vec![Arc::from(second.as_str())], first.as_str()));
    assert_eq!(published(&ring), std::slice::from_ref(&first));
    assert_ne!(ring.revocations(), before, "what it signed is minted anew");
    assert_eq!(held.map(|key| key.strong_count() > 0), [true, false], "and nobody else holds it");
    let after = ring.revocations();
    reload(&ring, START + 6000);
    assert_eq!(ring.revocations(), after, "once");

    // A mount that cannot rename adds an empty file.
    folder.add(START + 1_000_000);
    reload(&ring, START + 1_000_000);
    fs::write(folder.path().join("1700000000000.pem.revoked"), "").expect("written");
    assert_eq!(reload(&ring, START + 1_000_001).dropped, [Arc::from(first.as_str())]);
    // Its file had gone before.
    let third = folder.add(START + 2_000_000);
    reload(&ring, START + 2_000_000);
    fs::remove_file(&third).expect("removed");
    assert_eq!(reload(&ring, START + 2_000_001).retiring.len(), 1);
    fs::write(third.with_extension("pem.revoked"), "").expect("written");
    assert_eq!(reload(&ring, START + 2_000_002).dropped.len(), 1);
}

#[test]
fn the_last_key_and_an_unknown_one_are_not_revoked() {
    let folder = Folder::new();
    let kid = kid_of(&folder.add(START));
    assert!(matches!(KeyRing::revoke(folder.path(), &kid), Err(KeyError::OnlyKey { .. })));
    assert!(matches!(KeyRing::revoke(folder.path(), "nobody"), Err(KeyError::UnknownKey { .. })));
    assert_eq!(published(&folder.open()), [kid]);
}

#[test]
fn a_token_can_be_made_once_more_by_the_key_that_signed_it() {
    let folder = Folder::new();
    let old = folder.add(START);
    folder.add(START + 1);
    let ring = folder.open();
    let kid = kid_of(&old);
    let claims = json!({"sub": "ada", "exp": 4_000_000_000_u64});
    let token = ring.sign_as(&kid, "at+jwt", &claims).expect("signed").expect("known");
    fs::remove_file(&old).expect("removed");
    reload(&ring, START + 5000);
    assert_eq!(ring.sign_as(&kid, "at+jwt", &claims).expect("signed").as_deref(), Some(token.as_str()));
    let rules = Validation::new(Algorithm::EdDSA);
    let read = decode::<Value>(&token, &ring.verifying_key(&kid).expect("known"), &rules).expect("genuine");
    assert_eq!(
        (read.header.typ.as_deref(), read.header.kid.as_deref()),
        (Some("at+jwt"), Some(kid.as_str()))
    );
    let current = ring.sign_typed("at+jwt", &claims).expect("signed");
    let signer = ring.verifying_key(&ring.signing_kid()).expect("known");
    assert_eq!(decode::<Value>(&current, &signer, &rules).expect("genuine").claims, claims);
}

#[test]
fn the_list_says_what_each_key_is_there_for_and_prune_takes_what_has_ended() {
    let folder = Folder::new();
    // The files themselves come to be now.
    let now = super::unix_ms();
    let ages = [4 * RETIRE, 3 * RETIRE, RETIRE, 1000];
    let paths: Vec<_> = ages.iter().map(|age| folder.add(now - age)).collect();
    let states = |at| -> Vec<String> {
        let keys = roster::list_at(folder.path(), KeyTimes::default(), at).expect("keys");
        assert_eq!(keys.iter().map(|key| &key.path).collect::<Vec<_>>(), paths.iter().collect::<Vec<_>>());
        keys.iter().map(|key| key.state.to_string()).collect()
    };
    assert_eq!(states(now), ["superseded", "superseded", "signing", "announced"]);
    assert_eq!(states(now + ANNOUNCE), ["superseded", "superseded", "superseded", "signing"]);
    let listed = KeyRing::list(folder.path(), KeyTimes::default()).expect("keys");
    assert_eq!(listed[3].state, KeyState::Announced { signs_from_ms: now - 1000 + ANNOUNCE });
    assert_eq!((listed[0].kid.to_string(), listed[0].born_ms), (kid_of(&paths[0]), now - 4 * RETIRE));

    // What supersedes a key counts from when its file came, whatever its name says.
    assert!(KeyRing::prune(folder.path(), KeyTimes::default()).expect("pruned").is_empty());
    let later = now + ANNOUNCE + RETIRE + 60_000;
    let pruned = roster::prune_at(folder.path(), KeyTimes::default(), later).expect("pruned");
    assert_eq!(pruned, paths[..3]);
    let left = folder::Listing::read(folder.path()).expect("a listing");
    assert_eq!(left.keys.len(), 1, "what signs is never pruned");
}
