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
