//! The least that an actix-web server can do: the same bytes to everybody. What the gateway is measured
//! against.

use std::io::Write as _;

use actix_web::{App, HttpResponse, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let file = std::env::args_os().nth(1).expect("usage: bare FILE");
    let body = web::Bytes::from(std::fs::read(file)?);
    let server = HttpServer::new(move || {
        let body = body.clone();
        let answer = move || {
            let body = body.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(body) }
        };
        App::new().route("/bff/home-feed", web::get().to(answer))
    });
    let server = server.workers(1).bind(("127.0.0.1", 0))?;
    writeln!(std::io::stdout(), "listening http={}", server.addrs()[0])?;
    server.run().await
}
