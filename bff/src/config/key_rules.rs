//! Rules about the session secret and the keys: what signs, and what is believed.

use std::path::Path;

use secrecy::ExposeSecret;

use super::check::{Check, DAY_MS};
use super::{Config, secrets};

/// How long whoever fetches the published keys may keep them, in milliseconds.
const KEY_SET_MAX_AGE_MS: u64 = 60_000;
/// How long an access token lives, in milliseconds: the longest of what the keys sign.
const LONGEST_TOKEN_MS: u64 = 900_000;

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    if let Some(message) = secrets::fault(config.session.secret.expose_secret(), config.is_production()) {
        check.refuse(true, "session.secret", &message);
    }
    keys(config, check);
}

fn keys(config: &Config, check: &mut Check<'_>) {
    let keys = &config.keys;
    check.refuse(keys.dir.is_empty(), "keys.dir", "is empty");
    check.refuse(keys.issuer.is_empty(), "keys.issuer", "is empty");
    check.range("keys.announce_ms", keys.announce_ms.get(), 0..=DAY_MS);
    check.range("keys.retire_ms", keys.retire_ms.get(), 0..=30 * DAY_MS);
    check.range("keys.poll_ms", keys.poll_ms.get(), 100..=DAY_MS);
    let late = keys.announce_ms.get() > 0 && keys.poll_ms.get() > keys.announce_ms.get() / 2;
    check.refuse(late, "keys.poll_ms", "is above half of keys.announce_ms: a key would sign unannounced");
    if !config.is_production() {
        return;
    }
    let hasty = keys.announce_ms.get() < 2 * KEY_SET_MAX_AGE_MS;
    check.refuse(hasty, "keys.announce_ms", "is under 120000: the published keys may be kept for 60 s");
    let hasty = keys.retire_ms.get() <= LONGEST_TOKEN_MS;
    check.refuse(hasty, "keys.retire_ms", "must be above 900000: access tokens live for 15 minutes");
    if let Some(message) = keys_missing(Path::new(&keys.dir)) {
        check.refuse(true, "keys.dir", &message);
    }
}

fn keys_missing(dir: &Path) -> Option<String> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => return Some(format!("{} cannot be read: {error}", dir.display())),
    };
    let found =
        entries.flatten().any(|entry| Path::new(&entry.file_name()).extension().is_some_and(|e| e == "pem"));
    (!found).then(|| format!("{} holds no *.pem: make one with `bff keys new`", dir.display()))
}
