use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use upstreams::Service;

use crate::gateway::{Caller, Gateway};

/// Walks a list, with `added` rows posted before each further page.
async fn walk(who: &Caller<'_>, list: &str, add: (&str, &str), limit: usize, added: &[usize]) -> Vec<String> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    let mut turn = 0;
    loop {
        let page = who.get(&format!("{list}?limit={limit}&cursor={cursor}")).await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= limit);
        seen.extend(items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return seen,
        }
        for _ in 0..added.get(turn).copied().unwrap_or_default() {
            who.post(add.0, json!({add.1: "new"})).await.expect(201);
        }
        turn += 1;
    }
}

async fn every_row_once(rows: usize, limit: usize, added: Vec<usize>) {
    let gateway = Gateway::spawn().await;
    let timeline = gateway.start(Service::Timeline).await;
    let recipe = gateway.start(Service::Recipe).await;
    let posts = gateway.caller(&timeline, "timeline", Some("ada"));
    let comments = gateway.caller(&recipe, "recipe", Some("ada"));
    let input = json!({"title": "밥", "body": "b", "servings": 1, "ingredients": [{"ingredientId": "rice", "amount": 1}]});
    let made = comments.post("/recipes", input).await.expect(201);
    let under = format!("/recipes/{}/comments", made["id"].as_str().expect("an id"));
    for (who, list, add, newest_first) in [
        (&posts, "/timeline", ("/posts", "text"), true),
        (&comments, under.as_str(), (under.as_str(), "body"), false),
    ] {
        let mut before = Vec::new();
        for _ in 0..rows {
            let row = who.post(add.0, json!({add.1: "old"})).await.expect(201);
            before.push(row["id"].as_str().expect("an id").to_owned());
        }
        let seen = walk(who, list, add, limit, &added).await;
        let mut of_before: Vec<_> = seen.iter().filter(|id| before.contains(id)).cloned().collect();
        if newest_first {
            of_before.reverse();
            assert_eq!(seen.len(), before.len(), "rows added in front are not mixed in");
        }
        assert_eq!(of_before, before, "each row once, in order");
    }
}

#[test]
fn paging_under_inserts_sees_every_row_once() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut runner = TestRunner::new(ProptestConfig::with_cases(8));
    let input = (0_usize..12, 1_usize..5, prop::collection::vec(0_usize..3, 0..6));
    runner
        .run(&input, |(rows, limit, added)| {
            runtime.block_on(every_row_once(rows, limit, added));
            Ok(())
        })
        .expect("holds");
}
