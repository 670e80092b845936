//! Files: uploads in parts, what is refused of them, and how what was committed is read. The same for both storages where it
//! is the same for callers: a folder, and a real S3 server.

mod bad_input;
mod commits;
mod downloads;
mod faults;
mod large;
mod model;
mod pictures;
mod removal;
mod uploads;

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Actor, Answer, Builder, Request, S3Server, TestBff};

/// One part holds so much at most.
const PART: usize = 8 << 20;

/// Where files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    S3,
}

const BOTH: [Kind; 2] = [Kind::Folder, Kind::S3];

/// A system with a storage of files.
struct Setup {
    bff: TestBff,
    s3: Option<S3Server>,
}

impl Setup {
    async fn start(kind: Kind) -> Self {
        Self::with(kind, TestBff::builder()).await
    }

    async fn with(kind: Kind, builder: Builder) -> Self {
        match kind {
            // In the gateway's own folder.
            Kind::Folder => Self { bff: builder.set("files.url", "folder:files").spawn().await, s3: None },
            Kind::S3 => {
                let s3 = S3Server::start().await;
                Self { bff: s3.of(builder).spawn().await, s3: Some(s3) }
            }
        }
    }

    /// Everything that lies in the storage.
    fn objects(&self) -> Vec<PathBuf> {
        match &self.s3 {
            Some(s3) => s3.objects(),
            None => below(&self.bff.folder().join("files")),
        }
    }
}

pub(crate) fn below(folder: &std::path::Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// A JPEG of `size` bytes, as far as its first ones tell. `seed` makes it another one.
pub(super) fn picture(size: usize, seed: u64) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn input(content: &[u8]) -> Value {
    json!({ "name": "soup.jpg", "contentType": "image/jpeg", "size": content.len() })
}

async fn presign(actor: &Actor, input: &Value) -> Value {
    actor.post("/files/upload/presign", input).await.expect(201).json()
}

/// Sends bytes to the URL of a part, as somebody without a session.
async fn send(actor: &Actor, part: &Value, bytes: Vec<u8>) -> Answer {
    sending(actor, part, bytes).send().await
}

/// Sends a part that must not be taken: it is refused, or the connection ends before it was read to its end.
async fn send_in_vain(actor: &Actor, part: &Value, bytes: Vec<u8>) {
    if let Ok(answer) = sending(actor, part, bytes).try_send().await {
        assert!(answer.status.is_client_error(), "{}", answer.status);
    }
}

fn sending(actor: &Actor, part: &Value, bytes: Vec<u8>) -> Request {
    assert_eq!(part["method"], "PUT");
    let url = part["url"].as_str().expect("a URL");
    let request = if url.starts_with('/') {
        actor.signed_out().request(Method::PUT, url)
    } else {
        actor.signed_out().elsewhere("").request(Method::PUT, url)
    };
    let headers = part["headers"].as_object().expect("headers");
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value.as_str().expect("a header")));
    request.body(bytes)
}

/// What of `content` belongs to a part.
fn slice(content: &[u8], part: &Value) -> Vec<u8> {
    let at = |name: &str| usize::try_from(part[name].as_u64().expect("a number")).expect("small");
    content[at("from")..at("to")].to_vec()
}

async fn send_all(actor: &Actor, presigned: &Value, content: &[u8]) {
    for part in presigned["parts"].as_array().expect("parts") {
        let sent = send(actor, part, slice(content, part)).await;
        assert!(sent.status.is_success(), "{} {}", sent.status, sent.text());
    }
}

async fn commit(actor: &Actor, key: &str) -> Answer {
    actor.post("/files/upload/commit", &json!({ "key": key })).await
}

/// Uploads a whole file; its key.
pub(crate) async fn upload(actor: &Actor, input: &Value, content: &[u8]) -> String {
    let presigned = presign(actor, input).await;
    send_all(actor, &presigned, content).await;
    let key = presigned["key"].as_str().expect("a key").to_owned();
    let _ = commit(actor, &key).await.expect(201);
    key
}

/// Gets a file, over a redirect where there is one.
async fn read(actor: &Actor, key: &str) -> Answer {
    read_with(actor, key, &[]).await
}

async fn read_with(actor: &Actor, key: &str, headers: &[(&str, &str)]) -> Answer {
    let with =
        |request: Request| headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let answer = with(actor.request(Method::GET, &format!("/files/{key}"))).send().await;
    if answer.status != 302 {
        return answer;
    }
    let url = answer.header("location").expect("where it is").to_owned();
    with(actor.signed_out().elsewhere("").request(Method::GET, &url)).send().await
}
