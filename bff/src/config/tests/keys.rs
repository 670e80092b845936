//! Rules about secrets, keys and certificates.

use super::*;

const ONE: &str = "one-0123456789abcdef0123456789abcdef";
const TWO: &str = "two-0123456789abcdef0123456789abcdef";

fn texts(secrets: &[SecretString]) -> Vec<&str> {
    secrets.iter().map(|secret| secret.expose_secret()).collect()
}

#[test]
fn each_line_of_the_session_secret_is_a_secret() {
    for (text, expected) in [
        ("one", &["one"][..]),
        ("one\ntwo\n", &["one", "two"]),
        ("\r\none\r\n\r\n two \r\n", &["one", " two "]),
    ] {
        let config = load(&[("BFF__SESSION__SECRET", text)]).unwrap();
        assert_eq!(texts(&config.session_secrets()), expected, "{text:?}");
        let first = load(&[("BFF__SESSION__SECRET", expected[0])]).unwrap();
        assert_eq!(config.derive_key("x"), first.derive_key("x"), "the first one derives");
    }
    for empty in ["", "\n", " \r\n\t\n"] {
        assert_eq!(mistakes(&[("BFF__SESSION__SECRET", empty)]), "session.secret: is empty");
    }
}

#[test]
fn every_secret_must_be_fit_for_production() {
    let (_keys, variables) = production();
    let with = |text: &str| {
        let set = env(&[("BFF__SESSION__SECRET", text)]);
        load_with(None, [variables.clone(), set].concat())
    };
    assert_eq!(with(&format!("{ONE}\n{TWO}\n")).unwrap().session_secrets().len(), 2);
    for bad in ["short", DEVELOPMENT_SECRET] {
        for text in [format!("{ONE}\n{bad}"), format!("{bad}\n{ONE}")] {
            let told = with(&text).unwrap_err().to_string();
            assert!(told.starts_with("session.secret: is ") && !told.contains(ONE), "{told}");
        }
    }
}

#[test]
fn the_secret_file_is_read_again_under_the_same_rules() {
    let (_keys, mut variables) = production();
    let (_folder, path) = file(ONE);
    variables.retain(|(name, _)| name != "BFF__SESSION__SECRET");
    variables.extend(env(&[("BFF__SESSION__SECRET_FILE", path.to_str().unwrap())]));
    let config = load_with(None, variables).unwrap();
    std::fs::write(&path, format!("{TWO}\n{ONE}\n")).unwrap();
    assert_eq!(texts(&config.read_session_secrets().unwrap().unwrap()), [TWO, ONE]);
    assert_eq!(texts(&config.session_secrets()), [ONE], "what was loaded stays as it was");
    for (text, path_of_it) in [("", "session.secret"), ("planted-too-short", "session.secret")] {
        std::fs::write(&path, text).unwrap();
        let mistake = config.read_session_secrets().unwrap_err();
        assert_eq!(mistake.path, path_of_it);
        assert!(!mistake.message.contains("planted"), "{mistake:?}");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(config.read_session_secrets().unwrap_err().path, "session.secret_file");
    let without = Config::defaults().unwrap();
    assert!(without.read_session_secrets().unwrap().is_none(), "nothing to read");
}

#[test]
fn keys_that_would_sign_or_go_too_early_are_refused() {
    for (variables, path) in [
        (&[("BFF__KEYS__POLL_MS", "70000")][..], "keys.poll_ms"),
        (&[("BFF__KEYS__POLL_MS", "99")], "keys.poll_ms"),
        (&[("BFF__KEYS__ANNOUNCE_MS", "9000")], "keys.poll_ms"),
        (&[("BFF__KEYS__DIR", "")], "keys.dir"),
        (&[("BFF__KEYS__ISSUER", "")], "keys.issuer"),
        (&[("BFF__UPSTREAMS__GOODS__AUDIENCE", "bff")], "upstreams.goods.audience"),
    ] {
        let errors = load(variables).expect_err(path);
        assert_eq!(errors.mistakes().len(), 1, "{errors}");
        assert_eq!(errors.mistakes()[0].path, path, "{errors}");
    }
    load(&[("BFF__KEYS__ANNOUNCE_MS", "0"), ("BFF__KEYS__RETIRE_MS", "0")])
        .expect("for those who try it out");
    let (_keys, variables) = production();
    for (name, text, path) in [
        ("BFF__KEYS__ANNOUNCE_MS", "119999", "keys.announce_ms"),
        ("BFF__KEYS__RETIRE_MS", "900000", "keys.retire_ms"),
    ] {
        let told = load_with(None, [variables.clone(), env(&[(name, text)])].concat()).unwrap_err();
        assert_eq!(told.mistakes().len(), 1, "{told}");
        assert_eq!(told.mistakes()[0].path, path);
    }
}

#[test]
fn a_shared_secret_is_long_and_shared_with_one_upstream_alone() {
    let hs256 = ("BFF__UPSTREAMS__GOODS__TOKEN_ALGORITHM", "HS256");
    let secret = |text| ("BFF__UPSTREAMS__GOODS__SECRET", text);
    let path = "upstreams.goods.secret";
    for variables in [
        &[hs256][..],
        &[hs256, secret("0123456789abcdef0123456789abcde")],
        &[secret(HS256_SECRET)],
        &[hs256, secret(ONE), ("BFF__SESSION__SECRET", &format!("{TWO}\n{ONE}"))],
        &[hs256, secret(ONE), ("BFF__EVENTS__GOODS__TOKEN", ONE)],
        &[hs256, secret(ONE), ("BFF__EVENTS__REVALIDATE_SECRET", ONE)],
        &[
            hs256,
            secret(ONE),
            ("BFF__UPSTREAMS__ACCOUNTS__TOKEN_ALGORITHM", "HS256"),
            ("BFF__UPSTREAMS__ACCOUNTS__SECRET", ONE),
        ],
    ] {
        let errors = load(variables).expect_err("refused");
        assert_eq!(errors.mistakes().len(), 1, "{errors}");
        assert_eq!(errors.mistakes()[0].path, path, "{errors}");
        assert!(!errors.to_string().contains(ONE), "{errors}");
    }
    let (_folder, file) = file(&format!("{ONE}\n"));
    let config = load(&[hs256, ("BFF__UPSTREAMS__GOODS__SECRET_FILE", file.to_str().unwrap())]).unwrap();
    assert_eq!(config.upstreams["goods"].secret.expose_secret(), ONE);
    let printed = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
    assert!(!printed.contains(ONE), "{printed}");
    assert!(
        mistakes(&[("BFF__UPSTREAMS__GOODS__TOKEN_ALGORITHM", "none")]).contains("\"EdDSA\" or \"HS256\"")
    );
}

#[test]
fn certificates_are_there_and_for_https() {
    let (_folder, path) = file("PEM");
    let there = path.to_str().unwrap();
    let (https, url) = (("BFF__UPSTREAMS__GOODS__URL", "https://goods.example"), "upstreams.goods");
    let set = |key: &'static str| (key, there);
    let (cert, key, ca) = (
        set("BFF__UPSTREAMS__GOODS__CLIENT_CERT_FILE"),
        set("BFF__UPSTREAMS__GOODS__CLIENT_KEY_FILE"),
        set("BFF__UPSTREAMS__GOODS__CA_FILE"),
    );
    for sound in [&[https, cert][..], &[https, cert, key], &[https, ca], &[https, cert, key, ca]] {
        load(sound).unwrap();
    }
    for (variables, name) in [
        (&[cert][..], "client_cert_file"),
        (&[ca], "ca_file"),
        (&[https, key], "client_key_file"),
        (&[https, ("BFF__UPSTREAMS__GOODS__CA_FILE", "/nowhere/ca.pem")], "ca_file"),
    ] {
        let errors = load(variables).expect_err(name);
        assert_eq!(errors.mistakes().len(), 1, "{errors}");
        assert_eq!(errors.mistakes()[0].path, format!("{url}.{name}"), "{errors}");
    }
}

#[test]
fn users_come_from_an_upstream_or_from_one_provider_alone() {
    let refusal = |variables: &[(&str, &str)]| mistakes(variables);
    assert!(
        refusal(&[("BFF__ACCOUNTS__UPSTREAM", "elsewhere")])
            .contains("accounts.upstream: must be the name of")
    );
    assert!(
        refusal(&[("BFF__ACCOUNTS__UPSTREAM", "")])
            .contains("accounts.upstream: is empty, and no OpenID provider")
    );
    let provider = |name: &str| {
        format!(
            "[oidc.{name}]\nissuer = \"https://{name}.example\"\nclient_id = \"bff\"\nclient_secret = \"x\"\n"
        )
    };
    let (_folder, path) = file(&format!("{}[accounts]\nupstream = \"\"\n", provider("a")));
    assert_eq!(load_with(Some(&path), []).unwrap().accounts.upstream, "");
    let (_folder, path) = file(&format!("{}{}[accounts]\nupstream = \"\"\n", provider("a"), provider("b")));
    let refused = load_with(Some(&path), []).unwrap_err().to_string();
    assert!(refused.contains("accounts.upstream: is empty: with more than one"), "{refused}");
}
