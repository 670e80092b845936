//! Files in the product: the photo of a recipe, the picture of a member.

use reqwest::Method;
use serde_json::{Value, json};
use tests::Actor;

use super::{BOTH, Kind, Setup, input, picture, presign, read, send_all, upload};
use crate::fixtures::{follow, publish, recipe_input};

fn recipe_with(photo: &Value) -> Value {
    let mut recipe = recipe_input("Soup");
    recipe["photoKey"] = photo.clone();
    recipe
}

async fn patch_me(actor: &Actor, body: &Value) -> tests::Answer {
    actor.from_page(Method::PATCH, "/api/me").json(body).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_s_photo_is_seen_in_a_follower_s_feed() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
        follow(&bora, &ada).await;
        let content = picture(6 << 20, 1);
        let key = upload(&ada, &input(&content), &content).await;
        let made = ada.post("/api/recipes", &recipe_with(&json!(key))).await.expect(201).json();
        let there = format!("/files/{key}");
        assert_eq!(made["photoUrl"], json!(there), "{kind:?}");
        let feed = bora.get("/bff/home-feed").await.expect(200).json();
        let seen =
            feed["recipes"].as_array().expect("recipes").iter().any(|one| one["photoUrl"] == json!(there));
        assert!(seen, "{feed}");
        assert!(read(&bora, &key).await.expect(200).body == content);
        // Null takes it away.
        let id = made["id"].as_str().expect("an id");
        let path = format!("/api/recipes/{id}");
        let put = async |body: &Value| ada.from_page(Method::PUT, &path).json(body).send().await;
        let form = ada.get(&format!("{path}/form")).await.expect(200).json();
        assert_eq!(form["photoKey"], json!(key));
        assert_eq!(put(&recipe_with(&Value::Null)).await.expect(200).json()["photoUrl"], Value::Null);
        assert_eq!(put(&recipe_with(&json!(key))).await.expect(200).json()["photoUrl"], json!(there));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_s_picture_is_theirs_to_change_and_to_take_away() {
    let setup = Setup::start(Kind::Folder).await;
    let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
    let content = picture(2000, 2);
    let key = upload(&ada, &input(&content), &content).await;
    let me = patch_me(&ada, &json!({ "avatarKey": key })).await.expect(200).json();
    let there = json!(format!("/files/{key}"));
    assert_eq!(me["avatarUrl"], there);
    let page = format!("/bff/members/{}", ada.id());
    assert_eq!(bora.get(&page).await.expect(200).json()["profile"]["avatarUrl"], there);
    let me = patch_me(&ada, &json!({ "bio": "Soup." })).await.expect(200).json();
    assert_eq!(me["avatarUrl"], there, "what is absent stays");
    let me = patch_me(&ada, &json!({ "avatarKey": null })).await.expect(200).json();
    assert_eq!(me["avatarUrl"], Value::Null);
    assert_eq!(ada.get("/api/me").await.expect(200).json()["avatarUrl"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ones_own_committed_public_picture_can_be_shown() {
    let setup = Setup::start(Kind::Folder).await;
    let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
    let content = picture(2000, 3);
    let theirs = upload(&bora, &input(&content), &content).await;
    let presigned = presign(&ada, &input(&content)).await;
    send_all(&ada, &presigned, &content).await;
    let uncommitted = presigned["key"].as_str().expect("a key").to_owned();
    let mut private = input(&content);
    private["visibility"] = json!("private");
    let private = upload(&ada, &private, &content).await;
    let pdf = b"%PDF-1.7 one page".to_vec();
    let document = json!({ "name": "a.pdf", "contentType": "application/pdf", "size": pdf.len(), "visibility": "public" });
    let document = upload(&ada, &document, &pdf).await;
    let deleted = upload(&ada, &input(&content), &content).await;
    let _ = ada.delete(&format!("/files/{deleted}")).await.expect(204);
    setup.bff.clear_journals();
    for key in [&theirs, &uncommitted, &private, &document, &deleted, "photos/2026/soup.webp"] {
        let refused = ada.post("/api/recipes", &recipe_with(&json!(key))).await.field_errors();
        assert_eq!(refused, [("photoKey".to_owned(), "unknown_file".to_owned())], "{key}");
        let refused = patch_me(&ada, &json!({ "avatarKey": key })).await.field_errors();
        assert_eq!(refused, [("avatarKey".to_owned(), "unknown_file".to_owned())], "{key}");
    }
    let bad = ada.post("/api/recipes", &recipe_with(&json!("../x"))).await.field_errors();
    assert_eq!(bad, [("photoKey".to_owned(), "invalid_key".to_owned())]);
    assert_eq!(setup.bff.calls(), 0, "no service was called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_photo_leaves_its_idempotency_key_free_and_a_replay_is_not_checked_again() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(2000, 4);
    let presigned = presign(&ada, &input(&content)).await;
    send_all(&ada, &presigned, &content).await;
    let key = presigned["key"].as_str().expect("a key");
    let body = recipe_with(&json!(key));
    let ask = async || {
        let request = ada.from_page(Method::POST, "/api/recipes").header("idempotency-key", "once-and-only");
        request.json(&body).send().await
    };
    assert_eq!(ask().await.field_errors().len(), 1);
    let _ = super::commit(&ada, key).await.expect(201);
    let made = ask().await.expect(201).json();
    let _ = ada.delete(&format!("/files/{key}")).await.expect(204);
    let again = ask().await.expect(201);
    assert_eq!((again.json(), again.header("idempotency-replayed")), (made, Some("true")));
    let _ = publish(&ada, "Without a photo").await;
}
