//! The sixteen things that front ends of the recipe book do: each works, and each fails in the ways it should.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, PASSWORD, TestBff, email};

use crate::fixtures::{COST_PER_SERVING, TOTAL_COST, publish, recipe_input};

const NOWHERE: &str = "0192f5a0-7c3e-7b1a-9d55-2f6d3c1b8a10";
const FEED: &str = "/bff/home-feed";

/// Whoever takes part.
struct Book {
    bff: TestBff,
    ada: Actor,
    bob: Actor,
    nobody: Actor,
    /// Ada's.
    recipe: String,
}

async fn send(actor: &Actor, method: Method, path: &str, body: &Value) -> Answer {
    actor.from_page(method, path).json(body).send().await
}

async fn put(actor: &Actor, path: &str, body: &Value) -> Answer {
    send(actor, Method::PUT, path, body).await
}

/// With the session, but without what proves that a page of ours sent it.
async fn forged(actor: &Actor, method: Method, path: &str) -> Answer {
    actor.request(method, path).header("origin", "https://evil.example").send().await
}

/// The recipe as it is in somebody's feed.
async fn in_feed(actor: &Actor, recipe: &str) -> Option<Value> {
    let feed = actor.get(FEED).await.expect(200).json();
    feed["recipes"].as_array().expect("recipes").iter().find(|card| card["id"] == recipe).cloned()
}

fn one(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_people_do_with_a_recipe_book_works_and_fails_as_it_should() {
    let bff = TestBff::spawn().await;
    let nobody = bff.anonymous();
    sign_up(&nobody).await;
    let (ada, bob) = (bff.anonymous(), bff.signed_in("bob").await);
    sign_in(&ada).await;
    let recipe = create(&ada, &nobody).await;
    let book = Book { bff, ada, bob, nobody, recipe };
    list(&book).await;
    detail(&book).await;
    ingredients(&book).await;
    form(&book).await;
    replace(&book).await;
    like(&book).await;
    let comment = comment(&book).await;
    like_comment(&book, &comment).await;
    edit_comment(&book, &comment).await;
    delete_comment(&book, &comment).await;
    delete(&book).await;
    renew(&book).await;
    sign_out(&book).await;
}

async fn sign_up(nobody: &Actor) {
    let ada = json!({ "email": email("ada"), "username": "ada", "password": PASSWORD });
    let made = nobody.post("/auth/signup", &ada).await.expect(201);
    assert_eq!(made.json()["user"]["username"], "ada");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    nobody.post("/auth/signup", &ada).await.expect_problem(409, "email_taken");
    let other = json!({ "email": email("other"), "username": "ada", "password": PASSWORD });
    nobody.post("/auth/signup", &other).await.expect_problem(409, "username_taken");
    let short = json!({ "email": email("eve"), "username": "eve", "password": "short" });
    assert_eq!(nobody.post("/auth/signup", &short).await.field_errors(), one("password", "too_short"));
    let elsewhere = nobody.request(Method::POST, "/auth/signup").header("origin", "https://evil.example");
    elsewhere.json(&ada).send().await.expect_problem(403, "csrf_failed");
}

async fn sign_in(ada: &Actor) {
    let wrong = json!({ "login": "ada", "password": "not the password" });
    ada.post("/auth/login", &wrong).await.expect_problem(401, "bad_credentials");
    let unknown = json!({ "login": "nobody", "password": PASSWORD });
    ada.post("/auth/login", &unknown).await.expect_problem(401, "bad_credentials");
    assert_eq!(ada.post("/auth/login", &json!({})).await.field_errors(), one("login", "required"));
    let _ = ada.sign_in("ada").await;
}

async fn create(ada: &Actor, nobody: &Actor) -> String {
    let made = ada.post("/api/recipes", &recipe_input("Rice with eggs")).await.expect(201);
    let recipe = made.json();
    let id = recipe["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), Some(&*format!("/api/recipes/{id}")));
    assert_eq!(recipe["author"]["username"], "ada");
    assert!(in_feed(ada, &id).await.is_some());

    nobody.post("/api/recipes", &recipe_input("x")).await.expect_problem(401, "unauthenticated");
    forged(ada, Method::POST, "/api/recipes").await.expect_problem(403, "csrf_failed");
    let mut many = recipe_input("x");
    many["servings"] = json!(101);
    assert_eq!(ada.post("/api/recipes", &many).await.field_errors(), one("servings", "out_of_range"));
    id
}

async fn list(book: &Book) {
    let Book { ada, bob, nobody, recipe, .. } = book;
    let dish = publish(bob, "Kimchi stew").await;
    for reader in [ada, bob, nobody] {
        let page = reader.get("/api/recipes").await.expect(200).json();
        let items = page["items"].as_array().expect("items");
        let authors: Vec<_> = items.iter().map(|card| (&card["id"], &card["author"]["username"])).collect();
        assert_eq!(authors, [(&json!(dish), &json!("bob")), (&json!(recipe), &json!("ada"))]);
        assert_eq!((&page["page"], &page["pageSize"], &page["total"]), (&json!(1), &json!(10), &json!(2)));
    }
    let second = nobody.get("/api/recipes?pageSize=1&page=2&utm_source=x").await.expect(200).json();
    assert_eq!((&second["items"][0]["id"], &second["total"]), (&json!(recipe), &json!(2)));
    let found = nobody.get("/api/recipes?q=kimchi+stew&sort=popular").await.expect(200).json();
    assert_eq!((&found["items"][0]["id"], &found["total"]), (&json!(dish), &json!(1)));

    for (query, field, code) in [
        ("pageSize=101", "pageSize", "out_of_range"),
        ("page=0", "page", "out_of_range"),
        ("page=99999999999999999999", "page", "out_of_range"),
        ("page=4294967296", "page", "out_of_range"),
        ("page=x", "page", "invalid"),
        ("page=1&page=1", "page", "duplicate"),
        ("pageSize=", "pageSize", "invalid"),
        ("sort=random", "sort", "invalid"),
        ("q=%00", "q", "invalid"),
        (&format!("q={}", "x".repeat(201)), "q", "too_long"),
    ] {
        let answer = nobody.get(&format!("/api/recipes?{query}")).await;
        assert_eq!(answer.field_errors(), one(field, code), "{query}");
    }
    let html = nobody.request(Method::GET, "/api/recipes").header("accept", "text/html").send().await;
    html.expect_problem(406, "not_acceptable");
    forged(ada, Method::PATCH, "/api/recipes").await.expect_problem(405, "method_not_allowed");
}

async fn detail(Book { ada, bob, nobody, recipe, .. }: &Book) {
    for reader in [ada, bob, nobody] {
        let whole = reader.get(&format!("/api/recipes/{recipe}")).await.expect(200).json();
        assert_eq!((&whole["title"], &whole["author"]["id"]), (&json!("Rice with eggs"), &json!(ada.id())));
        assert_eq!(
            (&whole["totalCost"], &whole["costPerServing"]),
            (&json!(TOTAL_COST), &json!(COST_PER_SERVING))
        );
        assert_eq!((&whole["likedByMe"], &whole["body"]), (&json!(false), &recipe_input("")["body"]));
    }
    for bad in [NOWHERE, "no%20id", "a%2Fb", ".."] {
        nobody.get(&format!("/api/recipes/{bad}")).await.expect_problem(404, "not_found");
    }
}

async fn ingredients(Book { ada, nobody, .. }: &Book) {
    let all = ada.get("/api/ingredients").await.expect(200).json();
    assert!(all["items"].as_array().is_some_and(|items| items.len() > 20));
    let some = nobody.get("/api/ingredients?q=%EC%8C%80").await.expect(200).json();
    let rice = json!({ "id": "rice", "name": "쌀", "unit": "g", "price": 62_000, "per": 20_000 });
    assert!(some["items"].as_array().is_some_and(|items| items.contains(&rice)), "{some}");
    assert_eq!(nobody.get("/api/ingredients?q=a&q=b").await.field_errors(), one("q", "duplicate"));
    assert_eq!(nobody.get("/api/ingredients?q=%ff").await.field_errors(), one("q", "invalid"));
}

async fn form(Book { ada, bob, nobody, recipe, .. }: &Book) {
    let path = format!("/api/recipes/{recipe}/form");
    let form = ada.get(&path).await.expect(200);
    assert_eq!(form.header("cache-control"), Some("private, no-cache"));
    let known = ada.request(Method::GET, &path).header("if-none-match", form.etag()).send().await;
    let _ = known.expect(304);
    let form = form.json();
    assert_eq!((&form["id"], &form["servings"]), (&json!(recipe), &json!(4)));
    assert_eq!(form["ingredients"][0]["amount"], 400);
    bob.get(&path).await.expect_problem(403, "not_author");
    nobody.get(&path).await.expect_problem(401, "unauthenticated");
    ada.get(&format!("/api/recipes/{NOWHERE}/form")).await.expect_problem(404, "not_found");
}

async fn replace(Book { bff, ada, bob, nobody, recipe }: &Book) {
    let path = format!("/api/recipes/{recipe}");
    let mut input = recipe_input("Rice with one egg");
    input["ingredients"][1]["amount"] = json!(1);
    let now = put(ada, &path, &input).await.expect(200).json();
    // 1,240 + half up of 7,990 / 30.
    assert_eq!((&now["title"], &now["totalCost"]), (&json!("Rice with one egg"), &json!(1_506)));
    assert_eq!(now["author"]["username"], "ada");
    assert_eq!(in_feed(ada, recipe).await.expect("the recipe")["title"], "Rice with one egg");
    put(bob, &path, &input).await.expect_problem(403, "not_author");
    put(nobody, &path, &input).await.expect_problem(401, "unauthenticated");
    put(ada, &format!("/api/recipes/{NOWHERE}"), &input).await.expect_problem(404, "not_found");
    bff.clear_journals();
    input["ingredients"][0]["amount"] = json!(0);
    let errors = put(ada, &path, &input).await.field_errors();
    assert_eq!(errors, one("ingredients[0].amount", "out_of_range"));
    forged(ada, Method::PUT, &path).await.expect_problem(403, "csrf_failed");
    assert_eq!(bff.calls(), 0, "{:#?}", bff.call_lines());
}

async fn like(Book { ada, bob, nobody, recipe, .. }: &Book) {
    let path = format!("/api/recipes/{recipe}/like");
    for _ in 0..2 {
        let _ = bob.put(&path).await.expect(204);
        let card = in_feed(bob, recipe).await.expect("the recipe");
        assert_eq!((&card["likedByMe"], &card["likeCount"]), (&json!(true), &json!(1)));
    }
    let read = async |reader: &Actor| reader.get(&format!("/api/recipes/{recipe}")).await.expect(200).json();
    assert_eq!(read(bob).await["likedByMe"], true);
    assert_eq!(read(nobody).await["likedByMe"], false);
    ada.put(&path).await.expect_problem(403, "own_recipe");
    nobody.put(&path).await.expect_problem(401, "unauthenticated");
    bob.put(&format!("/api/recipes/{NOWHERE}/like")).await.expect_problem(404, "not_found");
    forged(bob, Method::DELETE, &path).await.expect_problem(403, "csrf_failed");
    for _ in 0..2 {
        let _ = bob.delete(&path).await.expect(204);
        assert_eq!(in_feed(bob, recipe).await.expect("the recipe")["likedByMe"], false);
    }
}

async fn comment(Book { ada, bob, nobody, recipe, .. }: &Book) -> String {
    let path = format!("/api/recipes/{recipe}/comments");
    let made = bob.post(&path, &json!({ "body": "How long do you boil the rice?" })).await.expect(201);
    let comment = made.json();
    let id = comment["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), Some(&*format!("/api/comments/{id}")));
    assert_eq!((&comment["author"]["username"], &comment["recipeId"]), (&json!("bob"), &json!(recipe)));
    assert_eq!(in_feed(bob, recipe).await.expect("the recipe")["commentCount"], 1);
    let _ = ada.post(&path, &json!({ "body": "Twelve minutes." })).await.expect(201);
    for reader in [ada, bob, nobody] {
        let first = reader.get(&format!("{path}?limit=1")).await.expect(200).json();
        assert_eq!(first["items"][0]["id"], id);
        assert_eq!(first["items"][0]["author"]["username"], "bob");
        let cursor = first["nextCursor"].as_str().expect("there is more");
        let second = reader.get(&format!("{path}?limit=1&cursor={cursor}")).await.expect(200).json();
        assert_eq!(second["items"][0]["author"]["username"], "ada");
        assert_eq!(second["nextCursor"], Value::Null);
    }
    nobody.post(&path, &json!({ "body": "x" })).await.expect_problem(401, "unauthenticated");
    assert_eq!(bob.post(&path, &json!({ "body": " " })).await.field_errors(), one("body", "too_short"));
    assert_eq!(
        bob.post(&path, &json!({ "body": "\u{0}" })).await.field_errors(),
        one("body", "invalid_characters")
    );
    let nowhere = format!("/api/recipes/{NOWHERE}/comments");
    bob.post(&nowhere, &json!({ "body": "x" })).await.expect_problem(404, "not_found");
    nobody.get(&nowhere).await.expect_problem(404, "not_found");
    assert_eq!(nobody.get(&format!("{path}?limit=101")).await.field_errors(), one("limit", "out_of_range"));
    let strange = nobody.get(&format!("{path}?cursor=nonsense")).await.field_errors();
    assert_eq!(strange[0].0, "cursor");
    id
}

async fn like_comment(Book { ada, nobody, recipe, .. }: &Book, comment: &str) {
    let path = format!("/api/comments/{comment}/like");
    let likes = async || {
        let page = ada.get(&format!("/api/recipes/{recipe}/comments")).await.expect(200).json();
        page["items"][0]["likeCount"].as_u64().expect("a number")
    };
    for _ in 0..2 {
        let _ = ada.put(&path).await.expect(204);
        assert_eq!(likes().await, 1);
    }
    for _ in 0..2 {
        let _ = ada.delete(&path).await.expect(204);
        assert_eq!(likes().await, 0);
    }
    nobody.put(&path).await.expect_problem(401, "unauthenticated");
    ada.put(&format!("/api/comments/{NOWHERE}/like")).await.expect_problem(404, "not_found");
    forged(ada, Method::PUT, &path).await.expect_problem(403, "csrf_failed");
}

async fn edit_comment(Book { ada, bob, nobody, .. }: &Book, comment: &str) {
    let path = format!("/api/comments/{comment}");
    let now = put(bob, &path, &json!({ "body": "How long?" })).await.expect(200).json();
    assert_eq!((&now["body"], &now["author"]["username"]), (&json!("How long?"), &json!("bob")));
    put(ada, &path, &json!({ "body": "Mine" })).await.expect_problem(403, "not_author");
    put(nobody, &path, &json!({ "body": "x" })).await.expect_problem(401, "unauthenticated");
    let nowhere = format!("/api/comments/{NOWHERE}");
    put(bob, &nowhere, &json!({ "body": "x" })).await.expect_problem(404, "not_found");
    let more = json!({ "body": "x", "likeCount": 100 });
    assert_eq!(put(bob, &path, &more).await.field_errors(), one("likeCount", "unknown_field"));
}

async fn delete_comment(Book { ada, bob, nobody, recipe, .. }: &Book, comment: &str) {
    let path = format!("/api/comments/{comment}");
    nobody.delete(&path).await.expect_problem(401, "unauthenticated");
    ada.delete(&path).await.expect_problem(403, "not_author");
    forged(bob, Method::DELETE, &path).await.expect_problem(403, "csrf_failed");
    assert_eq!(in_feed(bob, recipe).await.expect("the recipe")["commentCount"], 2);
    assert_eq!(bob.delete(&path).await.expect(204).body.len(), 0);
    assert_eq!(in_feed(bob, recipe).await.expect("the recipe")["commentCount"], 1);
    bob.delete(&path).await.expect_problem(404, "not_found");
}

async fn delete(Book { ada, bob, nobody, recipe, .. }: &Book) {
    let path = format!("/api/recipes/{recipe}");
    bob.delete(&path).await.expect_problem(403, "not_author");
    nobody.delete(&path).await.expect_problem(401, "unauthenticated");
    forged(ada, Method::DELETE, &path).await.expect_problem(403, "csrf_failed");
    assert!(in_feed(ada, recipe).await.is_some());
    let _ = ada.delete(&path).await.expect(204);
    assert!(in_feed(ada, recipe).await.is_none());
    ada.delete(&path).await.expect_problem(404, "not_found");
    nobody.get(&format!("{path}/comments")).await.expect_problem(404, "not_found");
}

/// A browser's session is renewed by being used; its page asks for the session and the token that goes with it.
async fn renew(Book { ada, nobody, .. }: &Book) {
    let session = ada.get("/auth/session").await.expect(200).json();
    assert_eq!(session["user"]["id"], ada.id());
    let csrf = ada.get("/auth/csrf-token").await.expect(200).json();
    assert_eq!(csrf["csrf"], session["csrfToken"]);
    nobody.get("/auth/session").await.expect_problem(401, "unauthenticated");
    nobody.get("/auth/csrf-token").await.expect_problem(401, "unauthenticated");
}

async fn sign_out(Book { ada, nobody, .. }: &Book) {
    forged(ada, Method::POST, "/auth/logout").await.expect_problem(403, "csrf_failed");
    nobody.from_page(Method::POST, "/auth/logout").send().await.expect_problem(401, "unauthenticated");
    let cookie = ada.cookie();
    let _ = ada.from_page(Method::POST, "/auth/logout").send().await.expect(204);
    ada.set_cookie(cookie);
    ada.get("/auth/session").await.expect_problem(401, "unauthenticated");
    ada.get("/api/me").await.expect_problem(401, "unauthenticated");
}
