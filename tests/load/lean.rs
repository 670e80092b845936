//! The least that a screen of three calls takes: a session map, three calls at once, and their answers spliced into one
//! document as they are. What a miss of the gateway is measured against.

use std::{collections::HashMap, io::Write as _};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::future::try_join3;

/// Who is signed in, by cookie.
struct Sessions(HashMap<String, String>);

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(upstream), Some(users)) = (arguments.next(), arguments.next().and_then(|n| n.parse().ok()))
    else {
        return Err(std::io::Error::other("usage: lean UPSTREAM USERS"));
    };
    let sessions = (0..users).map(|user: usize| (format!("sid=session-{user}"), format!("user-{user}")));
    let (sessions, upstream) = (web::Data::new(Sessions(sessions.collect())), web::Data::new(upstream));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(sessions.clone())
            .app_data(upstream.clone())
            .app_data(web::Data::new(awc::Client::default()))
            .route("/bff/home-feed", web::get().to(feed))
    });
    let server = server.workers(1).bind(("127.0.0.1", 0))?;
    writeln!(std::io::stdout(), "listening http={}", server.addrs()[0])?;
    server.run().await
}

async fn feed(
    request: HttpRequest,
    sessions: web::Data<Sessions>,
    upstream: web::Data<String>,
    client: web::Data<awc::Client>,
) -> actix_web::Result<HttpResponse> {
    let cookie = request.headers().get("cookie").and_then(|cookie| cookie.to_str().ok());
    let Some(user) = cookie.and_then(|cookie| sessions.0.get(cookie)) else {
        return Ok(HttpResponse::Unauthorized().finish());
    };
    let get = async |path: &str| {
        let url = format!("{}{path}", upstream.as_str());
        let mut answer = client.get(url).send().await.map_err(actix_web::error::ErrorBadGateway)?;
        answer.body().await.map_err(actix_web::error::ErrorBadGateway)
    };
    let member = format!("/members/{user}");
    let calls = try_join3(get(&member), get("/timeline?limit=20"), get("/recipes/for-me?limit=10"));
    let (profile, posts, recipes) = calls.await?;
    let mut body = web::BytesMut::with_capacity(64 + profile.len() + posts.len() + recipes.len());
    for piece in [&b"{\"profile\":"[..], &profile, b",\"posts\":", &posts, b",\"recipes\":", &recipes, b"}"] {
        body.extend_from_slice(piece);
    }
    Ok(HttpResponse::Ok().content_type("application/json").body(body.freeze()))
}
