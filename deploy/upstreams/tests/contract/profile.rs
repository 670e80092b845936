use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};
use upstreams::{Running, Service};

use crate::gateway::Gateway;

pub(crate) const PASSWORD: &str = "correct-horse-battery";

pub(crate) async fn sign_up(gateway: &Gateway, profile: &Running, username: &str) -> String {
    let nobody = gateway.caller(profile, "profile", None);
    let email = format!("{username}@example.org");
    let body = json!({"email": email, "username": username, "password": PASSWORD});
    let me = nobody.post("/members", body).await.expect(201);
    me["id"].as_str().expect("an id").to_owned()
}

pub(crate) async fn verify(gateway: &Gateway, profile: &Running, body: Value) -> (u16, String) {
    let answer = gateway.caller(profile, "profile", None).post("/members/verify", body).await;
    let (status, code) = answer.code();
    (status, code.to_owned())
}

/// The code of a step, worked out on its own (RFC 6238).
pub(crate) fn code(secret: &str, step: u64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = secret.chars().map(|c| format!("{:05b}", alphabet.find(c).expect("base32"))).collect();
    let bytes: Vec<u8> =
        (0..bits.len() / 8).map(|n| u8::from_str_radix(&bits[n * 8..n * 8 + 8], 2).expect("bits")).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let digest = tag.as_ref();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().expect("four")) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[tokio::test]
async fn one_signs_up_once() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let id = sign_up(&gateway, &profile, "ada").await;
    let nobody = gateway.caller(&profile, "profile", None);
    let taken =
        |email: &str, username: &str| json!({"email": email, "username": username, "password": PASSWORD});
    for (email, username, code) in [
        ("ADA@example.org", "other", "email_taken"),
        ("other@example.org", "Ada", "username_taken"),
        ("ada@example.org", "ada", "email_taken"),
    ] {
        let answer = nobody.post("/members", taken(email, username)).await;
        assert_eq!(answer.code(), (409, code));
    }
    for (field, value) in [
        ("email", json!("nobody")),
        ("username", json!("a b")),
        ("password", json!("short")),
        ("password", json!("x".repeat(257))),
        ("password", json!(12_345_678)),
        ("admin", json!(true)),
    ] {
        let mut body = taken("new@example.org", "new");
        body[field] = value;
        let answer = nobody.post("/members", body).await;
        assert_eq!((answer.status.as_u16(), answer.field().0), (422, field));
    }
    let member = nobody.get(&format!("/members/{id}")).await.expect(200);
    assert_eq!(member["username"], "ada");
    assert!(member.get("email").is_none(), "an address is for its owner");
}

#[tokio::test]
async fn simultaneous_sign_ups_with_one_name_make_one_member() {
    let gateway = Gateway::spawn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("profile.db");
    let profile = gateway.start_with(Service::Profile, |options| options.database = Some(file)).await;
    let nobody = gateway.caller(&profile, "profile", None);
    let calls = (0..20).map(|n| {
        let body = json!({"email": format!("a{n}@example.org"), "username": "ada", "password": PASSWORD});
        nobody.post("/members", body)
    });
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 201 || answer.code() == (409, "username_taken")));
}

#[tokio::test]
async fn a_password_is_verified_by_name_or_address() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let id = sign_up(&gateway, &profile, "ada").await;
    for login in ["ada", "ADA", "ada@example.org", "Ada@Example.ORG"] {
        let body = json!({"login": login, "password": PASSWORD});
        let me = gateway.caller(&profile, "profile", None).post("/members/verify", body).await.expect(200);
        assert_eq!((&me["id"], &me["email"]), (&json!(id), &json!("ada@example.org")));
        assert_eq!(me["totpEnabled"], false);
    }
    for (login, password) in [("ada", "wrong-horse"), ("nobody", PASSWORD), ("ada", " ")] {
        let body = json!({"login": login, "password": password});
        assert_eq!(verify(&gateway, &profile, body).await, (401, "bad_credentials".to_owned()));
    }
}

#[tokio::test]
async fn a_member_changes_what_is_theirs() {
    let gateway = Gateway::spawn().await;
    let profile = gateway
        .start_with(Service::Profile, |options| {
            options.asset_base = Some("https://img.example/a".parse().expect("a URL"));
        })
        .await;
    let id = sign_up(&gateway, &profile, "ada").await;
    let ada = gateway.caller(&profile, "profile", Some(&id));
    let patch = json!({"displayName": "에이다", "bio": "밥", "avatarKey": "a/1.webp"});
    let me = ada.call_with(Method::PATCH, "/members/me", patch).await.expect(200);
    assert_eq!(me["displayName"], "에이다");
    assert_eq!(me["avatarUrl"], "https://img.example/a/a/1.webp");
    let me = ada.call_with(Method::PATCH, "/members/me", json!({"bio": ""})).await.expect(200);
    assert_eq!(me["avatarUrl"], "https://img.example/a/a/1.webp", "what is absent stays");
    let me =
        ada.call_with(Method::PATCH, "/members/me", json!({"bio": "", "avatarKey": null})).await.expect(200);
    assert_eq!(me["avatarUrl"], Value::Null);
    assert_eq!((&me["bio"], &me["displayName"]), (&Value::Null, &json!("에이다")));
    for (field, value) in
        [("displayName", "x".repeat(81)), ("bio", "x".repeat(1001)), ("avatarKey", "../x".into())]
    {
        let answer = ada.call_with(Method::PATCH, "/members/me", json!({field: value})).await;
        assert_eq!((answer.status.as_u16(), answer.field().0), (422, field));
    }
    let nobody = gateway.caller(&profile, "profile", None);
    assert_eq!(nobody.get("/members/me").await.code(), (403, "no_acting_user"));
    let ghost = gateway.caller(&profile, "profile", Some("ghost"));
    assert_eq!(ghost.get("/members/me").await.code(), (404, "not_found"));
}

#[tokio::test]
async fn cards_come_in_the_order_asked_for_and_unknown_ones_are_left_out() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let (ada, bora) = (sign_up(&gateway, &profile, "ada").await, sign_up(&gateway, &profile, "bora").await);
    let nobody = gateway.caller(&profile, "profile", None);
    let cards = nobody.get(&format!("/members?ids={bora},nobody,{ada},{bora}")).await.expect(200);
    let names: Vec<_> =
        cards["items"].as_array().expect("items").iter().map(|card| &card["username"]).collect();
    assert_eq!(names, ["bora", "ada"]);
    assert_eq!(nobody.get("/members").await.field(), ("ids", "invalid_id"));
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_counts_twice() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let id = sign_up(&gateway, &profile, "ada").await;
    let ada = gateway.caller(&profile, "profile", Some(&id));
    let sign_in = |otp: Value| {
        let mut body = json!({"login": "ada", "password": PASSWORD});
        if !otp.is_null() {
            body["otp"] = otp;
        }
        verify(&gateway, &profile, body)
    };
    assert_eq!(
        ada.post("/members/me/totp/confirm", json!({"code": "000000"})).await.code(),
        (409, "totp_not_enrolled")
    );
    for body in [json!({}), json!({"password": "wrong-horse"})] {
        assert_eq!(ada.post("/members/me/totp", body).await.code(), (401, "bad_credentials"));
    }
    let check = |code: &str| ada.post("/members/me/totp/verify", json!({"code": code}));
    assert_eq!(check("000000").await.code(), (409, "totp_not_enrolled"));
    let enrolment = ada.post("/members/me/totp", json!({"password": PASSWORD})).await.expect(200);
    let secret = enrolment["secret"].as_str().expect("a secret");
    assert_eq!(secret.len(), 32);
    assert_eq!(
        enrolment["otpauthUri"],
        format!(
            "otpauth://totp/Recipe%20book:ada?secret={secret}&issuer=Recipe%20book&algorithm=SHA1&digits=6&period=30"
        )
    );
    assert_eq!(sign_in(Value::Null).await.0, 200, "not before it is confirmed");

    let step = jsonwebtoken::get_current_timestamp() / 30;
    let wrong = ada.post("/members/me/totp/confirm", json!({"code": "abcdef"})).await;
    assert_eq!((wrong.code(), wrong.field()), ((422, "otp_invalid"), ("code", "otp_invalid")));
    let first = code(secret, step);
    let confirmed = ada.post("/members/me/totp/confirm", json!({"code": first})).await.expect(200);
    let recovery: Vec<String> =
        serde_json::from_value(confirmed["recoveryCodes"].clone()).expect("a list of codes");
    assert_eq!(recovery.len(), 10);
    assert_eq!(
        ada.post("/members/me/totp", json!({"password": PASSWORD})).await.code(),
        (409, "totp_enabled")
    );

    let refused = |code: &str| (401, code.to_owned());
    assert_eq!(sign_in(Value::Null).await, refused("otp_required"));
    assert_eq!(sign_in(json!("nonsense")).await, refused("otp_invalid"));
    assert_eq!(sign_in(json!(first)).await, refused("otp_invalid"), "confirming used it up");
    let next = code(secret, step + 1);
    assert_eq!(sign_in(json!(next)).await.0, 200);
    assert_eq!(sign_in(json!(next)).await, refused("otp_invalid"), "a replay");
    assert_eq!(sign_in(json!(code(secret, step))).await, refused("otp_invalid"), "an earlier one");

    assert_eq!(sign_in(json!(recovery[0].to_uppercase())).await.0, 200);
    assert_eq!(sign_in(json!(recovery[0])).await, refused("otp_invalid"), "single use");
    let wrong_password = json!({"login": "ada", "password": "wrong-horse", "otp": recovery[1]});
    assert_eq!(verify(&gateway, &profile, wrong_password).await, refused("bad_credentials"));
    assert_eq!(sign_in(json!(recovery[1])).await.0, 200, "a wrong password uses no code up");

    // The same codes beside what a provider says.
    assert_eq!(check("nonsense").await.code(), (422, "otp_invalid"));
    assert_eq!(check(&next).await.code(), (422, "otp_invalid"), "a replay");
    check(&recovery[4]).await.expect(204);
    assert_eq!(check(&recovery[4]).await.code(), (422, "otp_invalid"), "single use");
    assert_eq!(sign_in(json!(recovery[4])).await, refused("otp_invalid"));

    let off = |code: String| ada.call_with(Method::DELETE, "/members/me/totp", json!({"code": code}));
    assert_eq!(off("000".to_owned()).await.code(), (422, "otp_invalid"));
    off(recovery[2].clone()).await.expect(204);
    assert_eq!(sign_in(Value::Null).await.0, 200);
    assert_eq!(off(recovery[3].clone()).await.code(), (409, "totp_not_enrolled"));
}

#[tokio::test]
async fn an_identity_leads_to_one_member_and_never_to_a_strangers() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let ada = sign_up(&gateway, &profile, "ada").await;
    let nobody = gateway.caller(&profile, "profile", None);
    let find = |subject: &str, email: &str| {
        let body =
            json!({"issuer": "https://id.example", "subject": subject, "email": email, "name": "에이다 리"});
        nobody.call_with(Method::PUT, "/members/by-identity", body)
    };
    let made = find("1", "new@example.org").await.expect(200);
    assert_eq!((&made["username"], &made["displayName"]), (&json!("new"), &json!("에이다 리")));
    assert_eq!(find("1", "changed@example.org").await.expect(200)["id"], made["id"]);
    let squatted = find("2", "ADA@example.org").await.expect(200);
    assert_ne!(squatted["id"], json!(ada));
    assert_eq!(squatted["email"], "");
    assert_ne!(squatted["username"], "ada");
    let bare = nobody
        .call_with(
            Method::PUT,
            "/members/by-identity",
            json!({"issuer": "https://id.example", "subject": "3"}),
        )
        .await
        .expect(200);
    assert_eq!(bare["username"], "member");
    let calls = (0..10).map(|_| find("4", "four@example.org"));
    let ids: Vec<_> = futures_util::future::join_all(calls)
        .await
        .into_iter()
        .map(|answer| answer.expect(200)["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let body = json!({"login": "new", "password": PASSWORD});
    assert_eq!(verify(&gateway, &profile, body).await.0, 401, "no password, no sign-in with one");
}

#[tokio::test]
async fn an_unknown_account_takes_as_long_as_a_known_one() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start_with(Service::Profile, |options| options.cheap_passwords = false).await;
    sign_up(&gateway, &profile, "ada").await;
    // The fastest of many: other work on the machine only adds to it, to both alike if one goes on for long enough.
    let mut fastest = [u128::MAX; 2];
    for round in 1..=60 {
        for (place, login) in ["ada", "nobody"].into_iter().enumerate() {
            let began = std::time::Instant::now();
            let body = json!({"login": login, "password": "wrong-horse"});
            assert_eq!(verify(&gateway, &profile, body).await.0, 401);
            fastest[place] = fastest[place].min(began.elapsed().as_micros());
        }
        let ratio = fastest[0] as f64 / fastest[1] as f64;
        if round >= 7 && (0.5..2.0).contains(&ratio) {
            return;
        }
    }
    panic!("{fastest:?} µs");
}

#[tokio::test]
async fn members_outlive_the_process() {
    let gateway = Gateway::spawn().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = || Some(folder.path().join("profile.db"));
    let profile = gateway.start_with(Service::Profile, |options| options.database = file()).await;
    sign_up(&gateway, &profile, "ada").await;
    let began = std::time::Instant::now();
    profile.stop().await;
    assert!(began.elapsed() < std::time::Duration::from_millis(1500), "an idle connection holds nothing up");
    let profile = gateway.start_with(Service::Profile, |options| options.database = file()).await;
    let body = json!({"login": "ada", "password": PASSWORD});
    assert_eq!(verify(&gateway, &profile, body).await.0, 200);
}
