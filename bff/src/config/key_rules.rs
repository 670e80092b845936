//! Rules about secrets, keys and certificates: what signs, what is believed, and what must not be shared.

use std::path::Path;

use secrecy::ExposeSecret;

use super::rules::{Check, DAY_MS, SECRET_BYTES};
use super::{Config, TokenAlgorithm, UpstreamConfig, secrets};

/// `aud` of the access tokens, which are for the gateway alone.
const OWN_AUDIENCE: &str = "bff";
/// How long whoever fetches the published keys may keep them, in milliseconds.
const KEY_SET_MAX_AGE_MS: u64 = 60_000;
/// How long an access token lives, in milliseconds: the longest of what the keys sign.
const LONGEST_TOKEN_MS: u64 = 900_000;

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    if let Some(message) = secrets::fault(config.session.secret.expose_secret(), config.is_production()) {
        check.refuse(true, "session.secret", &message);
    }
    keys(config, check);
    let all = config.upstreams.all();
    for (index, (name, upstream)) in all.iter().enumerate() {
        let path = format!("upstreams.{name}");
        token(config, &path, upstream, check);
        certificates(&path, upstream, check);
        let secret = upstream.secret.expose_secret();
        let twin = all[..index].iter().find(|(_, other)| other.secret.expose_secret() == secret);
        if let Some((other, _)) = twin.filter(|_| !secret.is_empty()) {
            let message = format!("is that of upstreams.{other}: one could make the other's tokens");
            check.refuse(true, &format!("{path}.secret"), &message);
        }
    }
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

fn token(config: &Config, path: &str, upstream: &UpstreamConfig, check: &mut Check<'_>) {
    let own = upstream.audience == OWN_AUDIENCE;
    let message =
        "is that of the gateway's own access tokens: an upstream could use them, or they an upstream";
    check.refuse(own, &format!("{path}.audience"), message);
    let secret = upstream.secret.expose_secret();
    let path = format!("{path}.secret");
    if upstream.token_algorithm == TokenAlgorithm::EdDsa {
        check.refuse(!secret.is_empty(), &path, "is set, but token_algorithm is \"EdDSA\"");
        return;
    }
    // RFC 7518 section 3.2.
    let short = secret.len() < SECRET_BYTES;
    check.refuse(short, &path, "is shorter than 32 bytes: \"HS256\" needs one shared with the upstream");
    let events = &config.events;
    let bearer = [&events.profile, &events.timeline, &events.recipe].map(|sender| &sender.token);
    let sent =
        bearer.into_iter().chain([&events.revalidate_secret]).any(|token| token.expose_secret() == secret);
    check.refuse(sent, &path, "is a token of events.*: whoever sees that could make service tokens");
    let session = secrets::lines(config.session.secret.expose_secret()).any(|line| line == secret);
    check.refuse(session, &path, "is session.secret: the upstream could make CSRF tokens");
}

fn certificates(path: &str, upstream: &UpstreamConfig, check: &mut Check<'_>) {
    let UpstreamConfig { client_cert_file, client_key_file, ca_file, url, .. } = upstream;
    let files =
        [("client_cert_file", client_cert_file), ("client_key_file", client_key_file), ("ca_file", ca_file)];
    for (name, file) in files.into_iter().filter(|(_, file)| !file.is_empty()) {
        let path = format!("{path}.{name}");
        check.refuse(url.scheme() != "https", &path, "is for an https:// url alone");
        if let Err(error) = std::fs::File::open(file) {
            check.refuse(true, &path, &format!("cannot be read: {error}"));
        }
    }
    let alone = client_cert_file.is_empty() && !client_key_file.is_empty();
    check.refuse(alone, &format!("{path}.client_key_file"), "is set without client_cert_file");
}
