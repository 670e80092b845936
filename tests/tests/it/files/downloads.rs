//! A committed file as it is read: all three ways, with a media client's requests.

use std::{net::TcpListener, path::Path, process::Stdio};

use reqwest::Method;
use serde_json::json;
use tests::{Actor, Answer, TestBff, eventually};
use tokio::process::{Child, Command};

use super::{BOTH, Kind, Setup, input, picture, read_with, upload};

const SIZE: usize = 100_000;

async fn get(actor: &Actor, key: &str, headers: &[(&str, &str)]) -> Answer {
    read_with(actor, key, headers).await
}

/// What a player asks for first, then seeks to.
async fn plays(actor: &Actor, key: &str, content: &[u8]) {
    for (range, part, told) in [
        ("bytes=0-1", &content[..2], "bytes 0-1/100000"),
        ("bytes=0-", content, "bytes 0-99999/100000"),
        ("bytes=-500", &content[SIZE - 500..], "bytes 99500-99999/100000"),
        ("bytes=70000-70999", &content[70_000..71_000], "bytes 70000-70999/100000"),
        ("bytes=99999-200000", &content[99_999..], "bytes 99999-99999/100000"),
    ] {
        let answer = get(actor, key, &[("range", range)]).await.expect(206);
        assert!(answer.body == part, "{range}: {} bytes", answer.body.len());
        assert_eq!(answer.header("content-range"), Some(told));
        assert_eq!(answer.header("content-type"), Some("image/jpeg"));
    }
    let beyond = get(actor, key, &[("range", "bytes=100000-")]).await;
    assert_eq!(beyond.status, 416);
}

/// The pieces of a `multipart/byteranges` body: of each its head and its bytes.
fn pieces(answer: &Answer) -> Vec<(String, Vec<u8>)> {
    let kind = answer.header("content-type").expect("a type");
    let boundary = kind.split_once("boundary=").expect("a boundary").1;
    assert!(kind.starts_with("multipart/byteranges"), "{kind}");
    let (marker, body) = (format!("\r\n--{boundary}"), &answer.body[..]);
    let find = |from: usize| {
        body[from..].windows(marker.len()).position(|part| part == marker.as_bytes()).map(|at| from + at)
    };
    let (mut found, mut at) = (Vec::new(), find(0).expect("a first boundary"));
    while let Some(next) = find(at + marker.len()) {
        let part = &body[at + marker.len() + 2..next];
        let split = part.windows(4).position(|end| end == b"\r\n\r\n").expect("the end of a head");
        found.push((String::from_utf8_lossy(&part[..split]).into_owned(), part[split + 4..].to_vec()));
        at = next;
    }
    assert!(body[at + marker.len()..].starts_with(b"--"), "the end is marked");
    found
}

async fn several(actor: &Actor, key: &str, content: &[u8]) {
    let answer = get(actor, key, &[("range", "bytes=0-1, 500-999, -3")]).await.expect(206);
    let pieces = pieces(&answer);
    let bytes: Vec<&[u8]> = pieces.iter().map(|(_, bytes)| &bytes[..]).collect();
    assert_eq!(bytes, [&content[..2], &content[500..1000], &content[SIZE - 3..]]);
    for ((head, _), range) in pieces.iter().zip(["0-1", "500-999", "99997-99999"]) {
        let head = head.to_ascii_lowercase();
        assert!(head.contains(&format!("content-range: bytes {range}/100000")), "{head}");
        assert!(head.contains("content-type: image/jpeg"), "{head}");
    }
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
}

/// `etag` as the answers say it.
async fn if_range(actor: &Actor, key: &str, content: &[u8]) {
    let etag = get(actor, key, &[]).await.expect(200).etag().to_owned();
    let same = get(actor, key, &[("range", "bytes=0-9"), ("if-range", &etag)]).await.expect(206);
    assert!(same.body == content[..10]);
    for other in ["\"of-another-version\"", "Wed, 21 Oct 2026 07:28:00 GMT"] {
        let whole = get(actor, key, &[("range", "bytes=0-9"), ("if-range", other)]).await.expect(200);
        assert!(whole.body == content, "{other}");
    }
    let known = get(actor, key, &[("if-none-match", &etag)]).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_itself_answers_all_that_media_clients_ask_for() {
    let setup = Setup::start(Kind::Folder).await;
    let (ada, anybody) = (setup.bff.signed_in("ada").await, setup.bff.anonymous());
    let content = picture(SIZE, 1);
    let key = upload(&ada, &input(&content), &content).await;
    plays(&anybody, &key, &content).await;
    several(&anybody, &key, &content).await;
    if_range(&anybody, &key, &content).await;
    for odd in ["bytes=5-2", "lines=0-1", "bytes=x", "bytes=0-99999,0-99999"] {
        let whole = get(&anybody, &key, &[("range", odd)]).await.expect(200);
        assert!(whole.body == content, "{odd}");
    }
    let path = format!("/files/{key}");
    let head = anybody.request(Method::HEAD, &path).header("range", "bytes=0-1").send().await.expect(200);
    assert_eq!((head.header("content-length"), head.body.len()), (Some("100000"), 0));
    let post = ada.post(&path, &json!({})).await;
    post.expect_problem(405, "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_file_can_do_anything_in_a_browser() {
    let setup = Setup::start(Kind::Folder).await;
    let ada = setup.bff.signed_in("ada").await;
    let content = picture(1000, 2);
    let mut named = input(&content);
    named["name"] = json!("김치찌개 \"1\".jpg");
    let key = upload(&ada, &named, &content).await;
    let answer = setup.bff.anonymous().get(&format!("/files/{key}")).await.expect(200);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.split(';').any(|part| part.trim() == "sandbox"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(
        answer.header("content-disposition"),
        Some(
            "inline; filename=\"____ _1_.jpg\"; filename*=UTF-8''%EA%B9%80%EC%B9%98%EC%B0%8C%EA%B0%9C%20%221%22.jpg"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_sends_its_files_itself_from_signed_urls() {
    let setup = Setup::start(Kind::S3).await;
    let (ada, anybody) = (setup.bff.signed_in("ada").await, setup.bff.anonymous());
    let content = picture(SIZE, 3);
    let key = upload(&ada, &input(&content), &content).await;
    plays(&anybody, &key, &content).await;
    let path = format!("/files/{key}");
    let redirect = anybody.get(&path).await.expect(302);
    let url = redirect.header("location").expect("where it is");
    assert!(url.contains("X-Amz-Signature="), "{url}");
    let rule = redirect.header("cache-control").unwrap_or_default();
    let seconds: u64 = rule.strip_prefix("public, max-age=").and_then(|text| text.parse().ok()).expect(rule);
    assert!((1700..3600).contains(&seconds), "kept for shorter than the URL is good: {seconds}");
    let again = anybody.get(&path).await.expect(302);
    assert_eq!(again.header("location"), Some(url), "the same for a while, so that caches can tell");
    let elsewhere = anybody.elsewhere("");
    let whole = elsewhere.get(url).await.expect(200);
    assert_eq!(whole.header("content-type"), Some("image/jpeg"));
    assert_eq!(whole.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert!(whole.header("content-disposition").is_some_and(|text| text.contains("soup.jpg")));
    let head = anybody.request(Method::HEAD, &path).send().await.expect(302);
    let head_url = head.header("location").expect("where it is");
    let _ = elsewhere.request(Method::HEAD, head_url).send().await.expect(200);
    let unsigned = url.split('?').next().expect("a path");
    assert_eq!(elsewhere.get(unsigned).await.status, 403, "the bucket is not public");
}

/// nginx before the gateway, with the gateway's folder of files as an internal location; ended with its owner.
struct Nginx {
    _process: Child,
    base: String,
}

impl Nginx {
    async fn before(gateway: &str, files: &Path, folder: &Path) -> Self {
        // nginx takes no port 0: one that was free a moment ago must do.
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        let (here, files) = (folder.display(), files.display());
        // As bff/docs/files.md has it.
        let settings = format!(
            "user root; daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/error.log;
             events {{ worker_connections 256; }}
             http {{
                 access_log off;
                 client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/f;
                 uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
                 server {{
                     listen {address};
                     client_max_body_size 0;
                     location / {{
                         proxy_pass {gateway};
                         proxy_http_version 1.1;
                         proxy_set_header Connection '';
                         proxy_request_buffering off;
                     }}
                     location /internal-files/ {{
                         internal;
                         alias {files}/;
                         add_header X-Content-Type-Options nosniff always;
                         add_header Content-Security-Policy \"sandbox; default-src 'none'\" always;
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
async fn nginx_sends_files_where_it_is_told_to() {
    let builder = TestBff::builder().set("files.accel", "/internal-files");
    let setup = Setup::with(Kind::Folder, builder).await;
    let folder = tempfile::tempdir().expect("a folder");
    let nginx = Nginx::before(&setup.bff.url(), &setup.bff.folder().join("files"), folder.path()).await;
    let (ada, bora) = (setup.bff.signed_in("ada").await, setup.bff.signed_in("bora").await);
    let content = picture(SIZE, 4);
    let key = upload(&ada, &input(&content), &content).await;
    let path = format!("/files/{key}");
    let told = setup.bff.anonymous().get(&path).await.expect(200);
    let internal = told.header("x-accel-redirect").expect("where it is").to_owned();
    assert!(internal.starts_with("/internal-files/o/") && told.body.is_empty(), "{internal}");
    let anybody = setup.bff.anonymous().elsewhere(&nginx.base);
    let whole = anybody.get(&path).await.expect(200);
    assert!(whole.body == content);
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "inline; filename=\"soup.jpg\""),
    ] {
        assert_eq!(whole.header(name), Some(value));
    }
    assert!(whole.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    assert!(whole.header("x-accel-redirect").is_none());
    plays(&anybody, &key, &content).await;
    several(&anybody, &key, &content).await;
    if_range(&anybody, &key, &content).await;
    assert_eq!(anybody.get(&internal).await.status, 404, "nobody asks for it from outside");
    // Who may read it is still the gateway's to say.
    let mut private = input(&content);
    private["visibility"] = json!("private");
    let key = upload(&ada, &private, &content).await;
    let path = format!("/files/{key}");
    assert_eq!(bora.elsewhere(&nginx.base).get(&path).await.status, 404);
    assert!(ada.elsewhere(&nginx.base).get(&path).await.expect(200).body == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_of_a_file_are_the_same_by_every_way() {
    for kind in BOTH {
        let setup = Setup::start(kind).await;
        let ada = setup.bff.signed_in("ada").await;
        let content = picture(300, 5);
        let key = upload(&ada, &input(&content), &content).await;
        let first = get(&setup.bff.anonymous(), &key, &[("range", "bytes=0-1")]).await.expect(206);
        assert_eq!(&first.body[..], b"\xff\xd8", "{kind:?}");
    }
}
