//! What is a profile, and what of it is kept.

use serde_json::value::RawValue;

use super::{FieldKind, MAX_PROFILE_BYTES, ProfileDocument, ProfileField, ProfileShape};

fn shape() -> ProfileShape {
    ProfileShape::of([
        ProfileField::required("id", FieldKind::Id),
        ProfileField::required("username", FieldKind::Text),
        ProfileField::required("displayName", FieldKind::Text),
        ProfileField::nullable("avatarUrl", FieldKind::Text),
        ProfileField::nullable("settings", FieldKind::Any),
        ProfileField::required("createdAt", FieldKind::Time),
        ProfileField::required("totpEnabled", FieldKind::Flag).or(RawValue::FALSE.to_owned()),
    ])
}

fn read(json: &str) -> Option<ProfileDocument> {
    shape().read(json.as_bytes()).ok()
}

const ADA: &str = r#" { "totpEnabled" : true, "secret": [1, 2], "createdAt":"2026-01-02T03:04:05+09:00",
    "displayName": "A\u0064a \"밥\"", "settings": {"a": [1.50, " b  c\" ", {"d" :null}]}, "username":"ada", "id":"a-1" } "#;

#[test]
fn a_profile_is_cut_to_its_shape_and_its_values_stay_as_they_were_written() {
    let ada = read(ADA).expect("a profile");
    assert_eq!(
        ada.json().get(),
        r#"{"id":"a-1","username":"ada","displayName":"A\u0064a \"밥\"","avatarUrl":null,"settings":{"a":[1.50," b  c\" ",{"d":null}]},"createdAt":"2026-01-02T03:04:05+09:00","totpEnabled":true}"#
    );
    assert_eq!((ada.id().as_str(), ada.username()), ("a-1", Some("ada")));
    assert_eq!((ada.display_name(), ada.avatar_url()), (Some("Ada \"밥\""), None));
    assert!(ada.totp_enabled());
    assert_eq!(ada.field("displayName").map(RawValue::get), Some(r#""A\u0064a \"밥\"""#));
    assert!(ada.field("secret").is_none());
    assert!(!format!("{ada:?}").contains("ada"));

    let open = ProfileShape::open().read(ADA.as_bytes()).expect("a profile");
    assert!(open.json().get().starts_with(r#"{"totpEnabled":true,"secret":[1,2],"createdAt":"#));
    assert_eq!(open.username(), Some("ada"));
}

#[test]
fn a_card_is_fields_of_the_document_in_the_order_that_is_asked_for() {
    let ada = read(ADA).expect("a profile");
    let card = ada.card(["displayName", "id", "avatarUrl", "unknown"]);
    assert_eq!(card.get(), r#"{"displayName":"A\u0064a \"밥\"","id":"a-1","avatarUrl":null,"unknown":null}"#);
    assert_eq!(ada.card(Vec::<String>::new()).get(), "{}");
}

#[test]
fn a_second_factor_is_switched_and_nothing_else_changes() {
    let ada = read(ADA).expect("a profile");
    let off = ada.with_totp_enabled(false).expect("it fits");
    assert!(!off.totp_enabled() && off != ada);
    assert_eq!(off.json().get(), ada.json().get().replace("\"totpEnabled\":true", "\"totpEnabled\":false"));
    assert_eq!(off.with_totp_enabled(true).expect("it fits"), ada);
    let bare = ProfileShape::open().read(br#"{"id":"a"}"#).expect("a profile");
    assert_eq!(
        bare.with_totp_enabled(true).expect("it fits").json().get(),
        r#"{"id":"a","totpEnabled":true}"#
    );
}

#[test]
fn what_is_no_profile_is_refused() {
    let good = r#"{"id":"a","username":"a","displayName":"A","createdAt":"2026-01-02T03:04:05Z"}"#;
    assert!(read(good).is_some_and(|profile| !profile.totp_enabled()));
    for (from, to) in [
        (good, ""),
        (good, "null"),
        (good, "[]"),
        (good, "\"a\""),
        (good, r#"{"id":"a"} {}"#),
        ("\"a\",\"username", "1,\"username"),
        ("\"a\",\"username", "\"a/b\",\"username"),
        ("\"a\",\"username", "null,\"username"),
        ("\"id\":\"a\",", ""),
        ("\"username\":\"a\"", "\"username\":null"),
        ("\"username\":\"a\"", "\"username\":[\"a\"]"),
        ("\"username\":\"a\"", "\"username\":\"a\",\"username\":\"b\""),
        ("\"username\":\"a\"", "\"username\":\"a\",\"unknown\":1,\"unknown\":1"),
        ("\"username\":\"a\"", "\"username\":\"\\ud800\""),
        ("2026-01-02T03:04:05Z", "yesterday"),
        ("\"id\"", "\"totpEnabled\":1,\"id\""),
        ("\"id\"", "\"totpEnabled\":null,\"id\""),
        ("\"id\"", "\"avatarUrl\":false,\"id\""),
    ] {
        assert!(good.contains(from));
        let bad = good.replacen(from, to, 1);
        assert!(read(&bad).is_none(), "{bad}");
    }
    assert!(shape().read(b"{\"id\":\"a\xff\"}").is_err(), "no UTF-8");
    assert!(ProfileShape::open().read(b"{\"id\":\"a\",\"b\":\"\xff\"}").is_err(), "no UTF-8");
}

#[test]
fn a_profile_has_a_size_and_a_depth() {
    let with = |settings: String| {
        let json = format!(r#"{{"id":"a","settings":{settings}}}"#);
        ProfileShape::open().read(json.as_bytes()).is_ok()
    };
    let around = r#"{"id":"a","settings":""}"#.len();
    assert!(with(format!("\"{}\"", "x".repeat(MAX_PROFILE_BYTES - around))));
    assert!(!with(format!("\"{}\"", "x".repeat(MAX_PROFILE_BYTES - around + 1))));
    assert!(with(format!("[{}]", " ".repeat(MAX_PROFILE_BYTES))), "white space is left out");
    assert!(with(format!("{}{}", "[".repeat(127), "]".repeat(127))));
    assert!(!with(format!("{}{}", "[".repeat(128), "]".repeat(128))));
    assert!(with("\"[[[[\\\"[[\"".to_owned()));
}

#[test]
fn a_profile_comes_back_from_a_record_as_it_was_stored() {
    let ada = read(ADA).expect("a profile");
    let stored = serde_json::to_string(&ada).expect("JSON");
    assert_eq!(stored, ada.json().get());
    let back: ProfileDocument = serde_json::from_str(&stored).expect("a profile");
    assert!(back == ada && back.id() == ada.id() && back.username() == ada.username());
    for broken in ["{}", r#"{"id":1}"#, r#"{"id":"a b"}"#, "[]", "null"] {
        let refused = serde_json::from_str::<ProfileDocument>(broken).expect_err("no profile");
        assert!(refused.to_string().starts_with("not a profile"), "{refused}");
    }
}
