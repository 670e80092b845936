//! The least that a backend for a front-end can do for a home feed that it does not keep: find out whose cookie it is, make
//! three calls at once, and put their answers into one document as they came. Nothing is checked, limited, logged or kept.
//!
//! `lean UPSTREAM USERS`: the upstream's address, and how many sessions there are.

use std::{collections::HashMap, io::Write as _, rc::Rc};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    error::{ErrorBadGateway, ErrorUnauthorized},
    http::header::{AUTHORIZATION, COOKIE},
    web,
};
use futures_util::future::try_join3;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers below are read up to this.
const MAX_BYTES: usize = 1 << 20;

/// What all workers share.
struct Shared {
    upstream: String,
    /// By cookie.
    sessions: HashMap<String, String>,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (upstream, users) = arguments.next().zip(arguments.next()).expect("usage: lean UPSTREAM USERS");
    let users: u32 = users.parse().expect("a number of users");
    let sessions = (0..users).map(|user| (format!("sid=lean-{user}"), format!("member-{user}"))).collect();
    let shared = web::Data::new(Shared { upstream, sessions });
    let server = HttpServer::new(move || {
        let client = Rc::new(awc::Client::builder().disable_redirects().finish());
        let feed =
            move |request: HttpRequest, shared: web::Data<Shared>| feed(Rc::clone(&client), request, shared);
        App::new().app_data(shared.clone()).route("/bff/home-feed", web::get().to(feed))
    });
    let server = server.workers(1).backlog(1024).bind(("127.0.0.1", 0))?;
    writeln!(std::io::stdout(), "listening http={}", server.addrs()[0])?;
    server.run().await
}

async fn feed(
    client: Rc<awc::Client>,
    request: HttpRequest,
    shared: web::Data<Shared>,
) -> actix_web::Result<HttpResponse> {
    let cookie = request.headers().get(COOKIE).and_then(|cookie| cookie.to_str().ok());
    let user = cookie
        .and_then(|cookie| shared.sessions.get(cookie))
        .ok_or_else(|| ErrorUnauthorized("no session"))?;
    let get = async |path: &str| {
        let call = client
            .get(format!("http://{}{path}", shared.upstream))
            .insert_header((AUTHORIZATION, "Bearer lean"));
        let mut answer = call.send().await.map_err(|_| ErrorBadGateway("no answer"))?;
        if !answer.status().is_success() {
            return Err(ErrorBadGateway("no success"));
        }
        answer.body().limit(MAX_BYTES).await.map_err(|_| ErrorBadGateway("no body"))
    };
    let profile = format!("/members/{user}");
    let (profile, posts, recipes) =
        try_join3(get(&profile), get("/timeline?limit=20&whole=1"), get("/recipes/for-me?limit=10&whole=1"))
            .await?;
    let mut body = Vec::with_capacity(profile.len() + posts.len() + recipes.len() + 64);
    for piece in [&b"{\"profile\":"[..], &profile, b",\"posts\":", &posts, b",\"recipes\":", &recipes, b"}"] {
        body.extend_from_slice(piece);
    }
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}
