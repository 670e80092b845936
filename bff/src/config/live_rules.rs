//! What `events` and `live` must hold besides their types.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    Config, LiveConfig,
    check::{Check, SECRET_BYTES},
};

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    live(&config.live, check);
    senders(config, check);
    webhook(config, check);
}

fn live(live: &LiveConfig, check: &mut Check<'_>) {
    for (path, value, range) in [
        ("live.heartbeat_ms", live.heartbeat_ms.get(), 100..=3_600_000),
        ("live.dead_after_ms", live.dead_after_ms.get(), 100..=3_600_000),
        ("live.connections_per_user", live.connections_per_user as u64, 1..=10_000),
        ("live.queue_messages", live.queue_messages as u64, 1..=10_000),
        ("live.log_messages", live.log_messages as u64, 1..=10_000_000),
        ("live.log_bytes", live.log_bytes as u64, 1 << 16..=1 << 34),
        ("live.log_age_ms", live.log_age_ms.get(), 1..=86_400_000),
    ] {
        check.range(path, value, range);
    }
    let message = "must be under live.dead_after_ms: a ping must have time for its pong";
    check.refuse(live.heartbeat_ms >= live.dead_after_ms, "live.heartbeat_ms", message);
}

fn senders(config: &Config, check: &mut Check<'_>) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (name, sender) in &config.events.senders {
        let unknown = !config.upstreams.contains_key(name);
        check.refuse(unknown, &format!("events.{name}"), "there is no upstream of this name");
        let path = format!("events.{name}.token");
        secret(config, &path, &sender.token, check);
        let token = sender.token.expose_secret();
        if token.is_empty() {
            continue;
        }
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == token) {
            check.refuse(true, &path, &format!("is that of events.{other}: each has its own"));
        }
        seen.push((name, token));
    }
}

fn webhook(config: &Config, check: &mut Check<'_>) {
    let events = &config.events;
    secret(config, "events.revalidate_secret", &events.revalidate_secret, check);
    let text = &events.revalidate_url;
    if text.is_empty() {
        return;
    }
    let url = Url::parse(text);
    let path = "events.revalidate_url";
    let http = url.as_ref().is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    check.refuse(!http, path, "must be http://HOST/PATH or https://HOST/PATH");
    let plain = url.is_ok_and(|url| {
        url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    check.refuse(!plain, path, "must not have credentials, query or fragment");
    let open = events.revalidate_secret.expose_secret().is_empty();
    check.refuse(open, "events.revalidate_secret", "is empty: anybody could call events.revalidate_url");
}

/// A bearer token, where one is set.
fn secret(config: &Config, path: &str, secret: &SecretString, check: &mut Check<'_>) {
    let text = secret.expose_secret();
    let visible = text.bytes().all(|b| b.is_ascii_graphic());
    check.refuse(!visible, path, "must be visible ASCII characters without spaces");
    let short = config.is_production() && !text.is_empty() && text.len() < SECRET_BYTES;
    check.refuse(short, path, "is shorter than 32 bytes");
}
