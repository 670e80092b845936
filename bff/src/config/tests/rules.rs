//! What is refused, what is warned of, and what follows from several keys.

use super::*;

#[test]
fn all_mistakes_are_told_at_once_with_their_paths() {
    let (_folder, path) = file(concat!(
        "profile = \"staging\"\n",
        "[http]\nlisten = \"nowhere\"\nworkers = -1\nworkerz = 2\n",
        "[htp]\nlisten = 1\n",
        "[upstreams.goods]\nurl = \"ftp://x\"\ntimeout_ms = \"soon\"\n",
        "[session]\nsame_site = \"none\"\nsecure = false\nidle_ms = 10\n",
        "[cors]\nallowed_origins = [\"https://a.example/path\", \"*\"]\n",
        "[screens]\nfront_page = 5\n",
        "[store.url]\nx = 1\n",
    ));
    let variables =
        env(&[("BFF__TELEMETRY__LOG", "a=b=c"), ("BFF__CACHE__JITTER_PERCENT", "51"), ("HOME", "/")]);
    let errors = load_with(Some(&path), variables).unwrap_err();
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
            "screens.front_page",
            "session.idle_ms",
            "session.same_site",
            "store.url",
            "telemetry.log",
            "upstreams.goods.timeout_ms",
            "upstreams.goods.url",
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
        "[session]\nidle_ms = 2000\nabsolute_ms = 1500\n[upstreams.accounts]\ntimeout_ms = 100\n[upstreams.goods]\ntimeout_ms = 1\n",
    );
    let config = load_with(Some(&path), env(&[])).expect("sound settings");
    assert_eq!(config.touch_every(), Duration::from_millis(200), "a session that is in use does not end");
    let config = load_with(None, env(&[])).expect("the defaults");
    assert_eq!(config.touch_every(), Duration::from_secs(60));
}

#[test]
fn who_may_send_events_and_be_told_is_checked() {
    for (variables, path) in [
        (&[("BFF__EVENTS__GOODS__TOKEN", "a b")][..], "events.goods.token"),
        (
            &[("BFF__EVENTS__GOODS__TOKEN", "same"), ("BFF__EVENTS__ACCOUNTS__TOKEN", "same")],
            "events.goods.token",
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
    variables.extend(env(&[("BFF__EVENTS__GOODS__TOKEN", "short")]));
    let errors = load_with(None, variables).expect_err("too short for production");
    assert_eq!(errors.to_string(), "events.goods.token: is shorter than 32 bytes");
}

#[test]
fn production_starts_with_a_secret_and_a_key_and_no_origins() {
    let (_keys, variables) = production();
    let config = load_with(None, variables).unwrap();
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
        let errors = load_with(None, variables).expect_err(value);
        assert_eq!(errors.mistakes().len(), 1, "{name}={value}: {errors}");
        assert_eq!(errors.mistakes()[0].path, path, "{name}={value}");
    }
    // Without anything set: the secret and the keys.
    let bare =
        load_with(None, env(&[("BFF__PROFILE", "production"), ("BFF__KEYS__DIR", empty)])).unwrap_err();
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
        ("BFF__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:4317"),
        ("BFF__INTERNAL__LISTEN", "0.0.0.0:9090"),
        ("BFF__SESSION__CLEAR_SITE_DATA", "storage,cookies"),
    ])
    .unwrap();
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for path in ["internal.listen", "telemetry.otlp_endpoint", "session.clear_site_data"] {
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
    assert!(load_with(None, variables).unwrap().limits_enabled());
}

#[test]
fn a_stop_goes_on_serving_for_a_while_in_production_and_where_that_is_set() {
    let delay = |config: Config| config.http.drain_delay_ms.get();
    let (_folder, variables) = production();
    assert_eq!(delay(load(&[]).unwrap()), 0);
    assert_eq!(delay(load(&[("BFF__HTTP__DRAIN_DELAY_MS", "5000")]).unwrap()), 5000);
    let production = load_with(None, variables.clone()).unwrap();
    assert_eq!(production.http.drain_delay_ms.get(), 5000);
    assert!(!production.warnings().iter().any(|warning| warning.starts_with("http.")));
    let set = |value: &str| {
        let more = ("BFF__HTTP__DRAIN_DELAY_MS".into(), value.into());
        load_with(None, variables.clone().into_iter().chain([more]))
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
