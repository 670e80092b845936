//! Single-page apps: what the gateway serves of a build, and the same app in Chromium behind Vite's dev server and
//! behind the gateway.

mod browsers;
mod deploys;
mod paths;
mod rules;
mod settings;

use std::{fs, path::Path};

use reqwest::Method;
use tempfile::TempDir;
use tests::{Actor, Answer, Builder, TestBff};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn write(folder: &Path, path: &str, content: impl AsRef<[u8]>) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, content).expect("a file");
}

fn page(word: &str) -> String {
    format!("<!doctype html><title>{word}</title>{}", "<p>hello</p>".repeat(200))
}

fn script(word: &str) -> String {
    format!("console.log('{word}');\n").repeat(200)
}

/// A build as Vite makes it.
fn build() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    write(root, "index.html", page("app"));
    write(root, "about.html", page("about"));
    write(root, "assets/index-B3k_x9aQ.js", script("one"));
    write(root, "assets/index-DiwrgTda.css", "body { color: rebeccapurple }\n".repeat(100));
    write(root, "logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    write(root, "site.webmanifest", "{}");
    write(root, "engine.wasm", b"\0asm");
    write(root, "film.mp4", film());
    write(root, ".env", "SECRET=1");
    write(root, ".well-known/security.txt", "Contact: mailto:security@example.org\n");
    folder
}

/// More than is kept in memory.
fn film() -> Vec<u8> {
    (0..(1_u32 << 20) + 100_000).map(|i| (i % 251) as u8).collect()
}

fn serving(folder: &Path) -> Builder {
    TestBff::builder().set("site.dir", folder.display())
}

/// As a browser follows a link.
async fn navigate(actor: &Actor, path: &str) -> Answer {
    asked(actor, path, &[("accept", BROWSER), ("sec-fetch-dest", "document"), ("sec-fetch-mode", "navigate")])
        .await
}

async fn asked(actor: &Actor, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = actor.request(Method::GET, path);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send().await
}

/// What says of itself how it may be kept, and under which policy it runs.
fn expect_page(answer: &Answer, word: &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(&format!("<title>{word}</title>")), "{}", answer.text());
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let policy = answer.header("content-security-policy").expect("a policy");
    for part in ["default-src 'self'", "object-src 'none'", "base-uri 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(answer.lists("vary", "accept-encoding") && answer.lists("vary", "origin"));
    assert!(answer.etag().starts_with('"'), "strong: {}", answer.etag());
    assert_eq!(answer.all("set-cookie"), Vec::<String>::new());
}
