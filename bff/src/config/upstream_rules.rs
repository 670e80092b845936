//! What `upstreams` must hold besides its types: where each is, how it is asked, and what proves the gateway to it.

use secrecy::ExposeSecret;

use super::check::{Check, SECRET_BYTES};
use super::{
    Authorization, Config, TokenAlgorithm, UpstreamConfig, authorization, secrets, values::upstream_url,
};

/// `aud` of the access tokens, which are for the gateway alone.
const OWN_AUDIENCE: &str = "bff";

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let all: Vec<_> = config.upstreams.iter().collect();
    for (index, (name, upstream)) in all.iter().enumerate() {
        let path = format!("upstreams.{name}");
        place(&path, upstream, check);
        limits(&path, upstream, check);
        token(config, &path, upstream, check);
        certificates(&path, upstream, check);
        let earlier = &all[..index];
        let twin = earlier.iter().find(|(_, other)| other.audience == upstream.audience);
        if let Some((other, _)) = twin {
            let message = format!("is that of upstreams.{other}: one could use the other's tokens");
            check.refuse(true, &format!("{path}.audience"), &message);
        }
        let secret = upstream.secret.expose_secret();
        let twin = earlier.iter().find(|(_, other)| other.secret.expose_secret() == secret);
        if let Some((other, _)) = twin.filter(|_| !secret.is_empty()) {
            let message = format!("is that of upstreams.{other}: one could make the other's tokens");
            check.refuse(true, &format!("{path}.secret"), &message);
        }
    }
}

fn place(path: &str, upstream: &UpstreamConfig, check: &mut Check<'_>) {
    let (url, path) = (&upstream.url, format!("{path}.url"));
    if !upstream_url::is_set(url) {
        check.refuse(true, &path, "is missing: where the upstream is");
        return;
    }
    let http = matches!(url.scheme(), "http" | "https") && url.has_host();
    check.refuse(!http, &path, "must be http://HOST or https://HOST");
    let credentials = !url.username().is_empty() || url.password().is_some();
    check.refuse(credentials, &path, "must not hold credentials: calls bear tokens");
    let extra = url.query().is_some() || url.fragment().is_some();
    check.refuse(extra, &path, "must not have a query or fragment");
}

fn limits(path: &str, upstream: &UpstreamConfig, check: &mut Check<'_>) {
    for (key, value, range) in [
        ("timeout_ms", upstream.timeout_ms.get(), 1..=600_000),
        ("connect_timeout_ms", upstream.connect_timeout_ms.get(), 1..=600_000),
        ("idle_ms", upstream.idle_ms.get(), 1..=3_600_000),
        ("max_response_bytes", upstream.max_response_bytes as u64, 1024..=1 << 30),
        ("max_concurrent", upstream.max_concurrent as u64, 1..=100_000),
        ("queue", upstream.queue as u64, 0..=100_000),
    ] {
        check.range(&format!("{path}.{key}"), value, range);
    }
}

fn token(config: &Config, path: &str, upstream: &UpstreamConfig, check: &mut Check<'_>) {
    check.refuse(upstream.audience.is_empty(), &format!("{path}.audience"), "is empty");
    let own = upstream.audience == OWN_AUDIENCE;
    let message =
        "is that of the gateway's own access tokens: an upstream could use them, or they an upstream";
    check.refuse(own, &format!("{path}.audience"), message);
    let secret = upstream.secret.expose_secret();
    let secret_path = format!("{path}.secret");
    if upstream.authorization != Authorization::ServiceToken {
        let message = "is set, but authorization is not \"service_token\"";
        check.refuse(!secret.is_empty(), &secret_path, message);
        let hs256 = upstream.token_algorithm == TokenAlgorithm::Hs256;
        check.refuse(hs256, &format!("{path}.token_algorithm"), message);
        if let Some(message) = upstream.authorization.file().and_then(authorization::fault) {
            check.refuse(true, &format!("{path}.authorization"), &message);
        }
        return;
    }
    let path = secret_path;
    if upstream.token_algorithm == TokenAlgorithm::EdDsa {
        check.refuse(!secret.is_empty(), &path, "is set, but token_algorithm is \"EdDSA\"");
        return;
    }
    // RFC 7518 section 3.2.
    let short = secret.len() < SECRET_BYTES;
    check.refuse(short, &path, "is shorter than 32 bytes: \"HS256\" needs one shared with the upstream");
    let events = &config.events;
    let mut bearer = events.senders.values().map(|sender| &sender.token).chain([&events.revalidate_secret]);
    let sent = bearer.any(|token| token.expose_secret() == secret);
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
