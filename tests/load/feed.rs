//! What is measured in both ways: a gateway in its production profile with one worker, somebody with a feed of
//! ordinary length, and the bare handler.

use std::{io::Write as _, path::Path};

use serde_json::json;
use tests::{Actor, Builder, Program, TestBff};
use tokio::process::Command;

pub(crate) const FEED: &str = "/bff/home-feed";

/// The gateway to be measured; `folder` is for its keys and its log.
pub(crate) async fn gateway(folder: &Path) -> Builder {
    let keys = folder.join("keys").display().to_string();
    let (code, said) = tests::run_bff(&["keys", "new", "--dir", &keys], &[], folder).await;
    assert_eq!(code, Some(0), "{said}");
    TestBff::builder()
        .set("profile", "production")
        .set("keys.dir", &keys)
        .set("http.workers", 1)
        // One user asks as often as a whole town.
        .set("limits.user.per_second", 1_000_000)
        .set("limits.user.burst", 1_000_000)
        .log_to(&folder.join("access.log"))
        .alone()
}

/// Somebody with a feed of ordinary length: 20 posts, half of them about recipes, and 10 recipes.
pub(crate) async fn reader(bff: &TestBff) -> Actor {
    let (ada, bob) = (bff.signed_in("ada").await, bff.signed_in("bob").await);
    let _ = ada.put(&format!("/api/follows/{}", bob.id())).await.expect(204);
    for number in 0..10 {
        let recipe = json!({
            "title": format!("돼지고기 김치찌개 {number}"), "body": "끓인다.", "servings": 4,
            "ingredients": [{ "ingredientId": "rice", "amount": 400 }, { "ingredientId": "egg", "amount": 2 }],
        });
        let made = bob.post("/api/recipes", &recipe).await.expect(201).json();
        let about =
            json!({ "text": "오늘 저녁은 이것. 한 그릇 값이 커피 한 잔보다 싸요.", "recipeId": made["id"] });
        let _ = bob.post("/api/posts", &about).await.expect(201);
        let _ = ada.post("/api/posts", &json!({ "text": "좋은 아침" })).await.expect(201);
    }
    ada
}

/// Starts the bare handler by `command`, with the bytes in that file, and says where it listens.
pub(crate) async fn bare(mut command: Command, bytes: &Path) -> (Program, String) {
    command.arg(bytes);
    let mut bare = Program::start(command);
    let line = bare.line("listening http=").await;
    (bare, line.trim_start_matches("listening http=").to_owned())
}

pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output");
}
