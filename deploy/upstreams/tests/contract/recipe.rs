use reqwest::Method;
use serde_json::{Value, json};
use upstreams::{Running, Service};

use crate::gateway::{Caller, Gateway};

fn stew() -> Value {
    json!({
        "title": "김치찌개", "body": "끓인다.", "servings": 4,
        "ingredients": [
            {"ingredientId": "rice", "amount": 150}, {"ingredientId": "kimchi", "amount": 350.5},
            {"ingredientId": "egg", "amount": 1.5},
        ],
    })
}

async fn make(who: &Caller<'_>, recipe: Value) -> String {
    let recipe = who.post("/recipes", recipe).await.expect(201);
    format!("/recipes/{}", recipe["id"].as_str().expect("an id"))
}

async fn start(gateway: &Gateway) -> Running {
    gateway.start(Service::Recipe).await
}

#[tokio::test]
async fn a_recipe_costs_what_its_ingredients_cost() {
    let gateway = Gateway::spawn().await;
    let recipe = start(&gateway).await;
    let ada = gateway.caller(&recipe, "recipe", Some("ada"));
    let made = ada.post("/recipes", stew()).await.expect(201);
    // 150 × 62,000 / 20,000; 350.5 × 27,900 / 3,000 = 3,259.65; 1.5 × 7,990 / 30 = 399.5
    let costs: Vec<_> =
        made["ingredients"].as_array().expect("lines").iter().map(|line| &line["cost"]).collect();
    assert_eq!(costs, [465, 3260, 400]);
    assert_eq!((&made["totalCost"], &made["costPerServing"]), (&json!(4125), &json!(1031)));
    assert_eq!((&made["currency"], &made["ingredients"][1]["amount"]), (&json!("KRW"), &json!(350.5)));
    assert_eq!(made["ingredients"][0]["name"], "쌀");
    let path = format!("/recipes/{}", made["id"].as_str().expect("an id"));
    let nobody = gateway.caller(&recipe, "recipe", None);
    assert_eq!(nobody.get(&path).await.expect(200), made);
    let mut smaller = stew();
    smaller["servings"] = json!(2);
    smaller["ingredients"] = json!([{"ingredientId": "rice", "amount": 100}]);
    let replaced = ada.call_with(Method::PUT, &path, smaller).await.expect(200);
    assert_eq!((&replaced["totalCost"], &replaced["costPerServing"]), (&json!(310), &json!(155)));
    assert_eq!(replaced["createdAt"], made["createdAt"]);
    let form = ada.get(&format!("{path}/form")).await.expect(200);
    assert_eq!((&form["photoKey"], form["ingredients"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
}

#[tokio::test]
async fn bad_recipes_are_refused_with_their_field() {
    let gateway = Gateway::spawn().await;
    let recipe = start(&gateway).await;
    let ada = gateway.caller(&recipe, "recipe", Some("ada"));
    let line = |id: &str, amount: Value| json!([{"ingredientId": "rice", "amount": 1}, {"ingredientId": id, "amount": amount}]);
    for (name, value, field, code) in [
        ("servings", json!(0), "servings", "out_of_range"),
        ("servings", json!(2.5), "servings", "invalid"),
        ("title", json!("x".repeat(201)), "title", "too_long"),
        ("body", json!(""), "body", "too_short"),
        ("cost", json!(1), "cost", "unknown_field"),
        ("ingredients", json!([]), "ingredients", "out_of_range"),
        ("ingredients", line("plutonium", json!(1)), "ingredients[1].ingredientId", "unknown_ingredient"),
        ("ingredients", line("egg", json!(0)), "ingredients[1].amount", "out_of_range"),
        ("ingredients", line("egg", json!(0.0001)), "ingredients[1].amount", "invalid"),
        ("ingredients", line("egg", json!(-1)), "ingredients[1].amount", "invalid"),
        ("ingredients", line("a b", json!(1)), "ingredients[1].ingredientId", "invalid"),
        (
            "ingredients",
            json!(vec![json!({"ingredientId": "egg", "amount": 999_999_999_999_u64}); 100]),
            "ingredients",
            "cost_overflow",
        ),
    ] {
        let mut body = stew();
        body[name] = value;
        let answer = ada.post("/recipes", body).await;
        assert_eq!((answer.status.as_u16(), answer.field()), (422, (field, code)));
    }
    let list = ada.get("/recipes").await.expect(200);
    assert_eq!(list["total"], 0, "nothing is left of what was refused");
}

#[tokio::test]
async fn only_the_author_edits_and_only_others_like() {
    let gateway = Gateway::spawn().await;
    let recipe = start(&gateway).await;
    let (ada, bora) =
        (gateway.caller(&recipe, "recipe", Some("ada")), gateway.caller(&recipe, "recipe", Some("bora")));
    let nobody = gateway.caller(&recipe, "recipe", None);
    let path = make(&ada, stew()).await;
    let (form, like) = (format!("{path}/form"), format!("{path}/like"));
    assert_eq!(bora.get(&form).await.code(), (403, "not_author"));
    assert_eq!(bora.delete(&path).await.code(), (403, "not_author"));
    assert_eq!(bora.call_with(Method::PUT, &path, stew()).await.code(), (403, "not_author"));
    for method in [Method::PUT, Method::DELETE] {
        assert_eq!(ada.call(method.clone(), &like).await.code(), (403, "own_recipe"));
        assert_eq!(nobody.call(method, &like).await.code(), (403, "no_acting_user"));
    }
    bora.put(&like).await.expect(204);
    bora.put(&like).await.expect(204);
    let seen = |answer: Value| (answer["likeCount"].clone(), answer["likedByMe"].clone());
    assert_eq!(seen(bora.get(&path).await.expect(200)), (json!(1), json!(true)));
    assert_eq!(seen(ada.get(&path).await.expect(200)), (json!(1), json!(false)));
    assert_eq!(seen(nobody.get(&path).await.expect(200)), (json!(1), json!(false)));
    bora.delete(&like).await.expect(204);
    assert_eq!(seen(bora.get(&path).await.expect(200)), (json!(0), json!(false)));
    assert_eq!(nobody.post("/recipes", stew()).await.code(), (403, "no_acting_user"));
    assert_eq!(nobody.get("/recipes/for-me").await.code(), (403, "no_acting_user"));
    for (method, tail) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::GET, "/form"),
        (Method::PUT, "/like"),
        (Method::GET, "/comments"),
    ] {
        assert_eq!(ada.call(method, &format!("/recipes/none{tail}")).await.code(), (404, "not_found"));
    }
}

#[tokio::test]
async fn comments_go_with_their_recipe() {
    let gateway = Gateway::spawn().await;
    let recipe = start(&gateway).await;
    let (ada, bora) =
        (gateway.caller(&recipe, "recipe", Some("ada")), gateway.caller(&recipe, "recipe", Some("bora")));
    let path = make(&ada, stew()).await;
    let comments = format!("{path}/comments");
    let first = bora.post(&comments, json!({"body": "맛있어요"})).await.expect(201);
    ada.post(&comments, json!({"body": "고마워요"})).await.expect(201);
    let comment = format!("/comments/{}", first["id"].as_str().expect("an id"));
    assert_eq!(first["recipeId"], path.trim_start_matches("/recipes/"));
    ada.put(&format!("{comment}/like")).await.expect(204);
    assert_eq!(ada.call_with(Method::PUT, &comment, json!({"body": "x"})).await.code(), (403, "not_author"));
    assert_eq!(ada.delete(&comment).await.code(), (403, "not_author"));
    let edited = bora.call_with(Method::PUT, &comment, json!({"body": "정말 맛있어요"})).await.expect(200);
    assert_eq!((&edited["createdAt"], &edited["likeCount"]), (&first["createdAt"], &json!(1)));
    assert_ne!(edited["updatedAt"], first["updatedAt"]);
    let list = ada.get(&comments).await.expect(200);
    assert_eq!(
        (&list["items"][0]["likedByMe"], &list["items"][1]["body"]),
        (&json!(true), &json!("고마워요"))
    );
    assert_eq!(ada.get(&path).await.expect(200)["commentCount"], 2);
    bora.delete(&comment).await.expect(204);
    assert_eq!(ada.get(&path).await.expect(200)["commentCount"], 1);
    assert_eq!(bora.call_with(Method::PUT, &comment, json!({"body": "x"})).await.code(), (404, "not_found"));
    bora.put(&format!("{path}/like")).await.expect(204);
    let left = ada.get(&comments).await.expect(200)["items"][0]["id"].as_str().expect("an id").to_owned();
    ada.delete(&path).await.expect(204);
    assert_eq!(bora.put(&format!("/comments/{left}/like")).await.code(), (404, "not_found"));
    assert_eq!(ada.get("/recipes?q=찌개").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn recipes_are_found_by_words_author_and_ingredient() {
    let gateway = Gateway::spawn().await;
    let recipe = start(&gateway).await;
    let (ada, bora) =
        (gateway.caller(&recipe, "recipe", Some("ada")), gateway.caller(&recipe, "recipe", Some("bora")));
    let titled = |title: &str, ingredient: &str| json!({"title": title, "body": "Simmer it.", "servings": 1, "ingredients": [{"ingredientId": ingredient, "amount": 1}]});
    let first = make(&ada, titled("김치찌개", "kimchi")).await;
    let second = make(&bora, titled("된장찌개", "doenjang")).await;
    make(&bora, titled("떡국", "rice-cakes")).await;
    ada.put(&format!("{second}/like")).await.expect(204);
    let found = async |query: &str| {
        let page = ada.get(&format!("/recipes?{query}")).await.expect(200);
        let titles = page["items"].as_array().expect("items").iter();
        (
            titles.map(|card| card["title"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>(),
            page["total"].clone(),
        )
    };
    assert_eq!(found("").await, (vec!["떡국".into(), "된장찌개".into(), "김치찌개".into()], json!(3)));
    assert_eq!(found("sort=popular").await.0[0], "된장찌개");
    assert_eq!(found("q=찌개").await, (vec!["된장찌개".into(), "김치찌개".into()], json!(2)));
    assert_eq!(found("q=배추김치").await.0, ["김치찌개"], "by an ingredient's name");
    assert_eq!(found("q=SIMMER+떡").await.0, ["떡국"]);
    assert_eq!(found("q=찌개&authorId=bora").await.0, ["된장찌개"]);
    assert_eq!(found("q=%22%27%3B--").await.1, 0);
    assert_eq!(found("page=2&pageSize=2").await, (vec!["김치찌개".into()], json!(3)));
    assert_eq!(found("page=4294967295&pageSize=100").await.0, Vec::<String>::new());
    ada.call_with(Method::PUT, &first, titled("볶음밥", "rice")).await.expect(200);
    assert_eq!(found("q=김치").await.1, 0, "the index follows a change");
    assert_eq!(found("q=볶음밥").await.1, 1);
    assert_eq!(ada.get("/recipes?sort=old").await.field(), ("sort", "invalid"));
    let ids = [&second, &first].map(|path| path.trim_start_matches("/recipes/").to_owned()).join(",");
    let cards = ada.get(&format!("/recipes/cards?ids={ids},none")).await.expect(200);
    let liked: Vec<_> =
        cards["items"].as_array().expect("items").iter().map(|card| &card["likedByMe"]).collect();
    assert_eq!(liked, [true, false]);
    let for_me = ada.get("/recipes/for-me?limit=2").await.expect(200);
    assert_eq!(for_me["items"].as_array().map(Vec::len), Some(2));
    let nobody = gateway.caller(&recipe, "recipe", None);
    let pantry = nobody.get("/ingredients?q=김치").await.expect(200);
    assert_eq!(
        pantry["items"][0],
        json!({"id": "kimchi", "name": "배추김치", "unit": "g", "price": 27_900, "per": 3000})
    );
    assert!(
        nobody.get("/ingredients").await.expect(200)["items"].as_array().is_some_and(|all| all.len() >= 30)
    );
}
