//! What a warm feed costs: instructions of the gateway for each request beside those of a bare actix-web handler that
//! sends the same bytes, over one kept connection each, as callgrind counts them. They are what the programs themselves
//! do, without the kernel, and the same on a busy machine. `tests/load/count` builds and calls it.

mod feed;

use std::path::{Path, PathBuf};

use tests::program;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};

use self::feed::{FEED, bare, reader, say};

/// Requests before any is counted.
const FIRST: u32 = 300;
const COUNTED: u32 = 3000;
/// Longer than the counting takes, and no longer than ages for which header values are kept ready.
const FRESH_MS: u32 = 55_000;

#[tokio::main]
async fn main() {
    let outputs = std::env::args_os().nth(1).map(PathBuf::from).expect("usage: counted-feed FOLDER");
    let folder = tempfile::tempdir().expect("a folder");
    let builder = feed::gateway(folder.path()).await.set("screens.home_feed.fresh_ms", FRESH_MS);
    let bff = builder.spawn().await;
    let ada = reader(&bff).await;
    let document = ada.get(FEED).await.expect(200);
    let bytes = folder.path().join("feed.json");
    std::fs::write(&bytes, &document.body).expect("the feed's bytes");
    let mut callgrind = Command::new("valgrind");
    callgrind.args(["--tool=callgrind", "--instr-atstart=no"]);
    callgrind.arg(format!("--callgrind-out-file={}", outputs.join("bare").display()));
    callgrind.arg(program("bare"));
    let (bare, address) = bare(callgrind, &bytes).await;

    let cookie = ada.cookie().expect("a cookie");
    let gateway_address = bff.url().trim_start_matches("http://").to_owned();
    let gateway =
        Counted { process: bff.process_id(), output: outputs.join("bff"), address: gateway_address };
    let handler = Counted { process: bare.id(), output: outputs.join("bare"), address };
    say(&format!("{} bytes, {COUNTED} requests over one connection", document.body.len()));
    let (gateway, handler) = (gateway.instructions(&cookie).await, handler.instructions(&cookie).await);
    say(&format!("instructions for each: gateway {gateway}, bare {handler}"));
    bare.terminate().await;
}

/// A server under callgrind.
struct Counted {
    process: u32,
    /// What its dumps are called, without their number.
    output: PathBuf,
    address: String,
}

impl Counted {
    /// For each request.
    async fn instructions(self, cookie: &str) -> u64 {
        let stream = TcpStream::connect(&self.address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let mut stream = BufReader::new(stream);
        let head = format!("GET {FEED} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", self.address);
        self.control(&["-i", "on"]).await;
        for _ in 0..FIRST {
            ask(&mut stream, &head).await;
        }
        self.control(&["-z"]).await;
        for _ in 0..COUNTED {
            ask(&mut stream, &head).await;
        }
        self.control(&["-d"]).await;
        total(&self.output.with_extension("1")) / u64::from(COUNTED)
    }

    async fn control(&self, arguments: &[&str]) {
        let mut control = Command::new("callgrind_control");
        let output = control.args(arguments).arg(self.process.to_string()).output().await;
        assert!(output.expect("callgrind_control").status.success());
    }
}

/// One request, and all of its answer.
async fn ask(stream: &mut BufReader<TcpStream>, head: &str) {
    stream.get_mut().write_all(head.as_bytes()).await.expect("the request is sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("the head of an answer"));
    }
    let text = String::from_utf8(answer).expect("text").to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{text}");
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("the answer's body");
}

/// The sum that a dump ends with.
fn total(dump: &Path) -> u64 {
    let text = std::fs::read_to_string(dump).expect("a dump of callgrind");
    let sums = text.lines().find_map(|line| line.strip_prefix("totals: ").or(line.strip_prefix("summary: ")));
    sums.expect("a sum").trim().parse().expect("a number")
}
