//! The life of an account in real browsers, from the first mail to the last deletion.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{Actor, TestBff};

use super::{
    pictures, run_in_turns,
    web::{Web, expect_sound},
};
use crate::{
    account_life::{mail, mail_server},
    deletion::{builder, gone, queue_is_empty},
    fixtures::{follow, post, publish},
};

/// The password that the script has set by the time at which it asks for this.
const PASSWORD: &str = "planted-password-of-next-week";

/// Has her keep something at every service.
async fn settle(bff: &TestBff, other: &Actor, recipe: &str) -> (Actor, String) {
    let dora = bff.anonymous();
    let _ = dora.try_sign_in_with("dora", PASSWORD).await.expect(200);
    let own = publish(&dora, "A word of my own").await;
    post(&dora, "dora was here").await;
    follow(&dora, other).await;
    follow(other, &dora).await;
    let comment = json!({ "body": "by dora" });
    let _ = dora.post(&format!("/api/recipes/{recipe}/comments"), &comment).await.expect(201);
    (dora, own)
}

/// Nobody keeps anything of her, and nobody else lacks anything.
async fn expect_gone(bff: &TestBff, other: &Actor, dora: &str, own: &str, recipe: &str) {
    gone(bff, dora).await;
    queue_is_empty(bff).await;
    for path in [format!("/bff/members/{dora}"), format!("/bff/recipes/{own}")] {
        for reader in [other, &bff.anonymous()] {
            assert_eq!(reader.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    let page = other.get(&format!("/bff/recipes/{recipe}")).await.expect(200).text();
    assert!(page.contains("Bora's") && !page.contains("by dora"), "{page}");
    assert!(!other.get("/bff/home-feed").await.expect(200).text().contains("dora was here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_and_ends_in_the_browser() {
    let server = mail_server().await;
    let bff = builder().mail(mail(&server)).spawn().await;
    let web = Web::start(&bff.url()).await;
    let bora = bff.signed_in("bora").await;
    let recipe = publish(&bora, "Bora's").await;
    let mut settled = None;
    let token = async |address: &str, part: &str| {
        Value::from(server.mail(&format!("planted-{address}@mail.example"), part, 1).await.token())
    };
    let turns = async |turn: &str| match turn {
        "confirm dora" => token("dora", "onfirm").await,
        "confirm dora-new" => token("dora-new", "onfirm").await,
        "reset dora-new" => token("dora-new", "new password").await,
        "settle" => {
            settled = Some(settle(&bff, &bora, &recipe).await);
            Value::Null
        }
        "gone" => {
            let (dora, own) = settled.as_ref().expect("she has settled");
            expect_gone(&bff, &bora, &dora.id(), own, &recipe).await;
            true.into()
        }
        other => panic!("nobody does {other:?}"),
    };
    let told = json!({ "web": web.url, "pictures": pictures(), "recipe": format!("/recipes/{recipe}") });
    let result = run_in_turns("app-account-life.mjs", &told, turns).await;
    let seen = &result["seen"];
    assert_eq!(seen["inTheAddressBar"], false, "a key is in no history");
    assert_eq!((&seen["unconfirmed"], &seen["confirmed"]), (&json!(1), &json!(0)));
    let used = "This link was used before, or is too old.";
    assert_eq!((&seen["confirmedTwice"], &seen["usedLink"]), (&json!(used), &json!(used)));
    assert!(seen["noLink"].as_str().is_some_and(|text| text.contains("no link")), "{seen}");
    let wrong = json!(["This password is wrong."]);
    assert_eq!((&seen["wrongPassword"], &seen["leaveWrongPassword"]), (&wrong, &wrong));
    assert_eq!(seen["shortPassword"], json!(["This is too short."]));
    assert_eq!(seen["fieldsAfterwards"], "", "a password does not stay in a form");
    assert_eq!(seen["sameForUnknown"], true, "nobody is told who has an account");
    let taken = &seen["taken"];
    assert_eq!((&taken["hasOwn"], &taken["incomplete"]), (&json!(true), &json!([])), "{taken}");
    assert!(taken["name"].as_str().is_some_and(|name| name.ends_with(".json")), "{taken}");
    assert_eq!(seen["notTicked"], json!(["Please tick this first."]));
    assert_eq!(seen["leaveWrongCode"], json!(["This code is wrong or was used before."]));
    assert!(seen["goodbye"].as_str().is_some_and(|text| text.contains("Goodbye")), "{seen}");
    assert_eq!((&seen["gone"], &seen["commentsLeft"]), (&json!(true), &json!(0)));
    assert_eq!(seen["korean"], json!([true, true, true, true, true]));
    expect_sound(&result);
}
