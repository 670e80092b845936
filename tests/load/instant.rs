//! Upstreams that answer at once: one listener, no framework, as little work for each call as there can be.

use std::{
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::LocalSet,
};

use crate::source::Source;

/// Running upstreams. They end with the program.
#[derive(Clone)]
pub(crate) struct Instant {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Instant {
    /// Starts them in a thread of their own.
    pub(crate) async fn start() -> Self {
        let (told, address) = oneshot::channel();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let serve = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            LocalSet::new().block_on(&runtime.expect("a runtime"), async move {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
                told.send(listener.local_addr().expect("an address")).expect("somebody who asked");
                let source = Rc::new(Source::new());
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    let connection = connection(stream, Rc::clone(&source), Arc::clone(&counted));
                    tokio::task::spawn_local(connection);
                }
            });
        };
        std::thread::Builder::new().name("upstreams".into()).spawn(serve).expect("a thread");
        Self { address: address.await.expect("an address"), calls }
    }

    /// Calls since this was asked last.
    pub(crate) fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

async fn connection(mut stream: TcpStream, source: Rc<Source>, calls: Arc<AtomicUsize>) {
    stream.set_nodelay(true).expect("no delay");
    let (mut read, mut answer) = (Vec::with_capacity(8192), Vec::with_capacity(32_768));
    loop {
        let Some((head, whole)) = lengths(&read) else {
            match stream.read_buf(&mut read).await {
                Ok(1..) => continue,
                _ => return,
            }
        };
        let target = std::str::from_utf8(&read[..head]).ok().and_then(|head| head.split(' ').nth(1));
        let number = calls.fetch_add(1, Ordering::Relaxed);
        answer.clear();
        match target.and_then(|target| source.answer(target, &read[head..whole], number)) {
            Some(body) => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                answer.extend_from_slice(head.as_bytes());
                answer.extend_from_slice(&body);
            }
            None => answer.extend_from_slice(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        }
        read.drain(..whole);
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// The lengths of a request's head, and of all of it, once all of it is there.
fn lengths(read: &[u8]) -> Option<(usize, usize)> {
    let head = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..head]).ok()?;
    let length = text.lines().filter_map(|line| line.split_once(':'));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let body = length.map(|(_, value)| value.trim().parse().unwrap_or(0)).next().unwrap_or(0);
    (read.len() >= head + body).then_some((head, head + body))
}
