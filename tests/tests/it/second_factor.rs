//! One-time codes: switched on, asked for, switched off.

use aws_lc_rs::hmac;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Fault, PASSWORD, TestBff};

use crate::{fixtures::keys, tokens::app};

const TOTP: &str = "/auth/2fa/totp";
const CONFIRM: &str = "/auth/2fa/totp/confirm";

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

fn step() -> u64 {
    jsonwebtoken::get_current_timestamp() / 30
}

async fn enrol(caller: &Actor) -> Answer {
    caller.from_page(Method::POST, TOTP).json(&json!({ "password": PASSWORD })).send().await
}

async fn remove(caller: &Actor, code: &str) -> Answer {
    caller.from_page(Method::DELETE, TOTP).json(&json!({ "code": code })).send().await
}

/// Switches it on: the secret, the step that was used up, and the answer.
pub(crate) async fn switch_on(caller: &Actor) -> (String, u64, Answer) {
    let secret = enrol(caller).await.expect(200).json()["secret"].as_str().expect("a secret").to_owned();
    let step = step();
    let answer = caller.post(CONFIRM, &json!({ "code": code(&secret, step) })).await.expect(200);
    (secret, step, answer)
}

fn recovery_codes(answer: &Answer) -> Vec<String> {
    serde_json::from_value(answer.json()["recoveryCodes"].clone()).expect("a list of codes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_set_up_with_a_picture() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    ada.post(CONFIRM, &json!({ "code": "000000" })).await.expect_problem(409, "totp_not_enrolled");
    let answer = enrol(&ada).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let setup = answer.json();
    assert_eq!(keys(&setup), ["otpauthUri", "qrSvg", "secret"]);
    let secret = setup["secret"].as_str().expect("a secret");
    assert!(
        setup["otpauthUri"]
            .as_str()
            .is_some_and(|uri| uri.starts_with("otpauth://totp/") && uri.contains(secret))
    );
    let drawn = setup["qrSvg"].as_str().expect("a picture");
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>") && !drawn.contains(secret), "{drawn}");
    assert_ne!(
        enrol(&ada).await.expect(200).json()["secret"],
        setup["secret"],
        "another one takes its place"
    );

    let _ = bff.anonymous().sign_in("ada").await;
    let me = ada.get("/auth/session").await.expect(200).json();
    assert_eq!(me["user"]["totpEnabled"], false, "not before it is confirmed");
    enrol(&bff.anonymous()).await.expect_problem(401, "unauthenticated");
    let forged = ada.request(Method::POST, TOTP).json(&json!({ "password": PASSWORD }));
    forged.send().await.expect_problem(403, "csrf_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_it_is_on_a_sign_in_takes_a_code() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let (secret, used, on) = switch_on(&ada).await;
    assert_eq!(recovery_codes(&on).len(), 10);
    enrol(&ada).await.expect_problem(409, "totp_enabled");

    let nobody = bff.anonymous();
    for path in ["/auth/login", "/auth/token"] {
        let with = |otp: Value| {
            let mut body = json!({ "login": "ada", "password": PASSWORD });
            if !otp.is_null() {
                body["otp"] = otp;
            }
            nobody.signed_out().request(Method::POST, path).json(&body).send()
        };
        with(Value::Null).await.expect_problem(401, "otp_required");
        with(json!("nonsense")).await.expect_problem(401, "otp_invalid");
        with(json!(code(&secret, used))).await.expect_problem(401, "otp_invalid");
    }
    let login = json!({ "login": "ada", "password": PASSWORD, "otp": code(&secret, used + 1) });
    let _ = nobody.request(Method::POST, "/auth/login").json(&login).send().await.expect(200);
    nobody
        .signed_out()
        .request(Method::POST, "/auth/token")
        .json(&login)
        .send()
        .await
        .expect_problem(401, "otp_invalid");
    let recovery = json!({ "login": "ada", "password": PASSWORD, "otp": recovery_codes(&on)[0] });
    let _ = nobody.signed_out().request(Method::POST, "/auth/token").json(&recovery).send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_it_gives_the_session_a_new_id_and_shows_everywhere() {
    let bff = TestBff::spawn().await;
    let (ada, elsewhere, phone) =
        (bff.signed_in("ada").await, bff.signed_in("ada").await, app(&bff, "ada").await);
    for caller in [&ada, &elsewhere, &phone] {
        assert_eq!(caller.get("/bff/me").await.expect(200).json()["profile"]["totpEnabled"], false);
    }
    let expires = ada.get("/auth/session").await.expect(200).json()["expiresAt"].clone();
    let (cookie, csrf) = (ada.cookie(), ada.csrf_token());
    let (_, _, on) = switch_on(&ada).await;
    assert_eq!(on.header("cache-control"), Some("no-store"));
    assert_eq!(keys(&on.json()), ["csrfToken", "recoveryCodes"]);
    assert!(ada.cookie().is_some() && ada.cookie() != cookie);
    let new_csrf = on.json()["csrfToken"].as_str().map(str::to_owned);
    assert_ne!(new_csrf, csrf);
    assert_eq!(on.header("x-csrf-token"), new_csrf.as_deref());
    let session = ada.get("/auth/session").await.expect(200).json();
    assert_eq!(
        (session["csrfToken"].as_str(), &session["user"]["totpEnabled"]),
        (new_csrf.as_deref(), &json!(true))
    );
    assert!(session["expiresAt"].as_str() >= expires.as_str());
    assert_eq!(ada.get("/bff/me").await.expect(200).json()["profile"]["totpEnabled"], true);
    elsewhere.get("/auth/session").await.expect_problem(401, "unauthenticated");
    phone.get("/auth/session").await.expect_problem(401, "invalid_token");
    let old = bff.anonymous();
    old.set_cookie(cookie);
    old.get("/auth/session").await.expect_problem(401, "unauthenticated");

    // The token of before is no good, the new one is.
    let code = &recovery_codes(&on)[0];
    let stale = ada.request(Method::DELETE, TOTP).header("x-csrf-token", &csrf.expect("a token"));
    stale.json(&json!({ "code": code })).send().await.expect_problem(403, "csrf_failed");
    let before = ada.cookie();
    let off = remove(&ada, code).await.expect(204);
    assert_ne!(ada.cookie(), before);
    let session = ada.get("/auth/session").await.expect(200).json();
    assert_eq!(off.header("x-csrf-token"), session["csrfToken"].as_str());
    assert_eq!(session["user"]["totpEnabled"], false);
    let _ = bff.anonymous().sign_in("ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_changes_nothing() {
    let bff = TestBff::spawn().await;
    let phone = app(&bff, "ada").await;
    let _ = enrol(&phone).await.expect(200);
    phone.post(CONFIRM, &json!({ "code": "abcdef" })).await.expect_problem(422, "otp_invalid");
    assert_eq!(
        phone.post(CONFIRM, &json!({ "code": "" })).await.field_errors(),
        [("code".into(), "too_short".into())]
    );
    assert_eq!(phone.post(CONFIRM, &json!({})).await.field_errors(), [("code".into(), "required".into())]);
    remove(&phone, "000000").await.expect_problem(409, "totp_not_enrolled");
    let _ = bff.anonymous().sign_in("ada").await;

    let (_, _, on) = switch_on(&phone).await;
    assert_eq!(keys(&on.json()), ["recoveryCodes"], "an app has no session id to be changed");
    assert_eq!(on.all("set-cookie"), Vec::<String>::new());
    remove(&phone, "000").await.expect_problem(422, "otp_invalid");
    assert_eq!(phone.get("/bff/me").await.expect(200).json()["profile"]["totpEnabled"], true);
    let _ = remove(&phone, &recovery_codes(&on)[3]).await.expect(204);
    assert_eq!(phone.get("/bff/me").await.expect(200).json()["profile"]["totpEnabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_fails_as_the_profile_service_does() {
    let bff = TestBff::builder().set("upstreams.profile.timeout_ms", 500).spawn().await;
    let ada = bff.signed_in("ada").await;
    for (fault, status, code) in [
        (Fault::Status500, 502, "upstream_unavailable"),
        (Fault::Garbage, 502, "upstream_unavailable"),
        (Fault::BlackHole, 504, "upstream_timeout"),
        (Fault::Status(401), 502, "upstream_unavailable"),
    ] {
        bff.profile.fail(fault);
        let cookie = ada.cookie();
        enrol(&ada).await.expect_problem(status, code);
        ada.post(CONFIRM, &json!({ "code": "123456" })).await.expect_problem(status, code);
        remove(&ada, "123456").await.expect_problem(status, code);
        assert_eq!(ada.cookie(), cookie);
        bff.heal().await;
    }
}
