//! Addresses are confirmed and changed.

use serde_json::json;
use tests::{Actor, Answer, PASSWORD, email};

use super::{CONFIRM, EMAIL, NEW, change, reset, reset_token, system, two_replicas};

async fn ask(caller: &Actor, address: &str) -> Answer {
    caller.post(EMAIL, &json!({ "email": address, "password": PASSWORD })).await
}

async fn confirm(caller: &Actor, token: &str) -> Answer {
    caller.post(CONFIRM, &json!({ "token": token })).await
}

async fn address(caller: &Actor) -> (String, bool) {
    let user = caller.get("/auth/session").await.expect(200).json()["user"].clone();
    let text = user["email"].as_str().expect("an address").to_owned();
    (text, user["emailConfirmed"] == true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_member_confirms_their_address_and_all_their_sign_ins_show_it() {
    let (_redis, server, bff, second) = two_replicas().await;
    let ada = bff.signed_in("ada").await;
    let there = ada.at(&second.url());
    assert_eq!(address(&there).await, (email("ada"), false));
    let mail = server.mail(&email("ada"), "confirm", 1).await;
    assert!(mail.text().contains("https://app.example/confirm-email#token="), "{}", mail.text());
    let token = mail.token();
    let confirmed = confirm(&bff.anonymous(), &token).await.expect(204);
    assert_eq!(confirmed.header("cache-control"), Some("no-store"));
    for caller in [&ada, &there] {
        assert_eq!(address(caller).await, (email("ada"), true));
        assert_eq!(caller.get("/bff/me").await.expect(200).json()["profile"]["emailConfirmed"], true);
    }
    confirm(&bff.anonymous(), &token).await.expect_problem(422, "token_invalid");
    // The present address asks for another link.
    let _ = ask(&ada, &email("ada")).await.expect(202);
    let again = server.mail(&email("ada"), "confirm", 2).await.token();
    let _ = confirm(&ada, &again).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_counts_once_it_is_confirmed_and_the_old_one_is_told() {
    let (server, bff) = system().await;
    let ada = bff.signed_in("ada").await;
    let wrong = json!({ "email": email("ada-new"), "password": "planted-wrong-password" });
    ada.post(EMAIL, &wrong).await.expect_problem(401, "bad_credentials");
    bff.anonymous().post(EMAIL, &wrong).await.expect_problem(401, "unauthenticated");
    let old_reset = reset_token(&server, &bff.anonymous(), "ada", 1).await;
    let _ = ask(&ada, &email("ada-new")).await.expect(202);
    server.mail(&email("ada"), "new e-mail address was asked for", 1).await;
    let token = server.mail(&email("ada-new"), "confirm", 1).await.token();
    assert_eq!(address(&ada).await, (email("ada"), false));
    let _ = confirm(&bff.anonymous(), &token).await.expect(204);
    assert_eq!(address(&ada).await, (email("ada-new"), true));
    server.mail(&email("ada"), "address was changed", 1).await;
    let _ = bff.anonymous().sign_in(&email("ada-new")).await;
    bff.anonymous().try_sign_in(&email("ada")).await.expect_problem(401, "bad_credentials");
    // What was mailed to the old address is good for it alone.
    reset(&bff.anonymous(), &old_reset, NEW).await.expect_problem(422, "token_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_address_is_neither_taken_nor_told() {
    let (server, bff) = system().await;
    let (ada, bora) = (bff.signed_in("ada").await, bff.signed_in("bora").await);
    let taken = ask(&ada, &email("bora")).await.expect(202);
    let free = ask(&ada, &email("free")).await.expect(202);
    assert_eq!(taken.text(), free.text());
    let token = server.mail(&email("free"), "confirm", 1).await.token();
    // Bora's own mail alone has come, which her sign-up asked for.
    server.mail(&email("bora"), "confirm", 1).await;
    assert_eq!(server.to(&email("bora")).len(), 1);
    // Two want the same free address: whoever confirms it first has it.
    let _ = ask(&bora, &email("free")).await.expect(202);
    let second = server.mail(&email("free"), "confirm", 2).await.token();
    let _ = confirm(&bff.anonymous(), &token).await.expect(204);
    confirm(&bff.anonymous(), &second).await.expect_problem(409, "email_taken");
    assert_eq!(address(&bora).await.0, email("bora"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_stops_a_change_of_the_address() {
    let (server, bff) = system().await;
    let ada = bff.signed_in("ada").await;
    let _ = ask(&ada, &email("thief")).await.expect(202);
    let token = server.mail(&email("thief"), "confirm", 1).await.token();
    let _ = change(&ada, PASSWORD, NEW).await.expect(204);
    confirm(&bff.anonymous(), &token).await.expect_problem(422, "token_invalid");
    assert_eq!(address(&ada).await.0, email("ada"));
}
