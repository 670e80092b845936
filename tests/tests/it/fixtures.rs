//! What suites fill a system with.

use serde_json::{Value, json};
use tests::Actor;

/// 400 g of rice at 62,000 for 20,000 g, and two eggs at 7,990 for 30: 1,240 + 533 for four.
pub(crate) fn recipe_input(title: &str) -> Value {
    json!({
        "title": title,
        "body": "Boil the rice. Fry the eggs.",
        "servings": 4,
        "ingredients": [{ "ingredientId": "rice", "amount": 400 }, { "ingredientId": "egg", "amount": 2 }],
    })
}

pub(crate) const TOTAL_COST: u64 = 1_240 + 533;
pub(crate) const COST_PER_SERVING: u64 = 443;

/// Publishes a recipe; its id.
pub(crate) async fn publish(author: &Actor, title: &str) -> String {
    id_of(&author.post("/api/recipes", &recipe_input(title)).await.expect(201).json())
}

/// Writes a post; its id.
pub(crate) async fn post(author: &Actor, text: &str) -> String {
    id_of(&author.post("/api/posts", &json!({ "text": text })).await.expect(201).json())
}

/// Writes a post about a recipe; its id.
pub(crate) async fn post_about(author: &Actor, text: &str, recipe: &str) -> String {
    let input = json!({ "text": text, "recipeId": recipe });
    id_of(&author.post("/api/posts", &input).await.expect(201).json())
}

pub(crate) async fn follow(follower: &Actor, followed: &Actor) {
    let _ = follower.put(&format!("/api/follows/{}", followed.id())).await.expect(204);
}

/// The texts of a feed's posts, in their order.
pub(crate) fn texts(feed: &Value) -> Vec<String> {
    let posts = feed["posts"].as_array().expect("posts");
    posts.iter().map(|post| post["text"].as_str().expect("a text").to_owned()).collect()
}

/// The titles of a feed's recipes, in their order.
pub(crate) fn titles(feed: &Value) -> Vec<String> {
    let recipes = feed["recipes"].as_array().expect("recipes");
    recipes.iter().map(|recipe| recipe["title"].as_str().expect("a title").to_owned()).collect()
}

/// The keys of an object, sorted.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().expect("an id").to_owned()
}
