//! The end of a member: what goes with it, and what does not.

use serde_json::{Value, json};
use upstreams::{Running, Service};

use crate::gateway::{Answer, Caller, Gateway};

fn leaving<'a>(gateway: &'a Gateway, running: &'a Running, audience: &str, who: Option<&str>) -> Caller<'a> {
    let mut claims = gateway.claims(audience, who);
    claims["scope"] = "delete_account".into();
    gateway.caller_with(running, Some(format!("Bearer {}", gateway.key.sign(&claims))))
}

async fn text(answer: Answer, status: u16) -> String {
    answer.expect(status)["id"].as_str().expect("an id").to_owned()
}

/// Every page of an export, as kinds and ids.
async fn exported(who: &Caller<'_>, member: &str) -> Vec<(String, String)> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = who.get(&format!("/members/{member}/export?limit=2&cursor={cursor}")).await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        for item in items {
            assert!(
                item["createdAt"].is_string() && item["updatedAt"].is_string() && item["data"].is_object()
            );
            let word = |name: &str| item[name].as_str().expect("text").to_owned();
            found.push((word("kind"), word("id")));
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_members_timeline_goes_and_nobody_elses() {
    let gateway = Gateway::spawn().await;
    let timeline = gateway.start(Service::Timeline).await;
    let as_ = |who| gateway.caller(&timeline, "timeline", Some(who));
    let (ada, bora, chan) = (as_("ada"), as_("bora"), as_("chan"));
    let of_ada = text(ada.post("/posts", json!({"text": "a1"})).await, 201).await;
    let of_bora = text(bora.post("/posts", json!({"text": "b1"})).await, 201).await;
    for (who, path) in [
        (&ada, format!("/posts/{of_bora}/like")),
        (&chan, format!("/posts/{of_bora}/like")),
        (&bora, format!("/posts/{of_ada}/like")),
        (&ada, "/follows/bora".to_owned()),
        (&bora, "/follows/ada".to_owned()),
        (&chan, "/follows/bora".to_owned()),
    ] {
        who.put(&path).await.expect(204);
    }
    let owned = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    assert_eq!(
        exported(&ada, "ada").await,
        [
            owned("post", &of_ada),
            owned("like", &of_bora),
            owned("following", "bora"),
            owned("follower", "bora")
        ]
    );
    let leaves = leaving(&gateway, &timeline, "timeline", Some("ada"));
    for _ in 0..2 {
        leaves.delete("/members/ada").await.expect(204);
    }
    assert_eq!(exported(&ada, "ada").await, []);
    let counts = |who| {
        let bora = &bora;
        async move { bora.get(&format!("/members/{who}/counts")).await.expect(200) }
    };
    assert_eq!(counts("ada").await, json!({"posts": 0, "followers": 0, "following": 0}));
    assert_eq!(counts("bora").await, json!({"posts": 1, "followers": 1, "following": 0}));
    let posts = bora.get("/timeline").await.expect(200);
    assert_eq!(posts["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(posts["items"][0]["likeCount"], 1, "the like of a member who is gone no longer counts");
    // What was under way when the member was deleted brings nothing back.
    assert_eq!(ada.post("/posts", json!({"text": "late"})).await.code(), (403, "no_acting_user"));
    assert_eq!(ada.put(&format!("/posts/{of_bora}/like")).await.code(), (403, "no_acting_user"));
    assert_eq!(ada.put("/follows/bora").await.code(), (403, "no_acting_user"));
    bora.put("/follows/ada").await.expect(204);
    assert_eq!(counts("bora").await, json!({"posts": 1, "followers": 1, "following": 0}));
}

#[tokio::test]
async fn a_members_recipes_go_with_all_that_stands_under_them() {
    let gateway = Gateway::spawn().await;
    let recipe = gateway.start(Service::Recipe).await;
    let as_ = |who| gateway.caller(&recipe, "recipe", Some(who));
    let (ada, bora, chan) = (as_("ada"), as_("bora"), as_("chan"));
    let stew = |title: &str| {
        let lines = json!([{"ingredientId": "rice", "amount": 1.5}]);
        json!({"title": title, "body": "b", "servings": 1, "ingredients": lines})
    };
    let of_ada = text(ada.post("/recipes", stew("ada")).await, 201).await;
    let of_bora = text(bora.post("/recipes", stew("bora")).await, 201).await;
    let comment = async |who: &Caller<'_>, under: &str| {
        text(who.post(&format!("/recipes/{under}/comments"), json!({"body": "c"})).await, 201).await
    };
    let (under_ada, under_bora) = (comment(&bora, &of_ada).await, comment(&ada, &of_bora).await);
    let kept = comment(&chan, &of_bora).await;
    for (who, path) in [
        (&bora, format!("/recipes/{of_ada}/like")),
        (&ada, format!("/recipes/{of_bora}/like")),
        (&chan, format!("/recipes/{of_bora}/like")),
        (&chan, format!("/comments/{under_ada}/like")),
        (&ada, format!("/comments/{kept}/like")),
        (&bora, format!("/comments/{kept}/like")),
    ] {
        who.put(&path).await.expect(204);
    }
    let owned = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    assert_eq!(
        exported(&ada, "ada").await,
        [
            owned("recipe", &of_ada),
            owned("recipeLike", &of_bora),
            owned("comment", &under_bora),
            owned("commentLike", &kept)
        ]
    );
    let leaves = leaving(&gateway, &recipe, "recipe", Some("ada"));
    for _ in 0..2 {
        leaves.delete("/members/ada").await.expect(204);
    }
    assert_eq!(exported(&ada, "ada").await, []);
    assert_eq!(chan.get(&format!("/recipes/{of_ada}")).await.code(), (404, "not_found"));
    assert_eq!(chan.put(&format!("/comments/{under_ada}/like")).await.code(), (404, "not_found"));
    assert_eq!(chan.get("/recipes?q=ada").await.expect(200)["total"], 0, "nor can it be searched for");
    let left = chan.get(&format!("/recipes/{of_bora}")).await.expect(200);
    assert_eq!((&left["likeCount"], &left["commentCount"]), (&json!(1), &json!(1)));
    let comments = chan.get(&format!("/recipes/{of_bora}/comments")).await.expect(200);
    let comments: Vec<(&Value, &Value)> = comments["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|comment| (&comment["id"], &comment["likeCount"]))
        .collect();
    assert_eq!(comments, [(&json!(kept), &json!(1))]);
    for (path, body) in [
        ("/recipes".to_owned(), stew("late")),
        (format!("/recipes/{of_bora}/comments"), json!({"body": "late"})),
    ] {
        assert_eq!(ada.post(&path, body).await.code(), (403, "no_acting_user"), "{path}");
    }
}

#[tokio::test]
async fn a_member_goes_with_what_proves_who_they_are() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let nobody = gateway.caller(&profile, "profile", None);
    let sign_up = async |name: &str| {
        let input = json!({"email": format!("{name}@b.c"), "username": name, "password": "12345678"});
        text(nobody.post("/members", input).await, 201).await
    };
    let (ada, bora) = (sign_up("ada").await, sign_up("bora").await);
    let as_ada = gateway.caller(&profile, "profile", Some(&ada));
    let _ = as_ada.post("/members/me/totp", json!({"password": "12345678"})).await.expect(200);
    let item = as_ada.get(&format!("/members/{ada}/export")).await.expect(200);
    let data = &item["items"][0]["data"];
    assert_eq!((&data["username"], &data["email"]), (&json!("ada"), &json!("ada@b.c")));
    assert_eq!((&data["hasPassword"], &data["totpEnabled"]), (&json!(true), &json!(false)));
    assert!(!item.to_string().contains("argon2"));
    let leaves = leaving(&gateway, &profile, "profile", Some(&ada));
    for _ in 0..2 {
        leaves.delete(&format!("/members/{ada}")).await.expect(204);
    }
    assert_eq!(nobody.get(&format!("/members/{ada}")).await.code(), (404, "not_found"));
    let verify = |login: &str| json!({"login": login, "password": "12345678"});
    assert_eq!(nobody.post("/members/verify", verify("ada")).await.code(), (401, "bad_credentials"));
    assert_eq!(nobody.post("/members/verify", verify("bora")).await.expect(200)["id"], bora.as_str());
    assert_eq!(exported(&as_ada, &ada).await, []);
    assert_ne!(sign_up("ada").await, ada, "the name is free again, for somebody else");
}

#[tokio::test]
async fn only_ones_own_account_is_deleted_or_exported() {
    let gateway = Gateway::spawn().await;
    for service in Service::ALL {
        let running = gateway.start(service).await;
        let audience = service.name();
        let ada = gateway.caller(&running, audience, Some("ada"));
        let leaves = leaving(&gateway, &running, audience, Some("ada"));
        let nobody = leaving(&gateway, &running, audience, None);
        assert_eq!(leaves.delete("/members/bora").await.code(), (403, "not_own_account"));
        assert_eq!(nobody.delete("/members/ada").await.code(), (403, "no_acting_user"));
        let refused = ada.delete("/members/ada").await;
        assert_eq!(refused.code(), (403, "insufficient_scope"), "an ordinary token deletes nobody");
        assert!(
            refused.headers["www-authenticate"].to_str().is_ok_and(|told| told.contains("delete_account"))
        );
        assert_eq!(ada.get("/members/bora/export").await.code(), (403, "not_own_account"));
        assert_eq!(leaves.get("/members/ada/export").await.code(), (403, "insufficient_scope"));
        assert_eq!(leaves.delete("/members/a%2Fb").await.field(), ("id", "invalid_id"));
    }
}
