use serde_json::json;
use upstreams::{Service, seed};

use crate::gateway::Gateway;

#[tokio::test]
async fn the_demo_is_whole_and_added_once() {
    let gateway = Gateway::spawn().await;
    let profile = gateway.start(Service::Profile).await;
    let timeline = gateway.start(Service::Timeline).await;
    let recipe = gateway.start(Service::Recipe).await;
    assert!(seed::demo(&timeline, &profile, &recipe).await.is_err(), "services in the wrong places");
    let demo = seed::demo(&profile, &timeline, &recipe).await.expect("seeds");
    assert!(demo.added);
    assert!(!seed::demo(&profile, &timeline, &recipe).await.expect("seeds").added);
    assert_eq!(demo.people.len(), 3);
    for person in &demo.people {
        let id = person.id.as_str();
        let nobody = gateway.caller(&profile, "profile", None);
        let body = json!({"login": person.email, "password": seed::PASSWORD});
        assert_eq!(nobody.post("/members/verify", body).await.expect(200)["id"], id);
        let posts = gateway.caller(&timeline, "timeline", Some(id));
        let page = posts.get("/timeline?limit=100").await.expect(200);
        let items = page["items"].as_array().expect("items");
        assert_eq!(items.len(), 12, "everybody follows everybody");
        let counts = posts.get(&format!("/members/{id}/counts")).await.expect(200);
        assert_eq!((&counts["followers"], &counts["following"]), (&json!(2), &json!(2)));
        let recipes = gateway.caller(&recipe, "recipe", Some(id));
        let spoken: Vec<_> = items.iter().filter_map(|post| post["recipeId"].as_str()).collect();
        let cards = recipes.get(&format!("/recipes/cards?ids={}", spoken.join(","))).await.expect(200);
        assert_eq!(
            cards["items"].as_array().map(Vec::len),
            Some(10),
            "posts speak of recipes that are there"
        );
        let for_me = recipes.get("/recipes/for-me").await.expect(200);
        for card in for_me["items"].as_array().expect("items") {
            let cost = card["costPerServing"].as_u64().expect("a cost");
            assert!((500..12_000).contains(&cost), "{card}");
            assert!(card["likeCount"].as_u64().is_some_and(|likes| likes > 0));
        }
    }
}
