//! Paths that are meant to lead out of the folder.

use std::{fs, os::unix::fs::symlink};

use tests::{TestBff, soon};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{build, serving, write};

/// The status line and the body of the answer to a path that a client library would tidy up first.
async fn raw(bff: &TestBff, path: &str) -> String {
    let address = bff.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = soon("the answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_folder() {
    let folder = build();
    let outside = tempfile::tempdir().expect("a folder");
    write(outside.path(), "secret.txt", "planted-outside-of-the-folder");
    symlink(outside.path().join("secret.txt"), folder.path().join("leak.txt")).expect("a link");
    symlink(outside.path(), folder.path().join("leak")).expect("a link");
    write(folder.path().parent().expect("a folder"), "bff-site-beside.txt", "planted-outside-of-the-folder");
    let bff = serving(folder.path()).spawn().await;
    let inside = folder.path().file_name().expect("a name").to_str().expect("text").to_owned();
    let mut tried = 0;
    for up in ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..%00", "..;"] {
        for slash in ["/", "%2f", "%5c", "\\", "%252f", "//", "/./"] {
            for target in ["bff-site-beside.txt", "etc/passwd", &format!("{inside}/.env")] {
                let path = format!("/assets{slash}{up}{slash}{up}{slash}{up}{slash}{target}");
                let answer = raw(&bff, &path).await;
                let status = answer.split(' ').nth(1).unwrap_or_default();
                let is_page = answer.contains("<title>app</title>");
                assert!(status.starts_with('4') || (is_page && status == "200"), "{path}: {answer}");
                assert!(
                    !answer.contains("planted-outside")
                        && !answer.contains("root:")
                        && !answer.contains("SECRET"),
                    "{path}"
                );
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 168);
    for path in [
        "/..",
        "/../",
        "/%2e%2e/",
        "//etc/passwd",
        "/leak.txt",
        "/leak/secret.txt",
        "/.env",
        "/%2eenv",
        "/a%00.js",
        "/assets/../.env",
    ] {
        let answer = raw(&bff, path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    fs::remove_file(folder.path().parent().expect("a folder").join("bff-site-beside.txt")).expect("removed");
}

/// Raw paths, and whether they are charged.
const PATHS: [(&str, bool); 22] = [
    ("/", false),
    ("/deep/link", false),
    ("/.env", false),
    ("/%zz", false),
    ("/..", false),
    ("/config.js", false),
    ("/.well-known/jwks.json", false),
    ("//bff/recipes/x1", false),
    ("/BFF/recipes/x1", false),
    ("/%2562ff/recipes/x1", false),
    ("/bff/recipes/.x1", true),
    ("/bff/recipes/%2ex1", true),
    ("/bff/recipes/x%00", true),
    ("/bff/recipes/a%5Cb", true),
    ("/bff//recipes", true),
    ("/%62ff/recipes/.x1", true),
    ("/%62%66%66/recipes/x1", true),
    ("/bff%2f..", true),
    ("/bff%2Frecipes/x1", true),
    ("/api/recipes/.x1", true),
    ("http://x/bff/recipes/.x1", true),
    ("/auth/.x", true),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_reaches_the_gateways_own_is_free() {
    let folder = build();
    let bff = serving(folder.path())
        .set("limits.anonymous.per_second", 1)
        .set("limits.anonymous.burst", 40)
        .spawn()
        .await;
    for (path, charged) in PATHS {
        bff.clear_journals();
        let answer = raw(&bff, path).await.to_ascii_lowercase();
        assert_eq!(answer.contains("\r\nratelimit: "), charged, "{path}: {answer}");
        assert!(charged || bff.calls() == 0, "{path} reached a service");
    }
    let mut refused = 0;
    for _ in 0..200 {
        refused += usize::from(raw(&bff, "/bff/recipes/.x1").await.starts_with("HTTP/1.1 429"));
    }
    assert!(refused > 0, "never refused");
}
