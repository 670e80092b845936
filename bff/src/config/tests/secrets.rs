//! Where secrets come from, and that none is shown.

use super::*;

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
    let told = load_with(Some(&path), env(&[("BFF__UPSTREAMS__GOODS__URL", "20031106@x")])).unwrap_err();
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
    for key in ["REVALIDATE_SECRET", "ACCOUNTS__TOKEN", "LEDGER__TOKEN", "GOODS__TOKEN"] {
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
fn keys_for_different_purposes_differ() {
    let config = Config::defaults().unwrap();
    assert_eq!(config.derive_key("csrf"), config.derive_key("csrf"));
    assert_ne!(config.derive_key("csrf"), config.derive_key("user-hash"));
    let other = load(&[("BFF__SESSION__SECRET", "another")]).unwrap();
    assert_ne!(config.derive_key("csrf"), other.derive_key("csrf"));
}
