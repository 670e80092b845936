//! What a Redis URL says: which nodes, in which formation, with which credentials.
//!
//! | URL | formation |
//! |---|---|
//! | `redis://[user:password@]host[:6379][/db]` | one server |
//! | `redis+sentinel://[user:password@]host[:26379],…/SERVICE[?db=&sentinel_user=&sentinel_password=]` | the master that sentinels name |
//! | `redis+cluster://[user:password@]host[:6379],…` | a cluster, found from any of its nodes |
//!
//! `rediss` in place of `redis` is TLS to every node. Credentials may be percent-encoded (RFC 3986,
//! section 2.1); a password may hold any character but `@` as it is.

use std::fmt;

use secrecy::SecretString;

use super::super::StoreError;

/// A node's host and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// `host:port` with an IPv6 host in brackets or, as Redis writes it itself, without.
    pub(super) fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':')?)),
            None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Some(default_port), |port| port.parse().ok())?;
        let plain = !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ', '[', ']']);
        (plain && port > 0).then(|| Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Who the gateway is to Redis; nobody by default.
#[derive(Debug, Clone, Default)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretString>,
}

/// Which nodes there are and how they stand together.
#[derive(Debug, Clone)]
pub(super) enum Formation {
    Single(Address),
    /// The sentinels of `service`; `login` is who the gateway is to them.
    Sentinel {
        sentinels: Vec<Address>,
        service: String,
        login: Login,
    },
    /// Some of the nodes.
    Cluster(Vec<Address>),
}

/// A parsed URL. `Debug` shows no password.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) formation: Formation,
    pub(super) login: Login,
    pub(super) tls: bool,
    pub(super) db: i64,
}

impl Target {
    /// # Errors
    /// [`StoreError::Unsupported`] for another scheme, [`StoreError::Url`] with what is wrong and without
    /// any part of the text.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let (plain, formation) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(plain, "redis" | "rediss") || !matches!(formation, "" | "sentinel" | "cluster") {
            return Err(StoreError::Unsupported { scheme: scheme.to_owned() });
        }
        let rest = rest.strip_prefix("//").ok_or(wrong("needs // before the host"))?;
        let (credentials, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let default_port = if formation == "sentinel" { 26379 } else { 6379 };
        let hosts = hosts.split(',').map(|host| Address::parse(host, default_port)).collect::<Option<_>>();
        let hosts = hosts.ok_or(wrong("names no host, or one that is not HOST:PORT"))?;
        let (formation, db) = match formation {
            "sentinel" => sentinel(hosts, path, query)?,
            _ if !query.is_empty() => return Err(wrong("has parameters")),
            "cluster" if path.is_empty() => (Formation::Cluster(hosts), 0),
            "cluster" => return Err(wrong("names a database: a cluster has only one")),
            _ => single(hosts, path)?,
        };
        Ok(Self { formation, login: login(credentials)?, tls: plain == "rediss", db })
    }
}

fn single(hosts: Vec<Address>, path: &str) -> Result<(Formation, i64), StoreError> {
    let Ok([address]) = <[Address; 1]>::try_from(hosts) else {
        return Err(wrong("names several hosts: use redis+sentinel:// or redis+cluster://"));
    };
    Ok((Formation::Single(address), if path.is_empty() { 0 } else { database(path)? }))
}

fn sentinel(sentinels: Vec<Address>, path: &str, query: &str) -> Result<(Formation, i64), StoreError> {
    let service = decode(path).ok_or(wrong("has a service name that is not UTF-8"))?;
    if service.is_empty() || service.contains('/') {
        return Err(wrong(
            "needs the service's name after the sentinels: redis+sentinel://HOST,HOST/SERVICE",
        ));
    }
    let (mut login, mut db) = (Login::default(), 0);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value).ok_or(wrong("has a parameter that is not UTF-8"))?;
        match name {
            "db" => db = database(&value)?,
            "sentinel_user" => login.user = Some(value),
            "sentinel_password" => login.password = Some(value.into()),
            _ => return Err(wrong("has a parameter that is not known")),
        }
    }
    Ok((Formation::Sentinel { sentinels, service, login }, db))
}

const fn wrong(reason: &'static str) -> StoreError {
    StoreError::Url { reason }
}

fn database(text: &str) -> Result<i64, StoreError> {
    text.parse::<u16>().map(i64::from).map_err(|_| wrong("names a database that is not a number"))
}

fn login(credentials: &str) -> Result<Login, StoreError> {
    if credentials.is_empty() {
        return Ok(Login::default());
    }
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let part = |text| decode(text).ok_or(wrong("has credentials that are not UTF-8"));
    let (user, password) = (part(user)?, part(password)?);
    Ok(Login {
        user: (!user.is_empty()).then_some(user),
        password: (!password.is_empty()).then(|| password.into()),
    })
}

/// Percent-decoded; a `%` that begins no escape stands for itself.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn parse(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    #[test]
    fn urls_of_each_formation_are_read() {
        for (url, address, tls, db) in [
            ("redis://cache.example", "cache.example:6379", false, 0),
            ("rediss://[::1]:6390/3", "[::1]:6390", true, 3),
        ] {
            let target = parse(url);
            assert!(matches!(&target.formation, Formation::Single(found) if found.to_string() == address));
            assert_eq!((target.tls, target.db), (tls, db));
            assert!(target.login.user.is_none() && target.login.password.is_none());
        }

        let target = parse("redis+sentinel://u:p@a,b:26380/bff%20main?db=2&sentinel_password=s%40x");
        let Formation::Sentinel { sentinels, service, login } = target.formation else { panic!() };
        assert_eq!(sentinels.iter().map(Address::to_string).collect::<Vec<_>>(), ["a:26379", "b:26380"]);
        assert_eq!((target.db, &*service), (2, "bff main"));
        assert_eq!(login.password.unwrap().expose_secret(), "s@x");

        let target = parse("rediss+cluster://a:1,b:2,[fe80::1]:3");
        assert!(matches!(target.formation, Formation::Cluster(nodes) if nodes.len() == 3) && target.tls);
    }

    #[test]
    fn credentials_are_read_as_they_are_or_escaped_and_never_printed() {
        for (url, user, password) in [
            ("redis://:hunter2@h", None, "hunter2"),
            ("redis://ada:hunter2@h", Some("ada"), "hunter2"),
            ("redis://ada:hun%3ater%2@h", Some("ada"), "hun:ter%2"),
            ("redis://ada:h@un/t?e:r2@h:1/0", Some("ada"), "h@un/t?e:r2"),
        ] {
            let target = parse(url);
            assert_eq!(target.login.user.as_deref(), user);
            assert_eq!(target.login.password.as_ref().unwrap().expose_secret(), password);
            let told = format!("{target:?}");
            assert!(!told.contains(password) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_being_repeated() {
        for url in [
            "redis:",
            "redis://",
            "redis:host",
            "redis://:hunter2@",
            "redis://hunter2@h:port",
            "redis://hunter2@h:0",
            "redis://hunter2@h/first",
            "redis://hunter2@a,b",
            "redis://hunter2@h?db=1",
            "redis+sentinel://hunter2@a,b",
            "redis+sentinel://hunter2@a,b/",
            "redis+sentinel://hunter2@a/x?other=1",
            "redis+cluster://hunter2@a,,b",
            "redis+cluster://hunter2@a/1",
            "redis+sentry://hunter2@a",
        ] {
            let error = Target::parse(url).unwrap_err();
            assert!(
                matches!(error, StoreError::Url { .. } | StoreError::Unsupported { .. }),
                "{url}: {error}"
            );
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}: {error}");
        }
    }
}
