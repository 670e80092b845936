//! A real shared cache (nginx) before the gateway: what it keeps is nobody's own.

use std::{net::TcpListener, path::Path, process::Stdio};

use futures_util::{StreamExt, stream};
use tests::{Actor, TestBff, eventually, figures};
use tokio::process::{Child, Command};

use crate::kitchen::publish;

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
