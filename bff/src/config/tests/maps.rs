//! Upstreams, screens and senders of events under any names.

use super::*;

fn paths(errors: &ConfigErrors) -> Vec<&str> {
    errors.mistakes().iter().map(|mistake| mistake.path.as_str()).collect()
}

#[test]
fn any_number_of_upstreams_can_be_named_by_file_and_environment() {
    let (_folder, path) = file(concat!(
        "[upstreams.orders]\nurl = \"http://127.0.0.1:9201\"\n",
        "[upstreams.my-service]\naudience = \"mine\"\n",
        "[events.orders]\ntoken = \"planted\"\n",
    ));
    let variables = env(&[
        ("BFF__UPSTREAMS__MY_SERVICE__URL", "https://mine.example/v1"),
        ("BFF__UPSTREAMS__MY_SERVICE__TIMEOUT_MS", "70"),
        ("BFF__UPSTREAMS__STOCK__URL", "http://stock"),
        ("BFF__EVENTS__MY_SERVICE__TOKEN", "planted-too"),
    ]);
    let config = load_with(Some(&path), variables).unwrap();
    let names: Vec<_> = config.upstreams.keys().map(String::as_str).collect();
    assert_eq!(names, ["accounts", "goods", "ledger", "my-service", "orders", "stock"]);
    let (mine, orders) = (&config.upstreams["my-service"], &config.upstreams["orders"]);
    assert_eq!((mine.audience.as_str(), orders.audience.as_str()), ("mine", "orders"));
    assert_eq!((mine.url.as_str(), mine.timeout_ms.get()), ("https://mine.example/v1", 70));
    assert_eq!(config.events.senders["my-service"].token.expose_secret(), "planted-too");
    // Everything that was not set is as in the template, and as for those that are declared.
    let known = &config.upstreams["accounts"];
    let mut shown = serde_json::to_value(orders).unwrap();
    for key in ["url", "audience"] {
        shown[key] = serde_json::to_value(known).unwrap()[key].clone();
    }
    assert_eq!(shown, serde_json::to_value(known).unwrap());
    assert!(!format!("{config:?}").contains("planted"));
}

#[test]
fn every_rule_holds_for_every_upstream_and_all_mistakes_are_told() {
    let (_folder, path) = file(concat!(
        "[upstreams.orders]\naudience = \"accounts\"\ntimeout_ms = 0\ntiemout_ms = 5\n",
        "[upstreams.stock]\nurl = \"ftp://x\"\nmax_concurrent = \"many\"\nauthorization = \"planted-token\"\n",
        "[upstreams.graph]\nurl = \"http://x\"\nauthorization = { fil = \"planted-file\" }\n",
        "[upstreams.Bad_Name]\nurl = \"http://x\"\n",
        "[upstreams.\"a.b\"]\ntimeout_ms = \"x\"\n",
        "[events.nobody]\ntoken = \"x\"\n",
        "[screens.order]\nfresh_ms = 999999999\nfresh = 1\n",
    ));
    let errors = load_with(Some(&path), env(&[("BFF__UPSTREAMS__LATE__IDLE_MS", "0")])).unwrap_err();
    assert_eq!(
        paths(&errors),
        [
            "events.nobody",
            "screens.order.fresh",
            "screens.order.fresh_ms",
            "upstreams.Bad_Name",
            "upstreams.a.b",
            "upstreams.graph.authorization",
            "upstreams.late.idle_ms",
            "upstreams.late.url",
            "upstreams.orders.audience",
            "upstreams.orders.tiemout_ms",
            "upstreams.orders.timeout_ms",
            "upstreams.orders.url",
            "upstreams.stock.authorization",
            "upstreams.stock.max_concurrent",
            "upstreams.stock.url",
        ],
        "{errors}"
    );
    assert!(!errors.to_string().contains("planted"), "{errors}");
}

#[test]
fn an_upstream_can_have_a_fixed_token_or_none() {
    let (_folder, token) = file("planted-token\n");
    let (_other, path) = file(&format!(
        "[upstreams.a]\nurl = \"http://a\"\nauthorization = {{ file = {:?} }}\n[upstreams.b]\nurl = \"http://b\"\nauthorization = \"none\"\n",
        token.to_str().unwrap()
    ));
    let named = token.to_str().unwrap();
    let by_variable = ("BFF__UPSTREAMS__B__AUTHORIZATION__FILE", named);
    let config = load_with(Some(&path), env(&[by_variable])).unwrap();
    assert_eq!(config.upstreams["a"].authorization, Authorization::File(named.to_owned()));
    assert_eq!(config.upstreams["b"].authorization.file(), Some(named), "the environment wins");
    assert_eq!(config.upstreams["accounts"].authorization, Authorization::ServiceToken);
    let by_variable = ("BFF__UPSTREAMS__A__AUTHORIZATION", "none");
    let config = load_with(Some(&path), env(&[by_variable])).unwrap();
    assert_eq!(config.upstreams["a"].authorization, Authorization::None);

    for text in ["", "two words", "\u{e4}"] {
        std::fs::write(&token, text).unwrap();
        let errors = load_with(Some(&path), env(&[])).unwrap_err();
        assert_eq!(paths(&errors), ["upstreams.a.authorization"], "{text:?}");
    }
    std::fs::remove_file(&token).unwrap();
    let errors = load_with(Some(&path), env(&[])).unwrap_err();
    assert_eq!(paths(&errors), ["upstreams.a.authorization"]);
    let secret = [("BFF__UPSTREAMS__B__SECRET", HS256_SECRET), ("BFF__UPSTREAMS__A__AUTHORIZATION", "none")];
    let errors = load_with(Some(&path), env(&secret)).unwrap_err();
    assert_eq!(paths(&errors), ["upstreams.b.secret"]);
}

#[test]
fn screens_have_any_names_and_the_defaults_where_none_is_set() {
    let (_folder, path) = file("[screens.order-list]\nfresh_ms = 7\n");
    let config = load_with(Some(&path), env(&[("BFF__SCREENS__ORDER_LIST__STALE_MS", "8")])).unwrap();
    for name in ["order-list", "order_list"] {
        let screen = config.screen(name);
        assert_eq!((screen.fresh_ms.get(), screen.stale_ms.get(), screen.deadline_ms.get()), (7, 8, 800));
    }
    assert_eq!(config.screen("unheard-of").fresh_ms, config.screen("front-page").fresh_ms);
    let (_folder, path) = file("[screens.order-list]\nfresh_ms = 7\n[screens.order_list]\nfresh_ms = 8\n");
    let errors = load_with(Some(&path), env(&[])).unwrap_err();
    assert!(errors.to_string().contains("once more"), "{errors}");
}

#[test]
fn declarations_stand_between_the_defaults_and_the_operator() {
    let declared = serde_json::json!({
        "upstreams": {"orders": {"url": "http://127.0.0.1:9201", "timeout_ms": 70, "idle_ms": 71}},
        "screens": {"order": {"fresh_ms": 5, "stale_ms": 6}},
        "accounts": {"upstream": "orders"},
    });
    let (_folder, path) = file("[upstreams.orders]\ntimeout_ms = 80\n[screens.order]\nfresh_ms = 50\n");
    let config =
        Config::load_over(&declared, Some(&path), env(&[("BFF__UPSTREAMS__ORDERS__IDLE_MS", "81")])).unwrap();
    let orders = &config.upstreams["orders"];
    assert_eq!(config.upstreams.len(), 1, "the defaults name none");
    assert_eq!((orders.timeout_ms.get(), orders.idle_ms.get()), (80, 81));
    assert_eq!((config.screen("order").fresh_ms.get(), config.screen("order").stale_ms.get()), (50, 6));
    let declared = serde_json::json!({
        "http": {"listen": "x"}, "upstreams": {"a": {"x": 1}}, "accounts": {"upstream": "a"},
    });
    let errors = Config::load_over(&declared, None, env(&[])).unwrap_err();
    assert_eq!(paths(&errors), ["http", "upstreams.a.url", "upstreams.a.x"], "{errors}");
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
