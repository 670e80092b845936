//! Rules about the single-page app: a folder that a build has made, and nothing secret in what everybody can read.

use std::path::Path;

use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::Url;

use super::check::{Check, DAY_MS};
use super::{Config, SiteConfig, authorization, secrets};

/// Shorter values turn up by chance.
const TELLING_BYTES: usize = 8;
/// Last words of the names of things that are nobody else's business.
const SECRET_WORDS: [&str; 10] = [
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "token",
    "tokens",
    "credential",
    "credentials",
];

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let site = &config.site;
    folder(&site.dir, check);
    for (index, start) in site.immutable.iter().enumerate() {
        let odd = !start.starts_with('/') || start == "/" || start.contains(['?', '#', '%', '\\', '*']);
        let message = "must be a path such as /assets/, not the whole site";
        check.refuse(odd, &format!("site.immutable[{index}]"), message);
    }
    let policy = &site.content_security_policy;
    let path = "site.content_security_policy";
    check.refuse(
        policy.trim().is_empty(),
        path,
        "is empty: `default-src 'self'` is the least that is useful",
    );
    let odd = !policy.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) || policy.contains(',');
    check.refuse(odd, path, "must be one line of ASCII characters, directives with `;` between them");
    check.range("site.retire_ms", site.retire_ms.get(), 0..=30 * DAY_MS);
    check.range("site.memory_bytes", site.memory_bytes as u64, 1 << 20..=1 << 36);
    let name = &site.config_name;
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '$'));
    let goes_on = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'));
    check.refuse(!starts || !goes_on, "site.config_name", "must be letters, digits, `_` and `$`");
    published(config, check);
}

/// What is allowed and probably not meant.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let SiteConfig { dir, content_security_policy: policy, .. } = &config.site;
    let mut found = Vec::new();
    let scripts = policy.split(';').map(str::trim).find(|part| part.starts_with("script-src"));
    let scripts = scripts.or_else(|| policy.split(';').find(|part| part.trim().starts_with("default-src")));
    let open = scripts
        .is_none_or(|part| ["'unsafe-inline'", "'unsafe-eval'", " *"].iter().any(|x| part.contains(x)));
    if open && !dir.is_empty() {
        found.push("site.content_security_policy: lets scripts run that are not the app's own".to_owned());
    }
    if !config.is_production() {
        let telling = keys(&config.site.config).into_iter().filter(|(key, ..)| sounds_secret(key));
        found.extend(telling.map(|(_, path, _)| format!("{path}: {NAMED_SECRET}; production refuses it")));
    }
    found
}

const NAMED_SECRET: &str =
    "is named like a secret, and everybody can read /config.js; if it is none, say `public` in its name";

fn folder(dir: &str, check: &mut Check<'_>) {
    if dir.is_empty() {
        return;
    }
    let message = match std::fs::metadata(dir) {
        Err(error) => Some(format!("{dir} cannot be read: {error}")),
        Ok(about) if !about.is_dir() => Some(format!("{dir} is not a folder")),
        Ok(_) => match std::fs::read(Path::new(dir).join("index.html")) {
            Err(error) => Some(format!("{dir} has no index.html that can be read: {error}")),
            Ok(page) if page.is_empty() => Some(format!("{dir}/index.html is empty")),
            Ok(_) => None,
        },
    };
    if let Some(message) = message {
        check.refuse(true, "site.dir", &message);
    }
}

fn published(config: &Config, check: &mut Check<'_>) {
    let own = own_secrets(config);
    for (key, path, value) in keys(&config.site.config) {
        let prototype = key == "__proto__";
        check.refuse(prototype, &path, "cannot be a key: JavaScript takes it for the object's prototype");
        let telling = config.is_production() && sounds_secret(key);
        check.refuse(telling, &path, NAMED_SECRET);
        for text in texts(value) {
            let told = own.iter().any(|secret| text.contains(secret.as_str()));
            check.refuse(
                told,
                &path,
                "holds one of the gateway's secrets, and everybody can read /config.js",
            );
            let key = text.contains("PRIVATE KEY-----");
            check.refuse(key, &path, "holds a private key, and everybody can read /config.js");
            let password = Url::parse(text).is_ok_and(|url| url.password().is_some());
            check.refuse(password, &path, "holds a password in a URL, and everybody can read /config.js");
        }
    }
}

/// Every secret of the settings that is long enough to be known again.
fn own_secrets(config: &Config) -> Vec<String> {
    let Config { session, upstreams, events, oidc, store, files, .. } = config;
    let fixed =
        upstreams.values().filter_map(|upstream| authorization::token(upstream.authorization.file()?));
    let upstreams = upstreams.values().map(|upstream| &upstream.secret);
    let events = events
        .senders
        .values()
        .map(|sender| &sender.token)
        .chain([&events.revalidate_secret, &files.secret_access_key]);
    let providers = oidc.values().map(|provider| &provider.client_secret);
    let all = upstreams.chain(events).chain(providers).map(ExposeSecret::expose_secret);
    let lines = secrets::lines(session.secret.expose_secret());
    let store = Url::parse(store.url.as_str()).ok().and_then(|url| url.password().map(str::to_owned));
    let all = all.chain(lines).map(str::to_owned).chain(store).chain(fixed);
    all.filter(|secret| secret.len() >= TELLING_BYTES).collect()
}

/// Every key, however deep: its name, its path, and what it holds if that is no table.
fn keys(table: &Map<String, Value>) -> Vec<(&str, String, &Value)> {
    fn collect<'a>(path: &str, value: &'a Value, found: &mut Vec<(&'a str, String, &'a Value)>) {
        match value {
            Value::Object(table) => {
                for (key, value) in table {
                    let path = format!("{path}.{key}");
                    found.push((key, path.clone(), if value.is_object() { &Value::Null } else { value }));
                    collect(&path, value, found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    collect(&format!("{path}[{index}]"), item, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (key, value) in table {
        let path = format!("site.config.{key}");
        found.push((key.as_str(), path.clone(), if value.is_object() { &Value::Null } else { value }));
        collect(&path, value, &mut found);
    }
    found
}

/// The texts in a value that is no table.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Whether the last word of a name says so: `sessionToken` does, `tokenUrl` and `publicMapToken` do not.
fn sounds_secret(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else { return false };
    let key =
        last == "key" && words.iter().any(|word| matches!(word.as_str(), "private" | "secret" | "signing"));
    let secret = key || SECRET_WORDS.contains(&last.as_str());
    secret && !words.iter().any(|word| word == "public")
}

/// `sessionToken`, `SESSION_TOKEN` and `session-token2` are two words each.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let starts = !c.is_ascii_alphabetic() || (after_lower && c.is_ascii_uppercase());
        if starts {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_ascii_alphabetic(), words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
        after_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
