//! What must hold of `store.*`. The URL is read to the end by the store that it names, at the start; here
//! it is looked at as far as it can be without one.

use super::Config;
use super::check::Check;

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let store = &config.store;
    let url = store.url.as_str();
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    // What is wrong is not repeated: it may be a password.
    let wrong = match scheme {
        "memory" => None,
        "embedded" => rest.is_empty().then_some("names no path: embedded:PATH"),
        "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster" | "rediss+cluster" => {
            redis(scheme, rest)
        }
        _ => Some("must be embedded:PATH, memory:, redis://HOST, redis+sentinel:// or redis+cluster://"),
    };
    check.refuse(wrong.is_some() || !url.contains(':'), "store.url", wrong.unwrap_or("has no scheme"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    check.refuse(
        store.prefix.is_empty() || store.prefix.len() > 64 || !store.prefix.bytes().all(plain),
        "store.prefix",
        "must be 1 to 64 letters, digits and -_.:",
    );
    if !store.ca_file.is_empty()
        && let Err(error) = std::fs::File::open(&store.ca_file)
    {
        check.refuse(true, "store.ca_file", &format!("cannot be read: {error}"));
    }
}

fn redis(scheme: &str, rest: &str) -> Option<&'static str> {
    let Some(rest) = rest.strip_prefix("//") else { return Some("needs // before the host") };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    if hosts.split(',').any(str::is_empty) {
        return Some("names no host");
    }
    (scheme.ends_with("sentinel") && path.is_empty())
        .then_some("needs the service's name after the sentinels: redis+sentinel://HOST,HOST/SERVICE")
}
