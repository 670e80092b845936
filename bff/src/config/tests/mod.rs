mod keys;
mod maps;
mod site;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use figment::value::{Dict, Value as Figment};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Digest;

use super::*;

const HS256_SECRET: &str = "0123456789abcdef0123456789abcdef";

fn env(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::load(None, env(variables))
}

fn mistakes(variables: &[(&str, &str)]) -> String {
    load(variables).expect_err("must be refused").to_string()
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bff.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// A folder with a key, and what else production wants.
fn production() -> (tempfile::TempDir, Vec<(OsString, OsString)>) {
    let keys = tempfile::tempdir().unwrap();
    std::fs::write(keys.path().join("1.pem"), "").unwrap();
    let variables = env(&[
        ("BFF__PROFILE", "production"),
        ("BFF__SESSION__SECRET", "0123456789abcdef0123456789abcdef"),
        ("BFF__KEYS__DIR", keys.path().to_str().unwrap()),
    ]);
    (keys, variables)
}

fn leaves(tree: &Dict, prefix: &str, found: &mut BTreeSet<String>) {
    for (key, value) in tree {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Figment::Dict(_, below) => leaves(below, &path, found),
            _ => drop(found.insert(path)),
        }
    }
}

fn default_keys() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    leaves(&layers::default_tree().0, "", &mut found);
    found
}

fn at<'a>(json: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(json, |value, key| &value[key])
}

#[test]
fn the_default_file_and_the_structs_have_the_same_keys_and_values() {
    let config = Config::defaults().unwrap();
    let tree = Figment::serialize(&config).unwrap().into_dict().unwrap();
    let mut keys = BTreeSet::new();
    leaves(&tree, "", &mut keys);
    assert_eq!(keys, default_keys());

    let (serialized, file) = (serde_json::to_value(&config).unwrap(), layers::default_tree().0);
    let file = serde_json::to_value(file).unwrap();
    // Not in the file, and for production alone.
    let apart = ["session.secret", "http.drain_delay_ms"];
    for key in keys.iter().filter(|key| !apart.contains(&key.as_str())) {
        let (ours, theirs) = (at(&serialized, key), at(&file, key));
        // A parsed URL ends with a slash.
        let same =
            ours == theirs || ours.as_str().is_some_and(|url| url.strip_suffix('/') == theirs.as_str());
        assert!(same, "{key}: {ours} is not {theirs}");
    }
    assert!(config.warnings().is_empty());
}

#[test]
fn every_key_can_be_set_by_the_environment() {
    let tree = serde_json::to_value(layers::default_tree().0).unwrap();
    for key in default_keys() {
        let (text, expected) = match at(&tree, &key) {
            Value::Number(number) => {
                let other = number.as_u64().unwrap() + 1;
                (other.to_string(), Value::from(other))
            }
            Value::Bool(flag) => ((!flag).to_string(), Value::from(!flag)),
            Value::Array(_) if key == "http.trusted_proxies" => {
                ("10.0.0.0/8".to_owned(), serde_json::json!(["10.0.0.0/8"]))
            }
            Value::Array(_) if key == "site.immutable" => {
                ("/assets/".to_owned(), serde_json::json!(["/assets/"]))
            }
            Value::Array(_) if key == "session.clear_site_data" => {
                ("cache,storage".to_owned(), serde_json::json!(["cache", "storage"]))
            }
            Value::Array(_) => ("https://a.example, https://b.example:8443".to_owned(), Value::Null),
            _ => {
                let text = match key.as_str() {
                    "profile" => "development",
                    "http.listen" | "internal.listen" => "127.0.0.1:7070",
                    "session.secure" => "true",
                    "session.same_site" => "strict",
                    "session.domain" => "example.org",
                    "events.revalidate_url" => "http://other.example/",
                    "http.public_url" => "https://other.example",
                    key if key.ends_with("_file") => file!(),
                    key if key.ends_with(".token_algorithm") => "HS256",
                    key if key.ends_with(".authorization") => "none",
                    key if key.ends_with(".secret") && key.starts_with("upstreams") => HS256_SECRET,
                    "limits.enabled" => "true",
                    "accounts.upstream" => "recipe",
                    "telemetry.format" => "json",
                    "telemetry.log" => "debug",
                    "store.url" => "memory:",
                    key if key.ends_with(".url") => "http://other.example/",
                    _ => "other",
                };
                (text.to_owned(), Value::from(text))
            }
        };
        let name = format!("BFF__{}", key.replace('.', "__").to_uppercase());
        let mut variables = env(&[(&name, &text)]);
        if key == "events.revalidate_url" {
            variables.push(("BFF__EVENTS__REVALIDATE_SECRET".into(), "other".into()));
        }
        if key.starts_with("upstreams") && key.ends_with(".secret") {
            let algorithm = name.replace("SECRET", "TOKEN_ALGORITHM");
            variables.extend(env(&[(&algorithm, "HS256")]));
        }
        if key.ends_with(".token_algorithm") {
            let secret = name.replace("TOKEN_ALGORITHM", "SECRET");
            variables.extend(env(&[(&secret, HS256_SECRET)]));
        }
        if key == "limits.shared" {
            // Refused with this store, which is looked at after the types.
            assert_eq!(Config::load(None, variables).unwrap_err().mistakes()[0].path, key);
            continue;
        }
        if key.ends_with("_file") || key == "site.dir" {
            // Not there from this folder; that it was looked for is what counts.
            let error = Config::load(None, variables).unwrap_err();
            assert_eq!(error.mistakes()[0].path, key);
            continue;
        }
        let config = Config::load(None, variables).unwrap_or_else(|errors| panic!("{key}: {errors}"));
        let json = serde_json::to_value(&config).unwrap();
        match key.as_str() {
            "session.secret" => assert_eq!(config.session.secret.expose_secret(), "other"),
            "session.secure" => assert_eq!(config.session.secure, Switch::On),
            "limits.enabled" => assert_eq!(config.limits.enabled, Switch::On),
            key if key.ends_with("token") || key.ends_with("secret") => {
                assert_eq!(at(&json, key), "[redacted]")
            }
            "cors.allowed_origins" => {
                assert_eq!(config.cors.allowed_origins, ["https://a.example", "https://b.example:8443"]);
            }
            key => assert_eq!(at(&json, key), &expected, "{key}"),
        }
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let (_folder, path) = file("[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n");
    let config = Config::load(Some(&path), env(&[("BFF__HTTP__LISTEN", "127.0.0.1:2")])).unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.http.worker_count(), 3);
    assert_eq!(config.http.body_limit_bytes, 131_072);
}

#[test]
fn lists_from_the_environment_have_two_forms() {
    for text in ["https://a.example,https://b.example", r#"["https://a.example", "https://b.example"]"#] {
        let config = load(&[("BFF__CORS__ALLOWED_ORIGINS", text)]).unwrap();
        assert_eq!(config.cors.allowed_origins, ["https://a.example", "https://b.example"], "{text}");
    }
    assert!(load(&[("BFF__CORS__ALLOWED_ORIGINS", "")]).unwrap().cors.allowed_origins.is_empty());
}

#[test]
fn a_secret_made_of_digits_stays_text() {
    let config = load(&[("BFF__SESSION__SECRET", "0123456789")]).unwrap();
    assert_eq!(config.session.secret.expose_secret(), "0123456789");
}

#[test]
fn all_mistakes_are_told_at_once_with_their_paths() {
    let (_folder, path) = file(concat!(
        "profile = \"staging\"\n",
        "[http]\nlisten = \"nowhere\"\nworkers = -1\nworkerz = 2\n",
        "[htp]\nlisten = 1\n",
        "[upstreams.recipe]\nurl = \"ftp://x\"\ntimeout_ms = \"soon\"\n",
        "[session]\nsame_site = \"none\"\nsecure = false\nidle_ms = 10\n",
        "[cors]\nallowed_origins = [\"https://a.example/path\", \"*\"]\n",
        "[screens]\nhome_feed = 5\n",
        "[store.url]\nx = 1\n",
    ));
    let variables =
        env(&[("BFF__TELEMETRY__LOG", "a=b=c"), ("BFF__CACHE__JITTER_PERCENT", "51"), ("HOME", "/")]);
    let errors = Config::load(Some(&path), variables).unwrap_err();
    let told = errors.to_string();
    let paths: Vec<&str> = errors.mistakes().iter().map(|mistake| mistake.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "cache.jitter_percent",
            "cors.allowed_origins[0]",
            "cors.allowed_origins[1]",
            "htp",
            "http.listen",
            "http.workers",
            "http.workerz",
            "profile",
            "screens.home_feed",
            "session.idle_ms",
            "session.same_site",
            "store.url",
            "telemetry.log",
            "upstreams.recipe.timeout_ms",
            "upstreams.recipe.url",
        ],
        "{told}"
    );
    assert_eq!(told.lines().count(), paths.len());
    assert!(told.contains("http.workerz: unknown key; did you mean `workers`?"), "{told}");
    assert!(
        told.contains("profile: expected \"development\" or \"production\", found \"staging\""),
        "{told}"
    );
}

#[test]
fn a_short_time_needs_no_other_one_to_be_shortened_with_it() {
    let (_folder, path) = file(
        "[session]\nidle_ms = 2000\nabsolute_ms = 1500\n[upstreams.profile]\ntimeout_ms = 100\n[upstreams.recipe]\ntimeout_ms = 1\n",
    );
    let config = Config::load(Some(&path), env(&[])).expect("sound settings");
    assert_eq!(config.touch_every(), Duration::from_millis(200), "a session that is in use does not end");
    let config = Config::load(None, env(&[])).expect("the defaults");
    assert_eq!(config.touch_every(), Duration::from_secs(60));
}

#[test]
fn a_file_that_is_not_there_or_not_toml_is_a_mistake_that_quotes_nothing() {
    let absent = Config::load(Some(Path::new("/nowhere/bff.toml")), env(&[])).unwrap_err().to_string();
    assert!(absent.contains("/nowhere/bff.toml cannot be read"), "{absent}");
    let (_folder, path) = file("[session]\nsecret = \"hunter2hunter2\nx = 1");
    let broken = Config::load(Some(&path), env(&[])).unwrap_err().to_string();
    assert!(broken.contains("bff.toml, line 2: "), "{broken}");
    assert!(!broken.contains("hunter2"), "{broken}");
}

#[test]
fn secrets_are_never_printed() {
    let config = load(&[("BFF__SESSION__SECRET", "hunter2-hunter2")]).unwrap();
    let printed = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
    assert!(!printed.contains("hunter2"), "{printed}");
    let url: StoreUrl = serde_json::from_str("\"redis://user:hunter2@cache.example:6379/0\"").unwrap();
    let printed = format!("{url:?} {}", serde_json::to_string(&url).unwrap());
    assert!(!printed.contains("hunter2") && printed.contains("cache.example"), "{printed}");
    assert_eq!(url.as_str(), "redis://user:hunter2@cache.example:6379/0");
    let url: StoreUrl = serde_json::from_str("\"redis+sentinel://a/b?sentinel_password=hunter2\"").unwrap();
    assert!(!format!("{url:?}").contains("hunter2") && format!("{url:?}").contains("a/b"), "{url:?}");
    let told = mistakes(&[("BFF__STORE__URL", "rediz://user:hunter2@cache.example:6379/0")]);
    assert!(told.starts_with("store.url: ") && !told.contains("hunter2"), "{told}");

    let (_folder, path) = file("[session]\nsecret = 20031106\n[store]\nurl = 20031106\n");
    let told = Config::load(Some(&path), env(&[("BFF__UPSTREAMS__RECIPE__URL", "20031106@x")])).unwrap_err();
    let told = format!("{told} {told:?}");
    assert!(!told.contains("20031106"), "{told}");
}

#[test]
fn the_store_can_be_a_redis_and_its_url_can_come_from_a_file() {
    for url in ["redis://h", "rediss://u:p@h:1/2", "redis+sentinel://a,b:1/main?db=1", "rediss+cluster://a,b"]
    {
        assert_eq!(load(&[("BFF__STORE__URL", url)]).unwrap().store.url.as_str(), url);
    }
    for url in [
        "redis:",
        "redis://",
        "redis:h",
        "redis+sentinel://a,b",
        "redis+cluster://a,,b",
        "redis",
        "embedded:",
    ] {
        assert!(mistakes(&[("BFF__STORE__URL", url)]).starts_with("store.url: "), "{url}");
    }
    for prefix in ["", "a b", "{a}", "*"] {
        assert!(mistakes(&[("BFF__STORE__PREFIX", prefix)]).starts_with("store.prefix: "), "{prefix}");
    }
    let (_folder, path) = file("redis://:hunter2@cache.example\n");
    let name = path.to_str().unwrap();
    let config = load(&[("BFF__STORE__URL_FILE", name)]).unwrap();
    assert_eq!(config.store.url.as_str(), "redis://:hunter2@cache.example");
    let both = mistakes(&[("BFF__STORE__URL_FILE", name), ("BFF__STORE__URL", "memory:")]);
    assert!(both.contains("store.url: ") && !both.contains("hunter2"), "{both}");
}

#[test]
fn the_secret_can_come_from_a_file() {
    let (_folder, path) = file("from-the-file\r\n");
    let name = path.to_str().unwrap();
    let config = load(&[("BFF__SESSION__SECRET_FILE", name)]).unwrap();
    assert_eq!(config.session.secret.expose_secret(), "from-the-file");
    let both = mistakes(&[("BFF__SESSION__SECRET_FILE", name), ("BFF__SESSION__SECRET", "x")]);
    assert!(both.starts_with("session.secret: "), "{both}");
}

#[test]
fn every_token_can_come_from_a_file_and_none_is_printed() {
    let (_folder, path) = file("planted-in-a-file\n");
    let name = path.to_str().unwrap();
    for key in ["REVALIDATE_SECRET", "PROFILE__TOKEN", "TIMELINE__TOKEN", "RECIPE__TOKEN"] {
        let config = load(&[(&format!("BFF__EVENTS__{key}_FILE"), name)]).unwrap();
        let events = &config.events;
        let secrets = [&events.revalidate_secret]
            .into_iter()
            .chain(events.senders.values().map(|sender| &sender.token));
        let set: Vec<_> = secrets.map(|secret| secret.expose_secret()).filter(|s| !s.is_empty()).collect();
        assert_eq!(set, ["planted-in-a-file"], "{key}");
        let printed = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!printed.contains("planted-in-a-file"), "{printed}");
    }
}

#[test]
fn who_may_send_events_and_be_told_is_checked() {
    for (variables, path) in [
        (&[("BFF__EVENTS__RECIPE__TOKEN", "a b")][..], "events.recipe.token"),
        (
            &[("BFF__EVENTS__RECIPE__TOKEN", "same"), ("BFF__EVENTS__PROFILE__TOKEN", "same")],
            "events.recipe.token",
        ),
        (&[("BFF__EVENTS__REVALIDATE_URL", "http://web.example/hook")], "events.revalidate_secret"),
        (
            &[("BFF__EVENTS__REVALIDATE_URL", "web.example"), ("BFF__EVENTS__REVALIDATE_SECRET", "s")],
            "events.revalidate_url",
        ),
        (
            &[
                ("BFF__EVENTS__REVALIDATE_URL", "http://w.example/?k=v"),
                ("BFF__EVENTS__REVALIDATE_SECRET", "s"),
            ],
            "events.revalidate_url",
        ),
        (&[("BFF__LIVE__HEARTBEAT_MS", "60000")], "live.heartbeat_ms"),
    ] {
        let errors = load(variables).expect_err(path);
        assert_eq!(errors.mistakes().len(), 1, "{errors}");
        assert_eq!(errors.mistakes()[0].path, path, "{errors}");
    }
    let (_keys, mut variables) = production();
    variables.extend(env(&[("BFF__EVENTS__RECIPE__TOKEN", "short")]));
    let errors = Config::load(None, variables).expect_err("too short for production");
    assert_eq!(errors.to_string(), "events.recipe.token: is shorter than 32 bytes");
}

#[test]
fn keys_for_different_purposes_differ() {
    let config = Config::defaults().unwrap();
    assert_eq!(config.derive_key("csrf"), config.derive_key("csrf"));
    assert_ne!(config.derive_key("csrf"), config.derive_key("user-hash"));
    let other = load(&[("BFF__SESSION__SECRET", "another")]).unwrap();
    assert_ne!(config.derive_key("csrf"), other.derive_key("csrf"));
}

#[test]
fn production_starts_with_a_secret_and_a_key_and_no_origins() {
    let (_keys, variables) = production();
    let config = Config::load(None, variables).unwrap();
    assert!(config.cors.allowed_origins.is_empty());
    assert!(config.logs_json());
    let cookie = config.cookie();
    assert_eq!((cookie.name.as_str(), cookie.secure, cookie.domain), ("__Host-Http-sid", true, None));
}

#[test]
fn production_refuses_what_is_unsafe() {
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().to_str().unwrap();
    let table = [
        ("BFF__CORS__ALLOWED_ORIGINS", "*", "cors.allowed_origins[0]"),
        ("BFF__CORS__ALLOWED_ORIGINS", "https://a.example/", "cors.allowed_origins[0]"),
        ("BFF__CORS__ALLOWED_ORIGINS", "https://a.example:443", "cors.allowed_origins[0]"),
        ("BFF__CORS__ALLOWED_ORIGINS", "https://*.example.org", "cors.allowed_origins[0]"),
        ("BFF__CORS__ALLOWED_ORIGINS", "null", "cors.allowed_origins[0]"),
        ("BFF__SESSION__SECURE", "false", "session.secure"),
        ("BFF__SESSION__SECRET", DEVELOPMENT_SECRET, "session.secret"),
        ("BFF__SESSION__SECRET", "short", "session.secret"),
        ("BFF__SESSION__SECRET", "", "session.secret"),
        ("BFF__KEYS__DIR", "/nowhere/keys", "keys.dir"),
        ("BFF__KEYS__DIR", empty, "keys.dir"),
        ("BFF__INTERNAL__LISTEN", "127.0.0.1:8080", "internal.listen"),
        ("BFF__INTERNAL__LISTEN", "0.0.0.0:8080", "internal.listen"),
    ];
    for (name, value, path) in table {
        let (_keys, mut variables) = production();
        variables.retain(|(other, _)| other != name);
        variables.extend(env(&[(name, value)]));
        let errors = Config::load(None, variables).expect_err(value);
        assert_eq!(errors.mistakes().len(), 1, "{name}={value}: {errors}");
        assert_eq!(errors.mistakes()[0].path, path, "{name}={value}");
    }
    // Without anything set: the secret and the keys.
    let bare =
        Config::load(None, env(&[("BFF__PROFILE", "production"), ("BFF__KEYS__DIR", empty)])).unwrap_err();
    assert_eq!(
        bare.mistakes().iter().map(|m| m.path.as_str()).collect::<Vec<_>>(),
        ["keys.dir", "session.secret"]
    );
}

#[test]
fn the_cookie_follows_profile_address_and_attributes() {
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, bool);
    let table: [Row<'_>; 6] = [
        (&[], "sid", false),
        (&[("BFF__HTTP__LISTEN", "0.0.0.0:8080")], "__Host-Http-sid", true),
        (&[("BFF__SESSION__SECURE", "true")], "__Host-Http-sid", true),
        (&[("BFF__SESSION__SAME_SITE", "none")], "__Http-sid", true),
        (&[("BFF__SESSION__SECURE", "true"), ("BFF__SESSION__DOMAIN", "example.org")], "__Http-sid", true),
        (&[("BFF__SESSION__COOKIE_NAME", "id")], "id", false),
    ];
    for (variables, name, secure) in table {
        let cookie = load(variables).unwrap().cookie();
        assert_eq!((cookie.name.as_str(), cookie.secure), (name, secure), "{variables:?}");
    }
    for (variables, path) in [
        (&[("BFF__SESSION__SECURE", "false"), ("BFF__HTTP__LISTEN", "0.0.0.0:8080")], "session.secure"),
        (&[("BFF__SESSION__SECURE", "false"), ("BFF__SESSION__SAME_SITE", "none")], "session.same_site"),
        (
            &[("BFF__SESSION__SECURE", "false"), ("BFF__SESSION__COOKIE_NAME", "__Host-a")],
            "session.cookie_name",
        ),
        (&[("BFF__SESSION__COOKIE_NAME", "a;b"), ("BFF__SESSION__SECURE", "true")], "session.cookie_name"),
        (
            &[("BFF__SESSION__COOKIE_NAME", "__Secure-a"), ("BFF__SESSION__SECURE", "false")],
            "session.cookie_name",
        ),
        (&[("BFF__SESSION__DOMAIN", "a b"), ("BFF__SESSION__SECURE", "true")], "session.domain"),
        (
            &[("BFF__SESSION__CLEAR_SITE_DATA", "storage,cash"), ("BFF__SESSION__SECURE", "true")],
            "session.clear_site_data[1]",
        ),
        (
            &[("BFF__SESSION__CLEAR_SITE_DATA", "\"storage\""), ("BFF__SESSION__SECURE", "true")],
            "session.clear_site_data[0]",
        ),
        (
            &[("BFF__SESSION__CLEAR_SITE_DATA", "storage,cache,storage"), ("BFF__SESSION__SECURE", "true")],
            "session.clear_site_data[2]",
        ),
        (
            &[("BFF__SESSION__CLEAR_SITE_DATA", "cache,*"), ("BFF__SESSION__SECURE", "true")],
            "session.clear_site_data",
        ),
    ] {
        let errors = load(variables).expect_err(path);
        assert_eq!(errors.mistakes()[0].path, path, "{errors}");
    }
}

#[test]
fn what_has_no_effect_or_is_odd_is_warned_of() {
    let config = load(&[
        ("BFF__LIMITS__USER__BURST", "7"),
        ("BFF__FILES__URL", "folder:uploads"),
        ("BFF__INTERNAL__LISTEN", "0.0.0.0:9090"),
        ("BFF__SESSION__CLEAR_SITE_DATA", "storage,cookies"),
    ])
    .unwrap();
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for path in ["internal.listen", "files.url", "session.clear_site_data"] {
        assert!(warnings.iter().any(|warning| warning.starts_with(path)), "{path} in {warnings:?}");
    }
}

#[test]
fn limits_are_on_in_production_and_where_one_is_set() {
    let enabled = |variables: &[(&str, &str)]| load(variables).unwrap().limits_enabled();
    assert!(!enabled(&[]));
    for key in
        ["BFF__LIMITS__ANONYMOUS__BURST", "BFF__LIMITS__USER__PER_SECOND", "BFF__LIMITS__CALLER__BURST"]
    {
        assert!(enabled(&[(key, "50")]), "{key}");
        assert!(!enabled(&[(key, "50"), ("BFF__LIMITS__ENABLED", "false")]), "{key}");
    }
    assert!(enabled(&[("BFF__LIMITS__ENABLED", "true")]));
    assert!(!enabled(&[("BFF__LIMITS__SHARED", "false")]), "it says nothing of how many");
    let (_folder, variables) = production();
    assert!(Config::load(None, variables).unwrap().limits_enabled());
}

#[test]
fn a_stop_goes_on_serving_for_a_while_in_production_and_where_that_is_set() {
    let delay = |config: Config| config.http.drain_delay_ms.get();
    let (_folder, variables) = production();
    assert_eq!(delay(load(&[]).unwrap()), 0);
    assert_eq!(delay(load(&[("BFF__HTTP__DRAIN_DELAY_MS", "5000")]).unwrap()), 5000);
    let production = Config::load(None, variables.clone()).unwrap();
    assert_eq!(production.http.drain_delay_ms.get(), 5000);
    assert!(!production.warnings().iter().any(|warning| warning.starts_with("http.")));
    let set = |value: &str| {
        let more = ("BFF__HTTP__DRAIN_DELAY_MS".into(), value.into());
        Config::load(None, variables.clone().into_iter().chain([more]))
    };
    assert_eq!(delay(set("0").unwrap()), 0);
    let long = set("60000").unwrap();
    assert!(long.warnings().iter().any(|warning| warning.starts_with("http.drain_delay_ms")));
    assert!(set("600001").unwrap_err().to_string().contains("http.drain_delay_ms"));
}

#[test]
fn limits_and_throttles_that_make_no_sense_are_refused() {
    for (variable, value, path) in [
        ("BFF__LIMITS__USER__PER_SECOND", "0", "limits.user.per_second"),
        ("BFF__LIMITS__CALLER__BURST", "0", "limits.caller.burst"),
        ("BFF__LIMITS__ENABLED", "sometimes", "limits.enabled"),
        ("BFF__LIMITS__SHARED", "true", "limits.shared"),
        ("BFF__THROTTLE__ACCOUNT_FAILURES", "0", "throttle.account_failures"),
        ("BFF__THROTTLE__ADDRESS_FAILURES", "0", "throttle.address_failures"),
        ("BFF__THROTTLE__WINDOW_MS", "0", "throttle.window_ms"),
        ("BFF__IDEMPOTENCY__IN_FLIGHT_MS", "999", "idempotency.in_flight_ms"),
        ("BFF__IDEMPOTENCY__ANONYMOUS_KEYS", "0", "idempotency.anonymous_keys"),
        ("BFF__IDEMPOTENCY__ANONYMOUS_WINDOW_MS", "0", "idempotency.anonymous_window_ms"),
    ] {
        let errors = load(&[(variable, value)]).expect_err(path);
        assert_eq!(errors.mistakes()[0].path, path, "{errors}");
    }
}

#[test]
fn the_schema_describes_every_key_with_its_default() {
    let schema = config_schema();
    for key in default_keys() {
        let property = key.split('.').fold(&schema, |schema, key| match &schema["properties"][key] {
            Value::Null => &schema["additionalProperties"],
            named => named,
        });
        assert!(key == "session.secret" || property.get("default").is_some(), "{key} has no default");
    }
    let text = schema.to_string();
    assert!(!text.contains("\"required\"") && !text.contains(DEVELOPMENT_SECRET));
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
    assert!(schema["properties"]["http"]["properties"]["listen"]["description"].is_string());
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_is_a_mistake_without_its_value() {
    use std::os::unix::ffi::OsStringExt;
    let variables = vec![("BFF__SESSION__SECRET".into(), OsString::from_vec(vec![0x68, 0xff]))];
    let errors = Config::load(None, variables).unwrap_err();
    assert_eq!(errors.to_string(), "session.secret: the environment variable is not UTF-8");
}

const PROVIDER: &str = "[oidc.company]\nissuer = \"https://id.example\"\nclient_id = \"bff\"\n";

#[test]
fn any_number_of_providers_can_be_named_by_file_and_environment() {
    let (_folder, path) =
        file(&format!("{PROVIDER}client_secret = \"planted\"\n[oidc.other]\nclient_id = \"x\"\n"));
    let config = Config::load(
        Some(&path),
        env(&[
            ("BFF__OIDC__OTHER__ISSUER", "http://127.0.0.1:9000/o"),
            ("BFF__OIDC__OTHER__CLIENT_SECRET", "0123"),
            ("BFF__OIDC__THIRD__ISSUER", "https://third.example/"),
            ("BFF__OIDC__THIRD__CLIENT_ID", "third"),
            ("BFF__OIDC__THIRD__TOKEN_AUTH", "none"),
        ]),
    )
    .unwrap();
    assert_eq!(config.oidc.keys().collect::<Vec<_>>(), ["company", "other", "third"]);
    let (company, other) = (&config.oidc["company"], &config.oidc["other"]);
    assert_eq!(
        (company.issuer.as_str(), company.token_auth),
        ("https://id.example", TokenAuth::ClientSecretBasic)
    );
    assert_eq!((company.scopes.as_str(), company.timeout_ms.get()), ("openid email profile", 5000));
    assert_eq!((other.client_id.as_str(), other.client_secret.expose_secret()), ("x", "0123"));
    assert_eq!(config.oidc["third"].token_auth, TokenAuth::None);
    let shown = format!("{config:?}{}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("planted") && !shown.contains("0123\""), "{shown}");
}

#[test]
fn a_providers_secret_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "from-a-file\n").unwrap();
    let (_folder, path) = file(&format!("{PROVIDER}client_secret_file = {secret:?}\n"));
    assert_eq!(
        Config::load(Some(&path), []).unwrap().oidc["company"].client_secret.expose_secret(),
        "from-a-file"
    );
    let both = env(&[("BFF__OIDC__COMPANY__CLIENT_SECRET", "x")]);
    let refused = Config::load(Some(&path), both).unwrap_err().to_string();
    assert!(refused.starts_with("oidc.company.client_secret: is set besides"), "{refused}");
}

#[test]
fn every_mistake_in_a_provider_is_told() {
    for (key, value, path) in [
        ("ISSUER", "", "oidc.x.issuer: must be an https URL"),
        ("ISSUER", "http://id.example", "oidc.x.issuer: must be an https URL;"),
        ("ISSUER", "https://u:planted@id.example", "oidc.x.issuer: must not have"),
        ("ISSUER", "https://id.example?q", "oidc.x.issuer: must not have"),
        ("CLIENT_ID", "", "oidc.x.client_id: is empty"),
        ("CLIENT_SECRET", "", "oidc.x.client_secret: is empty"),
        ("TOKEN_AUTH", "none", "oidc.x.client_secret: is set"),
        ("TOKEN_AUTH", "private_key_jwt", "oidc.x.token_auth: expected"),
        ("SCOPES", "email", "oidc.x.scopes: must have"),
        ("SCOPES", "openid  email", "oidc.x.scopes: must be names"),
        ("TIMEOUT_MS", "0", "oidc.x.timeout_ms: must be"),
        ("SECOND_FACTOR", "none", "oidc.x.second_factor: expected"),
        ("SECOND_FACTOR_PAGE", "//evil.example", "oidc.x.second_factor_page: must be a path"),
        ("SECOND_FACTOR_PAGE", "https://evil.example/x", "oidc.x.second_factor_page: must be a path"),
        ("SECOND_FACTOR_PAGE", "/a b", "oidc.x.second_factor_page: must be a path"),
        ("CLIENT", "x", "oidc.x.client: unknown key"),
    ] {
        let name = format!("BFF__OIDC__X__{key}");
        let mut variables = vec![
            ("BFF__OIDC__X__ISSUER", "https://id.example"),
            ("BFF__OIDC__X__CLIENT_ID", "bff"),
            ("BFF__OIDC__X__CLIENT_SECRET", "planted"),
        ];
        variables.retain(|(other, _)| *other != name);
        variables.push((&name, value));
        let found = mistakes(&variables);
        assert!(found.starts_with(path) && !found.contains("planted"), "{found}");
    }
    let (_folder, path) = file(&PROVIDER.replace("company", "Company_1"));
    let found = Config::load(Some(&path), []).unwrap_err().to_string();
    assert!(found.contains("oidc.Company_1: its name must be"), "{found}");
    let (_folder, path) = file("[oidc]\ncompany = 1\n");
    assert!(Config::load(Some(&path), []).unwrap_err().to_string().starts_with("oidc.company: "));
}

#[test]
fn production_wants_to_know_where_providers_send_people_back() {
    let (_keys, mut variables) = production();
    variables.extend(env(&[
        ("BFF__OIDC__X__ISSUER", "http://127.0.0.1:9000"),
        ("BFF__OIDC__X__CLIENT_ID", "bff"),
        ("BFF__OIDC__X__CLIENT_SECRET", "planted"),
    ]));
    let found = Config::load(None, variables.clone()).unwrap_err().to_string();
    assert!(found.contains("http.public_url: is empty") && found.contains("oidc.x.issuer: "), "{found}");
    for wrong in ["http://app.example", "https://app.example/", "https://app.example/x", "app.example"] {
        let with = [variables.clone(), env(&[("BFF__HTTP__PUBLIC_URL", wrong)])].concat();
        let found = Config::load(None, with).unwrap_err().to_string();
        assert!(found.contains("http.public_url: must be"), "{found}");
    }
}

#[test]
fn server_side_callers_are_known_by_the_hash_of_their_tokens() {
    let hash = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";
    let config = load(&[("BFF__CALLERS__WEB__TOKEN_SHA256", hash)]).unwrap();
    assert_eq!(config.callers["web"].token_hash(), Some(Sha256::digest("test").into()));
    for (variables, path) in [
        (&[("BFF__CALLERS__WEB__TOKEN_SHA256", "")][..], "callers.web.token_sha256"),
        (&[("BFF__CALLERS__WEB__TOKEN_SHA256", &hash[1..])], "callers.web.token_sha256"),
        (&[("BFF__CALLERS__WEB__TOKEN_SHA256", &hash.replace('F', "g"))], "callers.web.token_sha256"),
        (
            &[(
                "BFF__CALLERS__WEB__TOKEN_SHA256",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            )],
            "callers.web.token_sha256",
        ),
        (
            &[
                ("BFF__CALLERS__APP__TOKEN_SHA256", hash),
                ("BFF__CALLERS__WEB__TOKEN_SHA256", &hash.to_lowercase()),
            ],
            "callers.web.token_sha256",
        ),
        (&[("BFF__CALLERS__WE_B__TOKEN_SHA256", hash)], "callers.we_b"),
        (&[("BFF__CALLERS__WEB__TOKEN", "planted")], "callers.web.token"),
    ] {
        let errors = load(variables).expect_err(path);
        assert!(errors.mistakes().iter().any(|mistake| mistake.path == path), "{errors}");
        assert!(!errors.to_string().contains("planted"), "{errors}");
    }
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let config = load(&[("BFF__HTTP__TRUSTED_PROXIES", "10.1.2.3/8, 192.0.2.7, 2001:db8::/32,::1")]).unwrap();
    let shown = serde_json::to_value(&config.http.trusted_proxies).unwrap();
    assert_eq!(shown, serde_json::json!(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::1/128"]));
    assert!(config.warnings().is_empty());
    for wrong in ["10.0.0.0/33", "proxy.example", "10.0.0", "*"] {
        let told = mistakes(&[("BFF__HTTP__TRUSTED_PROXIES", wrong)]);
        assert!(told.starts_with("http.trusted_proxies: ") && told.contains(wrong), "{told}");
    }
    let open = load(&[("BFF__HTTP__TRUSTED_PROXIES", "0.0.0.0/0")]).unwrap();
    assert!(open.warnings()[0].starts_with("http.trusted_proxies"), "{:?}", open.warnings());
}
