//! Where no upstream keeps accounts: users come from one provider alone, and are what its claims say.

use serde_json::{Value, json};
use tests::{Actor, DeclaredBff, PASSWORD, Product, Reply, Stub, TestBff, email};

use super::{Fake, begin, finish, signed_in};

async fn system() -> (Fake, TestBff) {
    let fake = Fake::start().await;
    let bff = fake.of(TestBff::builder(), "fake").set("accounts.upstream", "").spawn().await;
    (fake, bff)
}

/// Past the contract, which says what a user of the recipe book is.
async fn user(bff: &TestBff, actor: &Actor) -> Value {
    actor.elsewhere(&bff.url()).get("/auth/session").await.expect(200).json()["user"].clone()
}

#[tokio::test]
async fn a_profile_is_what_the_claims_say_and_no_upstream_is_asked() {
    let (fake, bff) = system().await;
    let picture = "https://op.example/ada.png";
    fake.says(|says| {
        says.claims = json!({ "preferred_username": "ada", "picture": picture, "groups": ["x"] })
    });
    let actor = signed_in(&fake, &bff).await;
    let ada = json!({ "id": "ada", "username": "ada", "displayName": "Ada Lovelace", "avatarUrl": picture });
    assert_eq!(user(&bff, &actor).await, ada);
    assert_eq!(fake.asked("/me"), 0, "what the token says needs not be asked for");

    // The same person again, under another name.
    fake.says(|says| says.claims["name"] = json!("Ada King"));
    let again = signed_in(&fake, &bff).await;
    assert_eq!(user(&bff, &again).await["displayName"], "Ada King");
    let sessions = again.get("/auth/sessions").await.expect(200).json();
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(2), "{sessions}");
    again.learn_csrf_token().await;
    let _ = again.post("/auth/logout-everywhere", &json!({})).await.expect(204);
    actor.get("/auth/session").await.expect_problem(401, "unauthenticated");
    assert_eq!(bff.calls(), 0, "{:#?}", bff.call_lines());
}

#[tokio::test]
async fn what_the_token_does_not_say_is_asked_for_and_what_nobody_says_is_null() {
    let (fake, bff) = system().await;
    fake.says(|says| {
        says.claims = json!({ "sub": "idp|7", "name": null });
        says.user_info = json!({ "sub": "idp|7", "preferred_username": "seven", "picture": 7 });
    });
    let actor = signed_in(&fake, &bff).await;
    let seven = user(&bff, &actor).await;
    let id = seven["id"].as_str().expect("an id");
    assert!(id.starts_with('~') && id.len() == 44, "an id for a subject that can be none: {id}");
    assert_eq!(seven, json!({ "id": id, "username": "seven", "displayName": null, "avatarUrl": null }));
    assert_eq!(fake.asked("/me"), 1);
}

#[tokio::test]
async fn there_are_no_sign_ups_passwords_or_second_factors() {
    let (fake, bff) = system().await;
    let nobody = bff.anonymous();
    let newcomer = json!({ "email": email("newcomer"), "username": "newcomer", "password": PASSWORD });
    nobody.post("/auth/signup", &newcomer).await.expect_problem(404, "not_found");
    let credentials = json!({ "login": "ada", "password": PASSWORD });
    for path in ["/auth/login", "/auth/token"] {
        nobody.post(path, &credentials).await.expect_problem(404, "not_found");
    }
    let actor = signed_in(&fake, &bff).await;
    actor.learn_csrf_token().await;
    actor.post("/auth/2fa/totp", &json!({})).await.expect_problem(404, "not_found");
    actor.post("/auth/2fa/totp/confirm", &json!({ "code": "123456" })).await.expect_problem(404, "not_found");
    assert_eq!(bff.calls(), 0, "{:#?}", bff.call_lines());
}

#[tokio::test]
async fn a_sign_out_by_the_provider_finds_its_user() {
    let (fake, bff) = system().await;
    let actor = signed_in(&fake, &bff).await;
    let order = fake.logout_token(&json!({}));
    let request = actor.request(reqwest::Method::POST, "/auth/oidc/fake/backchannel-logout");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let _ = request.body(format!("logout_token={order}")).send().await.expect(200);
    actor.get("/auth/session").await.expect_problem(401, "unauthenticated");
    // And may come back.
    let begun = begin(&actor, "fake", "/").await;
    let _ = finish(&fake, &begun).await.expect(303);
    assert_eq!(user(&bff, &actor).await["id"], "ada");
}

#[tokio::test]
async fn declarations_say_which_claim_is_what() {
    let accounts = r#"
[accounts]
card = ["id", "displayName"]
claims = { id = "oid", username = "upn", displayName = "given_name" }
[upstreams.shelf]
url = "http://127.0.0.1:9"
"#;
    let screen = r#"
path = "/bff/me"
access = "signed_in"
[parts.mine]
get = "shelf:/of/{user.id}"
[document]
mine = "mine"
id = "user.id"
name = "user.username"
card = "user.card"
"#;
    let fake = Fake::start().await;
    fake.says(|says| {
        says.claims = json!({ "oid": "o-7", "upn": "ada@corp", "given_name": "Ada", "name": "no" })
    });
    let stub = Stub::new();
    stub.with(|request| (request.path == "/of/o-7").then(|| Reply::json(&json!(7))));
    let builder = DeclaredBff::builder(Product::with_accounts(accounts).screen("me", screen));
    let builder = fake.settings("fake").into_iter().fold(builder, |all, (key, value)| all.set(&key, value));
    let bff = builder.stub("shelf", &stub).spawn().await;
    let nobody = bff.anonymous();
    let newcomer = json!({ "email": email("newcomer"), "username": "newcomer", "password": PASSWORD });
    nobody.post("/auth/signup", &newcomer).await.expect_problem(404, "not_found");
    let credentials = json!({ "login": "ada", "password": PASSWORD });
    for path in ["/auth/login", "/auth/token"] {
        nobody.post(path, &credentials).await.expect_problem(404, "not_found");
    }
    let actor = signed_in(&fake, &bff).await;
    actor.learn_csrf_token().await;
    actor.post("/auth/2fa/totp", &json!({})).await.expect_problem(404, "not_found");
    let session = actor.get("/auth/session").await.expect(200).json();
    assert_eq!(session["user"], json!({ "id": "o-7", "username": "ada@corp", "displayName": "Ada" }));
    assert_eq!(
        actor.get("/bff/me").await.expect(200).json(),
        json!({
            "mine": 7, "id": "o-7", "name": "ada@corp", "card": { "id": "o-7", "displayName": "Ada" }, "degraded": [],
        })
    );
    assert_eq!(bff.calls(), ["shelf GET /of/o-7"]);
}
