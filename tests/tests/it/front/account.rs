//! Accounts in a real browser: mistakes in forms, two-factor sign-in, sessions that end in the middle.

use serde_json::{Value, json};
use tests::TestBff;

use super::{
    pictures, run,
    web::{Web, expect_sound},
};
use crate::fixtures::publish;

#[tokio::test]
async fn people_sign_up_and_in_with_two_factors_and_lose_nothing_when_a_session_ends() {
    let bff = TestBff::spawn().await;
    let web = Web::start(&bff.url()).await;
    let ada = bff.signed_in("ada").await;
    let recipe = format!("/recipes/{}", publish(&ada, "Fried rice").await);
    let told = json!({ "web": web.url, "pictures": pictures(), "taken": "ada", "recipe": recipe });
    let result = run("app-account.mjs", &told).await;
    let seen = &result["seen"];
    expect_form(seen);
    assert_eq!(seen["mistakes"].as_array().map(Vec::len), Some(3), "each beside its field: {seen}");
    assert_eq!(
        seen["qr"],
        json!({ "drawn": true, "kind": "otpauth://totp", "sameSecret": true }),
        "a picture that an authenticator app can read"
    );
    assert!(seen["recoveryCodes"].as_u64().is_some_and(|count| count >= 5), "{seen}");
    assert_eq!(seen["shownAgain"], false, "recovery codes are shown once");
    assert_eq!(seen["stillThere"], "/settings", "another session id is no sign-out");
    let wrong = json!(["This code is wrong or was used before."]);
    for place in ["wrongCode", "wrongOtp", "usedRecovery"] {
        assert_eq!(seen[place], wrong, "{place}");
    }
    assert_eq!(seen["comment"], "Half a thought", "what was typed outlives the session");
    assert_eq!(seen["formAfterwards"], "", "and not its being sent");
    assert_eq!(seen["title"], "A soup that took an hour to write");
    assert_eq!(seen["sameCost"], true, "with its servings and amounts");
    assert_eq!(seen["koreanMistakes"], true);
    expect_sound(&result);
}

#[track_caller]
fn expect_form(seen: &Value) {
    assert_eq!(seen["wrongPassword"], "The name or the password is wrong.");
    let throttled = seen["throttled"].as_str().expect("a text");
    assert!(throttled.contains("Try again in") && throttled.contains("minute"), "{throttled}");
    assert!(seen["recipeMistakes"].as_u64().is_some_and(|count| count >= 2), "{seen}");
}
