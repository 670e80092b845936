//! OpenID providers.

use super::*;

const PROVIDER: &str = "[oidc.company]\nissuer = \"https://id.example\"\nclient_id = \"bff\"\n";

#[test]
fn any_number_of_providers_can_be_named_by_file_and_environment() {
    let (_folder, path) =
        file(&format!("{PROVIDER}client_secret = \"planted\"\n[oidc.other]\nclient_id = \"x\"\n"));
    let config = load_with(
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
        load_with(Some(&path), []).unwrap().oidc["company"].client_secret.expose_secret(),
        "from-a-file"
    );
    let both = env(&[("BFF__OIDC__COMPANY__CLIENT_SECRET", "x")]);
    let refused = load_with(Some(&path), both).unwrap_err().to_string();
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
    let found = load_with(Some(&path), []).unwrap_err().to_string();
    assert!(found.contains("oidc.Company_1: its name must be"), "{found}");
    let (_folder, path) = file("[oidc]\ncompany = 1\n");
    assert!(load_with(Some(&path), []).unwrap_err().to_string().starts_with("oidc.company: "));
}

#[test]
fn production_wants_to_know_where_providers_send_people_back() {
    let (_keys, mut variables) = production();
    variables.extend(env(&[
        ("BFF__OIDC__X__ISSUER", "http://127.0.0.1:9000"),
        ("BFF__OIDC__X__CLIENT_ID", "bff"),
        ("BFF__OIDC__X__CLIENT_SECRET", "planted"),
    ]));
    let found = load_with(None, variables.clone()).unwrap_err().to_string();
    assert!(found.contains("http.public_url: is empty") && found.contains("oidc.x.issuer: "), "{found}");
    for wrong in ["http://app.example", "https://app.example/", "https://app.example/x", "app.example"] {
        let with = [variables.clone(), env(&[("BFF__HTTP__PUBLIC_URL", wrong)])].concat();
        let found = load_with(None, with).unwrap_err().to_string();
        assert!(found.contains("http.public_url: must be"), "{found}");
    }
}
