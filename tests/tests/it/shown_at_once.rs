//! Whatever somebody writes, the next answer of every screen of theirs shows it, also while they read from
//! other windows.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, TestBff};
use tokio::{sync::watch, task::JoinHandle};

use crate::fixtures::{post, publish, recipe_input, titles};

/// How often each kind of write is made.
const ROUNDS: usize = 100;

/// Somebody's other windows, which show `paths` without end.
struct Windows {
    stop: watch::Sender<bool>,
    readers: Vec<JoinHandle<()>>,
}

impl Windows {
    fn of(reader: &Actor, paths: &[&str]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let open = |path: &&str| {
            let (reader, path, stopped) = (reader.clone(), (*path).to_owned(), stopped.clone());
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    let _ = reader.get(&path).await;
                }
            })
        };
        let readers = paths.iter().map(open).collect();
        Self { stop, readers }
    }

    async fn close(self) {
        self.stop.send_replace(true);
        for reader in self.readers {
            reader.await.expect("no reader panicked");
        }
    }
}

async fn show(actor: &Actor, path: &str) -> Value {
    actor.get(path).await.expect(200).json()
}

async fn send(actor: &Actor, method: Method, path: &str, body: &Value) -> Value {
    let answer = actor.from_page(method, path).json(body).send().await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text());
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// The card of a recipe in a list.
fn card<'f>(list: &'f Value, recipe: &str) -> &'f Value {
    let cards = list.as_array().expect("a list");
    cards.iter().find(|card| card["id"] == recipe).expect("the recipe")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_does_to_a_recipe_and_its_comments() {
    let bff = TestBff::spawn().await;
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let recipe = publish(&ada, "Rice").await;
    let input = json!({ "text": "Look at this", "recipeId": recipe });
    let _ = bob.post("/api/posts", &input).await.expect(201);
    let (page, feed) = (format!("/bff/recipes/{recipe}"), "/bff/home-feed");
    let (like, comments) = (format!("/api/recipes/{recipe}/like"), format!("/api/recipes/{recipe}/comments"));
    let windows = Windows::of(&bob, &[&page, feed]);
    for round in 0..ROUNDS {
        for (method, liked) in [(Method::PUT, true), (Method::DELETE, false)] {
            let _ = bob.from_page(method, &like).send().await.expect(204);
            assert_eq!(show(&bob, &page).await["recipe"]["likedByMe"], liked, "round {round}");
            let shown = show(&bob, feed).await;
            assert_eq!(card(&shown["recipes"], &recipe)["likedByMe"], liked, "round {round}");
            assert_eq!(shown["posts"][0]["recipe"]["likedByMe"], liked, "round {round}");
        }
        let made = send(&bob, Method::POST, &comments, &json!({ "body": "first" })).await;
        let comment = format!("/api/comments/{}", made["id"].as_str().expect("an id"));
        let first = async || show(&bob, &page).await["comments"][0].clone();
        assert_eq!(first().await["body"], "first", "round {round}");
        send(&bob, Method::PUT, &comment, &json!({ "body": "second" })).await;
        assert_eq!(first().await["body"], "second", "round {round}");
        let _ = bob.put(&format!("{comment}/like")).await.expect(204);
        assert_eq!(first().await["likedByMe"], true, "round {round}");
        assert_eq!(card(&show(&bob, feed).await["recipes"], &recipe)["commentCount"], 1, "round {round}");
        let _ = bob.delete(&comment).await.expect(204);
        assert_eq!(first().await, Value::Null, "round {round}");
        let shown = show(&bob, feed).await;
        assert_eq!(card(&shown["recipes"], &recipe)["commentCount"], 0, "round {round}");
        assert_eq!(shown["posts"][0]["recipe"]["commentCount"], 0, "round {round}");
    }
    windows.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_does_to_their_own_things() {
    let bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let (own, feed) = (format!("/bff/members/{}", ada.id()), "/bff/home-feed");
    let windows = Windows::of(&ada, &[&own, feed, "/bff/me"]);
    for round in 0..ROUNDS {
        let (title, other) = (format!("recipe {round}"), format!("replaced {round}"));
        let recipe = publish(&ada, &title).await;
        let path = format!("/api/recipes/{recipe}");
        for shown in [&own, feed] {
            assert_eq!(titles(&show(&ada, shown).await), std::slice::from_ref(&title), "{shown}");
        }
        send(&ada, Method::PUT, &path, &recipe_input(&other)).await;
        for shown in [&own, feed] {
            assert_eq!(titles(&show(&ada, shown).await), std::slice::from_ref(&other), "{shown}");
        }
        assert_eq!(show(&ada, &format!("/bff/recipes/{recipe}")).await["recipe"]["title"], other);
        let _ = ada.delete(&path).await.expect(204);
        for shown in [&own, feed] {
            assert_eq!(titles(&show(&ada, shown).await), Vec::<String>::new(), "{shown}");
        }

        let text = post(&ada, "hello").await;
        assert_eq!(show(&ada, "/bff/me").await["counts"]["posts"], 1, "round {round}");
        let liked = format!("/api/posts/{text}/like");
        let _ = ada.put(&liked).await.expect(204);
        for shown in [&own, feed] {
            assert_eq!(show(&ada, shown).await["posts"][0]["likedByMe"], true, "{shown}");
        }
        let _ = ada.delete(&format!("/api/posts/{text}")).await.expect(204);
        for shown in [&own, feed] {
            assert_eq!(show(&ada, shown).await["posts"], json!([]), "{shown}");
        }
        assert_eq!(show(&ada, "/bff/me").await["counts"]["posts"], 0, "round {round}");

        let name = format!("Ada {round}");
        send(&ada, Method::PATCH, "/api/me", &json!({ "displayName": name })).await;
        for shown in [&own, feed, "/bff/me"] {
            assert_eq!(show(&ada, shown).await["profile"]["displayName"], name, "{shown}");
        }
    }
    windows.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_does_to_a_comment_that_the_gateway_has_never_seen() {
    let mut bff = TestBff::spawn().await;
    let ada = bff.signed_in("ada").await;
    let recipe = publish(&ada, "Rice").await;
    let (page, comments) = (format!("/bff/recipes/{recipe}"), format!("/api/recipes/{recipe}/comments"));
    let made = send(&ada, Method::POST, &comments, &json!({ "body": "Enjoy" })).await;
    let comment = format!("/api/comments/{}", made["id"].as_str().expect("an id"));
    bff.kill9().await;
    bff.restart().await;
    let ada = ada.at(&bff.url());
    assert_eq!(show(&ada, &page).await["comments"][0]["likedByMe"], false);
    let _ = ada.put(&format!("{comment}/like")).await.expect(204);
    assert_eq!(show(&ada, &page).await["comments"][0]["likedByMe"], true);
    let _ = ada.delete(&comment).await.expect(204);
    let shown = show(&ada, &page).await;
    assert_eq!((&shown["comments"], &shown["recipe"]["commentCount"]), (&json!([]), &json!(0)));
}
