//! The recipe book's three services in one, which answer at once and the same to everybody but for who is asked for: what
//! is measured with it is the way to it. People sign in with any name, whose id is the name.

use std::{fmt::Write as _, io::Write as _};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

const POSTS: usize = 20;
const RECIPES: usize = 10;
const AUTHORS: usize = 8;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let lists = web::Data::new(Lists::new());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(lists.clone())
            .route("/members/verify", web::post().to(verify))
            .route("/members/{id}", web::get().to(member))
            .route("/members", web::get().to(members))
            .route("/timeline", web::get().to(|lists: web::Data<Lists>| async move { sent(&lists.posts) }))
            .route(
                "/recipes/for-me",
                web::get().to(|lists: web::Data<Lists>| async move { sent(&lists.recipes) }),
            )
            .route(
                "/recipes/cards",
                web::get().to(|lists: web::Data<Lists>| async move { sent(&lists.recipes) }),
            )
    });
    let server = server.workers(1).bind(("127.0.0.1", 0))?;
    writeln!(std::io::stdout(), "listening http={}", server.addrs()[0])?;
    server.run().await
}

struct Lists {
    posts: web::Bytes,
    recipes: web::Bytes,
}

impl Lists {
    fn new() -> Self {
        let recipe = |number: usize| {
            json!({
                "id": format!("recipe-{number}"), "authorId": format!("author-{}", number % AUTHORS),
                "title": format!("Kimchi stew with pork, number {number}"), "photoUrl": null, "servings": 4,
                "totalCost": 12_400, "costPerServing": 3100, "currency": "KRW", "likeCount": 12, "likedByMe": false,
                "commentCount": 3, "createdAt": "2026-01-02T03:04:05Z",
            })
        };
        let post = |number: usize| {
            json!({
                "id": format!("post-{number}"), "authorId": format!("author-{}", number % AUTHORS),
                "text": "This is for dinner tonight: a bowl of it is cheaper than a cup of coffee.",
                "recipeId": number.is_multiple_of(2).then(|| format!("recipe-{}", number / 2)),
                "createdAt": "2026-01-02T03:04:05Z", "likeCount": 4, "likedByMe": true,
            })
        };
        let posts: Vec<Value> = (0..POSTS).map(post).collect();
        let recipes: Vec<Value> = (0..RECIPES).map(recipe).collect();
        Self {
            posts: json!({ "items": posts, "nextCursor": "post-20" }).to_string().into(),
            recipes: json!({ "items": recipes }).to_string().into(),
        }
    }
}

fn sent(body: &web::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body.clone())
}

fn profile(id: &str) -> String {
    let mut text = String::with_capacity(320);
    let _ = write!(
        text,
        r#"{{"id":"{id}","username":"{id}","displayName":"Somebody with a name","avatarUrl":null,"bio":"Cooks on most evenings.","createdAt":"2026-01-02T03:04:05Z","email":"{id}@example.org","totpEnabled":false}}"#
    );
    text
}

async fn verify(input: web::Json<Value>) -> HttpResponse {
    let login = input["login"].as_str().unwrap_or("nobody");
    HttpResponse::Ok().content_type("application/json").body(profile(login))
}

async fn member(request: HttpRequest) -> HttpResponse {
    let id = request.match_info().get("id").unwrap_or("nobody");
    HttpResponse::Ok().content_type("application/json").body(profile(id))
}

/// `?ids=a,b,c`.
async fn members(request: HttpRequest) -> HttpResponse {
    let ids = request.query_string().strip_prefix("ids=").unwrap_or_default();
    let cards: Vec<String> = ids.split(',').map(profile).collect();
    let body = format!(r#"{{"items":[{}]}}"#, cards.join(","));
    HttpResponse::Ok().content_type("application/json").body(body)
}
