//! Defaults, file and environment, and the schema of the file.

use super::*;

#[test]
fn the_default_file_and_the_structs_have_the_same_keys_and_values() {
    let config = load(&[]).unwrap();
    let tree = Figment::serialize(&config).unwrap().into_dict().unwrap();
    let mut keys = BTreeSet::new();
    leaves(&tree, "", &mut keys);
    assert_eq!(keys, default_keys());

    let (serialized, file) = (serde_json::to_value(&config).unwrap(), default_tree());
    let file = serde_json::to_value(file).unwrap();
    // Not in the file, for production alone, and what the product declares.
    let apart = ["session.secret", "http.drain_delay_ms", "accounts.upstream"];
    let is_declared =
        |key: &str| key.starts_with("upstreams.") && (key.ends_with(".url") || key.ends_with(".audience"));
    for key in keys.iter().filter(|key| !apart.contains(&key.as_str()) && !is_declared(key)) {
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
    let tree = serde_json::to_value(default_tree()).unwrap();
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
            Value::Array(_) if key == "files.types" => {
                ("image/png, image/gif".to_owned(), serde_json::json!(["image/png", "image/gif"]))
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
                    "accounts.upstream" => "goods",
                    "telemetry.format" => "json",
                    "telemetry.log" => "debug",
                    "store.url" => "memory:",
                    "files.url" => "folder:other",
                    "files.accel" => "/other/",
                    "files.visibility" => "private",
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
            assert_eq!(load_with(None, variables).unwrap_err().mistakes()[0].path, key);
            continue;
        }
        if key.ends_with("_file") || key == "site.dir" {
            // Not there from this folder; that it was looked for is what counts.
            let error = load_with(None, variables).unwrap_err();
            assert_eq!(error.mistakes()[0].path, key);
            continue;
        }
        let config = load_with(None, variables).unwrap_or_else(|errors| panic!("{key}: {errors}"));
        let json = serde_json::to_value(&config).unwrap();
        match key.as_str() {
            "session.secret" => assert_eq!(config.session.secret.expose_secret(), "other"),
            "session.secure" => assert_eq!(config.session.secure, Switch::On),
            "limits.enabled" => assert_eq!(config.limits.enabled, Switch::On),
            key if key.ends_with("token")
                || key.ends_with("secret")
                || key.ends_with("secret_access_key") =>
            {
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
    let config = load_with(Some(&path), env(&[("BFF__HTTP__LISTEN", "127.0.0.1:2")])).unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.http.worker_count(), 3);
    assert_eq!(config.http.body_limit_bytes, 131_072);
}

#[test]
fn without_declarations_nobody_signs_in_and_the_rest_is_read_all_the_same() {
    let config = Config::load(None, env(&[("BFF__KEYS__ISSUER", "mine")])).expect("the defaults");
    assert!(config.upstreams.is_empty() && config.events.senders.is_empty() && config.screens.is_empty());
    assert_eq!((config.accounts.upstream.as_str(), config.keys.issuer.as_str()), ("", "mine"));
    let config = Config::load(None, env(&[("BFF__UPSTREAMS__GOODS__URL", "http://goods")])).expect("sound");
    let told: Vec<_> =
        config.warnings().iter().filter(|told| told.starts_with("accounts.upstream")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
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
fn a_file_that_is_not_there_or_not_toml_is_a_mistake_that_quotes_nothing() {
    let absent = load_with(Some(Path::new("/nowhere/bff.toml")), env(&[])).unwrap_err().to_string();
    assert!(absent.contains("/nowhere/bff.toml cannot be read"), "{absent}");
    let (_folder, path) = file("[session]\nsecret = \"hunter2hunter2\nx = 1");
    let broken = load_with(Some(&path), env(&[])).unwrap_err().to_string();
    assert!(broken.contains("bff.toml, line 2: "), "{broken}");
    assert!(!broken.contains("hunter2"), "{broken}");
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
    let errors = load_with(None, variables).unwrap_err();
    assert_eq!(errors.to_string(), "session.secret: the environment variable is not UTF-8");
}
