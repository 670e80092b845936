//! What the recipe client sends and takes.

use schemas::{CommentInput, IngredientAmount, RecipeInput};
use serde_json::{Value, json};

use super::typed::{RecipeQuery, RecipeSort};
use super::{Fixture, Reply, assert_sent, cx, id, ok, outcome, recipe};

fn comment(id: &str, recipe: &str) -> Value {
    json!({
        "id": id, "recipeId": recipe, "authorId": "ada", "body": "good", "likeCount": 0, "likedByMe": false,
        "createdAt": "2026-11-20T09:30:00Z", "updatedAt": "2026-11-20T09:30:00Z",
    })
}

fn input() -> RecipeInput {
    let rice = IngredientAmount { ingredient_id: id("rice"), amount: "150.5".parse().expect("an amount") };
    RecipeInput {
        title: "Rice".to_owned(),
        body: "Cook.".to_owned(),
        servings: 2,
        ingredients: vec![rice],
        photo_key: None,
    }
}

const INPUT: &str =
    r#"{"title":"Rice","body":"Cook.","servings":2,"ingredients":[{"ingredientId":"rice","amount":150.5}]}"#;

#[tokio::test]
async fn recipes_are_listed_and_searched() {
    let page = || ok(&json!({"items": [recipe("r", "eve")], "page": 2, "pageSize": 5, "total": 6}));
    let it = Fixture::new(move |_| page()).await;
    let query = RecipeQuery {
        q: Some("김치".to_owned()),
        page: 2,
        page_size: 5,
        sort: RecipeSort::Popular,
        author_id: Some(id("eve")),
    };
    assert_eq!(it.clients.recipe.list(&cx(), &query).await.expect("a page").total, 6);
    let target = "/recipes?q=%EA%B9%80%EC%B9%98&page=2&pageSize=5&sort=popular&authorId=eve";
    assert_sent(&it.only_request(), "GET", target, "");

    let it = Fixture::new(move |_| page()).await;
    it.clients.recipe.list(&cx(), &RecipeQuery::default()).await.expect("a page");
    assert_sent(&it.only_request(), "GET", "/recipes?page=1&pageSize=10&sort=new", "");

    let it = Fixture::new(|_| ok(&json!({"items": [recipe("r", "eve")]}))).await;
    assert_eq!(it.clients.recipe.for_me(&cx(), 10).await.expect("cards").len(), 1);
    assert_sent(&it.only_request(), "GET", "/recipes/for-me?limit=10", "");

    let rice = json!({"id": "rice", "name": "쌀", "unit": "g", "price": 62000, "per": 20000});
    let it = Fixture::new(move |_| ok(&json!({"items": [rice]}))).await;
    assert_eq!(it.clients.recipe.ingredients(&cx(), None).await.expect("ingredients")[0].price, 62_000);
    assert_sent(&it.only_request(), "GET", "/ingredients", "");
}

#[tokio::test]
async fn recipes_are_read_made_and_replaced() {
    let it = Fixture::new(|_| ok(&recipe("r", "eve"))).await;
    assert_eq!(it.clients.recipe.recipe(&cx(), &id("r")).await.expect("a recipe").total_cost, 9000);
    assert_sent(&it.only_request(), "GET", "/recipes/r", "");

    let it = Fixture::new(|_| Reply::Json(201, recipe("r", "ada").to_string())).await;
    assert_eq!(it.clients.recipe.create(&cx(), &input()).await.expect("a recipe").id, id("r"));
    assert_sent(&it.only_request(), "POST", "/recipes", INPUT);

    let it = Fixture::new(|_| ok(&recipe("r", "ada"))).await;
    it.clients.recipe.replace(&cx(), &id("r"), &input()).await.expect("a recipe");
    assert_sent(&it.only_request(), "PUT", "/recipes/r", INPUT);

    let form = json!({"id": "r", "title": "Rice", "body": "Cook.", "servings": 2, "ingredients": [], "photoKey": null});
    let it = Fixture::new(move |_| ok(&form)).await;
    assert_eq!(it.clients.recipe.form(&cx(), &id("r")).await.expect("a form").servings, 2);
    assert_sent(&it.only_request(), "GET", "/recipes/r/form", "");
}

#[tokio::test]
async fn likes_and_deletions_want_no_answer() {
    let it = Fixture::new(|_| Reply::NoContent).await;
    let recipes = &it.clients.recipe;
    recipes.delete(&cx(), &id("r")).await.expect("done");
    recipes.like(&cx(), &id("r")).await.expect("done");
    recipes.unlike(&cx(), &id("r")).await.expect("done");
    recipes.delete_comment(&cx(), &id("c")).await.expect("done");
    recipes.like_comment(&cx(), &id("c")).await.expect("done");
    recipes.unlike_comment(&cx(), &id("c")).await.expect("done");
    let sent: Vec<_> =
        it.server.requests().into_iter().map(|r| format!("{} {}", r.method, r.target)).collect();
    let expected = [
        "DELETE /recipes/r",
        "PUT /recipes/r/like",
        "DELETE /recipes/r/like",
        "DELETE /comments/c",
        "PUT /comments/c/like",
        "DELETE /comments/c/like",
    ];
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn comments_are_read_made_and_edited() {
    let it = Fixture::new(|_| ok(&json!({"items": [comment("c", "r")], "nextCursor": null}))).await;
    let page = it.clients.recipe.comments(&cx(), &id("r"), 20, Some("x")).await.expect("a page");
    assert_eq!(page.items[0].body.to_text(), "good");
    assert_sent(&it.only_request(), "GET", "/recipes/r/comments?limit=20&cursor=x", "");

    let body = CommentInput { body: "good".to_owned() };
    let it = Fixture::new(|_| Reply::Json(201, comment("c", "r").to_string())).await;
    it.clients.recipe.create_comment(&cx(), &id("r"), &body).await.expect("a comment");
    assert_sent(&it.only_request(), "POST", "/recipes/r/comments", r#"{"body":"good"}"#);

    let it = Fixture::new(|_| ok(&comment("c", "r"))).await;
    it.clients.recipe.edit_comment(&cx(), &id("c"), &body).await.expect("a comment");
    assert_sent(&it.only_request(), "PUT", "/comments/c", r#"{"body":"good"}"#);
}

#[tokio::test]
async fn ones_own_recipe_cannot_be_liked() {
    let it = Fixture::new(|_| Reply::Problem(403, r#"{"code": "own_recipe"}"#.to_owned())).await;
    let error = it.clients.recipe.like(&cx(), &id("r")).await.expect_err("403");
    assert_eq!((error.problem_code(), error.outcome()), (Some("own_recipe"), "status_4xx"));
}

#[tokio::test]
async fn an_answer_about_another_recipe_is_refused() {
    let it = Fixture::new(|request| match request.target.as_str() {
        "/recipes/r/comments?limit=1" => ok(&json!({"items": [comment("c", "other")]})),
        "/comments/c" => ok(&comment("other", "r")),
        target if target.starts_with("/recipes?") => {
            ok(&json!({"items": [recipe("r", "mallory")], "page": 1, "pageSize": 10, "total": 1}))
        }
        _ => ok(&recipe("other", "mallory")),
    })
    .await;
    let (recipes, cx) = (&it.clients.recipe, cx());
    let query = RecipeQuery { author_id: Some(id("eve")), ..RecipeQuery::default() };
    assert_eq!(outcome(&recipes.list(&cx, &query).await), "invalid");
    assert_eq!(outcome(&recipes.recipe(&cx, &id("r")).await), "invalid");
    assert_eq!(outcome(&recipes.replace(&cx, &id("r"), &input()).await), "invalid");
    assert_eq!(outcome(&recipes.create(&cx, &input()).await), "invalid");
    assert_eq!(outcome(&recipes.comments(&cx, &id("r"), 1, None).await), "invalid");
    let body = CommentInput { body: "good".to_owned() };
    assert_eq!(outcome(&recipes.edit_comment(&cx, &id("c"), &body).await), "invalid");
}
