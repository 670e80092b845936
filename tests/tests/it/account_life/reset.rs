//! A forgotten password is set anew with a mailed link.

use reqwest::Method;
use serde_json::json;
use tests::{PASSWORD, TestBff, email, eventually};

use super::{
    CONFIRM, FORGOT, HALF_A_SECOND, NEW, everywhere, forgot, is_signed_in, reset, reset_token, system,
    system_with, two_replicas,
};
use crate::second_factor::switch_on;

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_link_sets_a_new_password_once_and_ends_all_sign_ins_on_both_replicas() {
    let (_redis, server, bff, second) = two_replicas().await;
    let signed_in = everywhere(&bff, &second, "ada").await;
    let stranger = bff.signed_in("bora").await;
    let nobody = bff.anonymous();
    let asked = forgot(&nobody, &email("ada")).await.expect(202);
    assert_eq!((asked.header("cache-control"), asked.text().as_str()), (Some("no-store"), ""));
    let mail = server.mail(&email("ada"), "new password", 1).await;
    assert!(mail.text().contains("https://app.example/reset-password#token="), "{}", mail.text());
    let token = mail.token();
    assert_eq!(token.len(), 43, "256 bits");

    reset(&nobody, &token, "short").await.expect_problem(422, "validation_failed");
    let done = reset(&nobody.at(&second.url()), &token, NEW).await.expect(204);
    assert_eq!((done.header("cache-control"), done.all("set-cookie")), (Some("no-store"), Vec::new()));
    for (place, actor) in signed_in.iter().enumerate() {
        assert!(!is_signed_in(actor).await, "{place}");
    }
    assert!(is_signed_in(&stranger).await);
    reset(&nobody, &token, NEW).await.expect_problem(422, "token_invalid");
    bff.anonymous().try_sign_in("ada").await.expect_problem(401, "bad_credentials");
    let ada = bff.anonymous();
    let info = ada.try_sign_in_with("ada", NEW).await.expect(200).json();
    assert_eq!(info["user"]["emailConfirmed"], true, "who has read the mail has the address");
    server.mail(&email("ada"), "password was changed", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_unaltered_token_of_the_purpose_is_good() {
    let (server, bff) = system().await;
    let (ada, nobody) = (bff.signed_in("ada").await, bff.anonymous());
    let _ = bff.signed_in("bora").await;
    let confirm = server.mail(&email("ada"), "confirm", 1).await.token();
    let older = reset_token(&server, &nobody, "ada", 1).await;
    let newest = reset_token(&server, &nobody, "ada", 2).await;
    let swapped = if newest.starts_with('A') { "B" } else { "A" };
    let altered = format!("{swapped}{}", &newest[1..]);
    let padded = format!("{newest}=");
    for (what, token) in [
        ("an older one", older.as_str()),
        ("one of another purpose", &confirm),
        ("an altered one", &altered),
        ("a padded one", &padded),
        ("a part of one", &newest[..42]),
    ] {
        let refused = reset(&nobody, token, NEW).await;
        assert_eq!(refused.status.as_u16(), 422, "{what}");
        refused.expect_problem(422, "token_invalid");
    }
    nobody.post(CONFIRM, &json!({ "token": newest })).await.expect_problem(422, "token_invalid");
    assert!(is_signed_in(&ada).await, "nothing has happened");
    // Tried at the same time it is good for one.
    let tries: Vec<_> = (0..6)
        .map(|_| {
            let (bff, token) = (nobody.clone(), newest.clone());
            tokio::spawn(async move { reset(&bff, &token, NEW).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for one in tries {
        statuses.push(one.await.expect("no panic"));
    }
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    let _ = nobody.post(CONFIRM, &json!({ "token": confirm })).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_as_long_as_it_is_told() {
    let (server, bff) = system_with(TestBff::builder(), |options| options.link_life = HALF_A_SECOND).await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    let token = reset_token(&server, &nobody, "ada", 1).await;
    // A password that is refused uses up nothing, so that what ends this is the token's age. Another token each time would
    // not be: the throttle would end it.
    tokio::time::sleep(HALF_A_SECOND).await;
    reset(&nobody, &token, NEW).await.expect_problem(422, "token_invalid");
    let _ = bff.anonymous().sign_in("ada").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_to_the_address_that_the_member_has_given_and_in_their_language() {
    let (server, bff) = system().await;
    let _ = bff.sign_up("kim").await;
    let nobody = bff.anonymous();
    // The Kelvin sign becomes a k in small letters: to a mail server it may be somebody else's address.
    let alike = email("kim").replace("-kim", "-\u{212a}im").to_uppercase();
    let ask = nobody.from_page(Method::POST, FORGOT).header("accept-language", "ko-KR,ko;q=0.9,en;q=0.8");
    let _ = ask.json(&json!({ "email": alike })).send().await.expect(202);
    let mail = server.mail(&email("kim"), "새 비밀번호", 1).await;
    assert!(mail.text().contains("30분"), "{}", mail.text());
    assert_eq!(mail.header("Auto-Submitted"), ["auto-generated"]);
    assert_eq!(mail.header("From"), ["Recipe book <no-reply@book.example>"]);
    assert!(server.received().iter().all(|mail| mail.header("To") == [email("kim")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_outlives_a_reset() {
    let (server, bff) = system().await;
    let ada = bff.signed_in("ada").await;
    let _ = switch_on(&ada).await;
    let token = reset_token(&server, &bff.anonymous(), "ada", 1).await;
    let _ = reset(&bff.anonymous(), &token, NEW).await.expect(204);
    bff.anonymous().try_sign_in_with("ada", NEW).await.expect_problem(401, "otp_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_is_throttled_for_everybody_alike_and_apart_from_sign_ins() {
    let (_server, bff) = system().await;
    let _ = bff.sign_up("ada").await;
    let nobody = bff.anonymous();
    for address in [email("ada"), email("never-was")] {
        for _ in 0..5 {
            let _ = forgot(&nobody, &address).await.expect(202);
        }
        let refused = forgot(&nobody, &address.to_uppercase()).await;
        refused.expect_problem(429, "too_many_attempts");
        assert!(refused.header("retry-after").is_some());
    }
    // By address of network as well: twenty, whoever is asked for.
    for number in 0..10 {
        let _ = forgot(&nobody, &email(&format!("someone-{number}"))).await.expect(202);
    }
    forgot(&nobody, &email("one-more")).await.expect_problem(429, "too_many_attempts");
    let _ = bff.anonymous().sign_in("ada").await;
    reset(&nobody, "planted-token-of-nobody", PASSWORD).await.expect_problem(422, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_not_flooded_by_way_of_several_gateways() {
    // As if each request came through another network: the gateway lets them all through.
    let builder = TestBff::builder().set("throttle.account_failures", 1000);
    let (server, bff) = system_with(builder.set("throttle.address_failures", 1000), |options| {
        options.links_per_hour = 2;
    })
    .await;
    let _ = bff.sign_up("ada").await;
    let _ = bff.sign_up("bora").await;
    for number in 1..=4 {
        let _ = forgot(&bff.anonymous(), &email("ada")).await.expect(202);
        let _ = server.mail(&email("ada"), "new password", number.min(2)).await;
    }
    // Mail is sent in the order in which it is asked for, so that what comes after has all gone by.
    let _ = forgot(&bff.anonymous(), &email("bora")).await.expect(202);
    server.mail(&email("bora"), "new password", 1).await;
    let links =
        server.to(&email("ada")).iter().filter(|mail| mail.subject().contains("new password")).count();
    assert_eq!(links, 2);
    eventually("nothing for nobody", || async { (!server.received().is_empty()).then_some(()) }).await;
}
