//! Routes behind the stages of the edge, on a port of their own, and a caller that sees every byte.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, middleware::from_fn, rt, web};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::World;
use crate::{
    edge::{Callers, Dispatch, Edge, EdgeParts, Identify, TrustedProxies, gate},
    identity::{AllowedOrigins, CookieSettings, CsrfGuard, CsrfKeys, SameSite, member, trial_tokens},
    routes::tests::{Alone, resolve},
    telemetry::{AccessLog, AccessSettings, LineFormat, Sink, UserHasher, unix_ms},
};

/// The longest body that is read whole, in bytes.
pub(super) const BODY_LIMIT: usize = 1024;

/// A gateway of declared routes alone.
pub(super) struct Served {
    pub(super) world: World,
    address: SocketAddr,
    /// Of an app of ada's.
    pub(super) bearer: String,
    /// Of her browser.
    pub(super) cookie: String,
    pub(super) csrf: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Whether all of the body came that was announced.
    pub(super) is_whole: bool,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The `code` of a problem, or the status where there is none.
    pub(super) fn code(&self) -> String {
        let json: Option<serde_json::Value> = serde_json::from_slice(&self.body).ok();
        let code = json.and_then(|json| json["code"].as_str().map(ToOwned::to_owned));
        code.unwrap_or_else(|| self.status.to_string())
    }

    /// Of the bytes that came until the connection was closed.
    fn read(bytes: &[u8], is_head: bool) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).expect("text");
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let header = |line: &str| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers: Vec<(String, String)> = lines.map(header).collect();
        let mut reply =
            Self { status: status.parse().expect("a number"), headers, body: Vec::new(), is_whole: true };
        let rest = &bytes[end + 4..];
        if reply.header("transfer-encoding").is_some() {
            (reply.body, reply.is_whole) = dechunked(rest);
        } else {
            let length =
                reply.header("content-length").map(|length| length.parse::<usize>().expect("a number"));
            reply.is_whole = is_head || length.is_none_or(|length| length == rest.len());
            reply.body = rest.to_vec();
        }
        reply
    }
}

/// A body of chunks (RFC 9112 section 7.1), and whether it has its end.
fn dechunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return (body, false) };
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.expect("the size of a chunk");
        if size == 0 {
            return (body, true);
        }
        rest = &rest[end + 2..];
        body.extend_from_slice(&rest[..size.min(rest.len())]);
        if rest.len() < size + 2 {
            return (body, false);
        }
        rest = &rest[size + 2..];
    }
}

impl Served {
    pub(super) async fn new(world: World) -> Self {
        let secrets = Arc::clone(&world.secrets);
        let tokens = trial_tokens(&world.routes.sessions, &secrets);
        let pair = tokens.issue(&member("ada"), "", "", false, unix_ms()).await.expect("tokens");
        let bearer = format!("authorization: Bearer {}\r\n", pair.access_token.expose_secret());
        let cookie = format!("cookie: sid={}\r\n", world.sid.expose_secret());
        let csrf = CsrfGuard::new(Arc::new(CsrfKeys::new(secrets)), nobody(), nobody(), false);
        let token = csrf.token(&world.ada.session.key);
        let edge = Edge::new(EdgeParts {
            sessions: world.routes.sessions.clone(),
            csrf,
            tokens,
            cookie: cookie_named("sid"),
            refresh_cookie: cookie_named("rt"),
            clear_site_data: None,
            metrics: Arc::default(),
            access: AccessLog::new(
                AccessSettings { format: LineFormat::Json, enabled: false, sample: 1 },
                Sink::nowhere(),
            ),
            users: UserHasher::new(&[1; 32]),
            callers: Callers::default(),
            trusted_proxies: TrustedProxies::default(),
            limits: None,
            body_limit: BODY_LIMIT,
            body_timeout: Duration::from_secs(10),
            hsts: false,
        });
        let routes = world.routes.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(edge.clone()))
                .wrap(Dispatch::<Alone>::default())
                .wrap(Identify)
                .wrap(resolve(&routes))
                .wrap(from_fn(gate))
        });
        let server = server.workers(1).disable_signals().h1_allow_half_closed(false);
        let server = server.bind(("127.0.0.1", 0)).expect("a port");
        let address = server.addrs()[0];
        rt::spawn(server.run());
        let csrf = format!("x-csrf-token: {token}\r\nsec-fetch-site: same-origin\r\n");
        Self { world, address, bearer, cookie, csrf }
    }

    /// Sends the head of a request (`headers` are whole lines) and what there is of its body so far.
    pub(super) async fn begin(&self, line: &str, headers: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let head = format!("{line} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        // It may be refused by its head.
        let _ = stream.write_all(body).await;
        stream
    }

    /// Sends a request whole, and reads its answer to the end.
    pub(super) async fn send(&self, line: &str, headers: &str, body: &str) -> Reply {
        let length =
            if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let stream = self.begin(line, &format!("{headers}{length}"), body.as_bytes()).await;
        Self::finish(stream, line.starts_with("HEAD")).await
    }

    /// As ada's app.
    pub(super) async fn ask(&self, line: &str, headers: &str, body: &str) -> Reply {
        self.send(line, &format!("{}{headers}", self.bearer), body).await
    }

    pub(super) async fn finish(mut stream: TcpStream, is_head: bool) -> Reply {
        let mut bytes = Vec::new();
        // A reset after the answer is an end as well.
        let _ = stream.read_to_end(&mut bytes).await;
        Reply::read(&bytes, is_head)
    }
}

fn nobody() -> Arc<AllowedOrigins> {
    Arc::default()
}

fn cookie_named(name: &str) -> CookieSettings {
    CookieSettings {
        name: name.into(),
        domain: None,
        path: "/".into(),
        secure: false,
        same_site: SameSite::Lax,
        http_only: true,
    }
}
