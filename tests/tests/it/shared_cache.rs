//! A real shared cache (nginx) before the gateway: what it keeps is nobody's own.

use std::{
    cell::Cell,
    net::TcpListener,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use tests::{
    Actor, TestBff, eventually, figures,
    redis::{Durability, RedisServer},
};
use tokio::process::{Child, Command};

use crate::fixtures::publish;

const REQUESTS: u32 = 10_000;

/// nginx with a cache of its own, ended with its owner.
struct Nginx {
    _process: Child,
    base: String,
}

impl Nginx {
    async fn before(gateway: &str, folder: &Path) -> Self {
        // nginx takes no port 0: one that was free a moment ago must do.
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let here = folder.display();
        let settings = format!(
            "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/error.log;
             events {{ worker_connections 256; }}
             http {{
                 access_log off;
                 client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/f;
                 uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
                 proxy_cache_path {here}/cache keys_zone=shared:1m;
                 server {{
                     listen {address};
                     location / {{
                         proxy_pass {gateway};
                         proxy_http_version 1.1;
                         proxy_set_header Connection '';
                         proxy_cache shared;
                         proxy_cache_key $request_uri;
                         proxy_cache_use_stale updating;
                         add_header X-Cache $upstream_cache_status always;
                     }}
                 }}
             }}"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, settings).expect("a settings file");
        let process = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .args(["-p", &here.to_string(), "-e", &format!("{here}/error.log")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx: `tests/run` installs it");
        eventually("nginx to listen", || async { tokio::net::TcpStream::connect(address).await.ok() }).await;
        Self { _process: process, base: format!("http://{address}") }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_cache_never_holds_what_is_personal() {
    let bff = TestBff::spawn().await;
    let (cook, ada, bora) =
        (bff.signed_in("cook").await, bff.signed_in("ada").await, bff.signed_in("bora").await);
    let id = publish(&cook, "Rice with eggs").await;
    let _ = ada.put(&format!("/api/recipes/{id}/like")).await.expect(204);
    let folder = tempfile::tempdir().expect("a folder");
    let nginx = Nginx::before(&bff.url(), folder.path()).await;
    let people: [(Actor, bool, bool); 4] = [
        (bff.anonymous().elsewhere(&nginx.base), false, false),
        (ada.elsewhere(&nginx.base), true, true),
        (bora.elsewhere(&nginx.base), true, false),
        (bff.anonymous().elsewhere(&nginx.base), false, false),
    ];
    let paths =
        [format!("/bff/recipes/{id}"), format!("/bff/members/{}", cook.id()), format!("/api/recipes/{id}")];

    let asked = stream::iter(0..REQUESTS).map(|number| {
        // Spread by a multiplication: no order of who asks for what repeats.
        let chance = number.wrapping_mul(2_654_435_761) >> 16;
        let (who, signed_in, likes) = &people[chance as usize % people.len()];
        let path = &paths[(chance >> 4) as usize % paths.len()];
        async move {
            let answer = who.get(path).await.expect(200);
            let kept = answer.header("x-cache") == Some("HIT");
            let rules = answer.header("cache-control").expect("rules").to_owned();
            assert_eq!(rules.starts_with("private"), *signed_in, "{path}: {rules}");
            assert!(!(kept && *signed_in), "{path}: a signed-in caller was served from the shared cache");
            assert_eq!(answer.header("set-cookie"), None);
            let document = answer.json();
            let liked = match path {
                _ if path.contains("/members/") => &document["recipes"][0]["likedByMe"],
                _ if path.starts_with("/bff") => &document["recipe"]["likedByMe"],
                _ => &document["likedByMe"],
            };
            assert_eq!(*liked, *likes, "{path}");
            u32::from(kept)
        }
    });
    let hits: u32 = asked.buffer_unordered(16).fold(0, |sum, hit| async move { sum + hit }).await;
    figures::note("requests through nginx, of which from its cache", format!("{REQUESTS}, {hits}"));
    assert!(hits > REQUESTS / 10, "{hits} hits: nothing was shared");
}

/// How a screen can be asked for: its query, and `Accept`.
const VIEWS: [(&str, &str); 3] =
    [("", "application/json"), ("?view=compact", "application/json"), ("", "application/x-ndjson")];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone_behind_a_shared_cache_once_its_five_seconds_are_over() {
    let redis = RedisServer::durable(Durability::Nothing).await;
    let here = TestBff::builder().redis(&redis).spawn().await;
    let there = here.replica().await;
    let cook = here.signed_in("cook").await;
    let id = publish(&cook, "Rice with eggs").await;
    let path = format!("/bff/recipes/{id}");
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let nginx = [
        Nginx::before(&here.url(), folders[0].path()).await,
        Nginx::before(&there.url(), folders[1].path()).await,
    ];
    let readers = nginx.each_ref().map(|nginx| here.anonymous().elsewhere(&nginx.base));
    let ask = async |reader: &Actor, (query, accept): (&str, &str)| {
        reader.request(Method::GET, &format!("{path}{query}")).header("accept", accept).send().await
    };
    for reader in &readers {
        for kind in VIEWS {
            // Lines that are sent while they are made are kept by nobody; those after them are.
            let kept = eventually("it to be kept", || async {
                let answer = ask(reader, kind).await.expect(200);
                (answer.header("x-cache") == Some("HIT")).then_some(())
            });
            kept.await;
        }
    }
    let _ = cook.delete(&format!("/api/recipes/{id}")).await.expect(204);
    let deleted = Instant::now();
    let last = Cell::new(Duration::ZERO);
    for (reader, kind) in readers.iter().flat_map(|reader| VIEWS.map(|kind| (reader, kind))) {
        let gone = eventually("the shared cache to ask again", || async {
            let answer = ask(reader, kind).await;
            if answer.status == 200 {
                // What nginx has it may serve for as long as it was told; the gateway gives it no more.
                assert_eq!(answer.header("x-cache"), Some("HIT"), "{kind:?}");
                last.set(last.get().max(deleted.elapsed()));
                return None;
            }
            Some(answer)
        });
        gone.await.expect_problem(404, "not_found");
    }
    figures::note("deleted recipe served last by nginx after", format!("{} ms", last.get().as_millis()));
    for (reader, kind) in readers.iter().flat_map(|reader| VIEWS.map(|kind| (reader, kind))) {
        ask(reader, kind).await.expect_problem(404, "not_found");
    }
}
