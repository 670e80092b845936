//! A small HTTP/1.1 server that can misbehave in every way that a real one does, and keeps a journal.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::{Semaphore, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use url::Url;

/// What became of a request.
pub(super) enum Reply {
    Json(u16, String),
    Problem(u16, String),
    NoContent,
    /// As it stands; then the connection is closed.
    Raw(Vec<u8>),
    /// As it stands; then the connection stays open.
    Stall(&'static str),
    /// A head that promises 64 MiB, and no body.
    Promise,
    /// 64 MiB in chunks.
    Flood,
    /// Not one byte, and the connection stays open.
    Hang,
    After(Duration, Box<Self>),
    /// Waits for a permit, which it uses up.
    Held(Arc<Semaphore>, Box<Self>),
}

#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) method: String,
    pub(super) target: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Recorded {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Handler = dyn Fn(&Recorded) -> Reply + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    journal: Mutex<Vec<Recorded>>,
    seen: watch::Sender<usize>,
    /// Connections that are over, whichever side ended them.
    ended: watch::Sender<usize>,
    accepted: AtomicUsize,
    flooded: AtomicUsize,
}

/// Stops when it is dropped.
pub(super) struct Server {
    pub(super) url: Url,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    pub(super) async fn start(handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        Self::begin(None, handler).await
    }

    /// Behind TLS.
    pub(super) async fn start_tls(
        tls: TlsAcceptor,
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::begin(Some(tls), handler).await
    }

    async fn begin(
        tls: Option<TlsAcceptor>,
        handler: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            journal: Mutex::default(),
            seen: watch::Sender::new(0),
            ended: watch::Sender::new(0),
            accepted: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    shared.accepted.fetch_add(1, Ordering::Relaxed);
                    let (shared, tls) = (Arc::clone(&shared), tls.clone());
                    tokio::spawn(async move {
                        let _ = match tls {
                            None => converse(stream, &shared).await,
                            Some(tls) => match tls.accept(stream).await {
                                Ok(stream) => converse(stream, &shared).await,
                                Err(refused) => Err(refused),
                            },
                        };
                        shared.ended.send_modify(|ended| *ended += 1);
                    });
                }
            }
        });
        let url = Url::parse(&format!("{scheme}://{address}/")).expect("a url");
        Self { url, shared, accepting: accepting.abort_handle() }
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        self.shared.journal.lock().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    pub(super) fn flooded_bytes(&self) -> usize {
        self.shared.flooded.load(Ordering::Relaxed)
    }

    /// Waits until so many requests have come in.
    pub(super) async fn until_seen(&self, count: usize) {
        reaches(&self.shared.seen, count).await;
    }

    /// Waits until so many connections are over.
    pub(super) async fn until_ended(&self, count: usize) {
        reaches(&self.shared.ended, count).await;
    }
}

async fn reaches(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = timeout(Duration::from_secs(10), counter.wait_for(|seen| *seen >= count)).await;
    reached.expect("in time").expect("the server runs");
}

/// What a peer is spoken to through.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Answers until the peer or the reply ends the connection.
async fn converse(stream: impl Stream, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream).await? {
        let mut reply = (shared.handler)(&request);
        shared.journal.lock().push(request);
        shared.seen.send_modify(|seen| *seen += 1);
        loop {
            reply = match reply {
                Reply::After(delay, then) => {
                    sleep(delay).await;
                    *then
                }
                Reply::Held(permits, then) => {
                    // A peer that goes away while it is kept waiting is noticed.
                    tokio::select! {
                        permit = permits.acquire() => permit.expect("not closed").forget(),
                        _ = stream.fill_buf() => return Ok(()),
                    }
                    *then
                }
                other => break write_reply(&mut stream, other, shared).await?,
            };
        }
    }
    Ok(())
}

async fn write_reply(
    stream: &mut BufReader<impl Stream>,
    reply: Reply,
    shared: &Shared,
) -> std::io::Result<()> {
    let whole = |status: u16, kind: &str, body: &str| {
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    match reply {
        Reply::Json(status, body) => {
            stream.write_all(whole(status, "application/json", &body).as_bytes()).await
        }
        Reply::Problem(status, body) => {
            let kind = "application/problem+json; charset=utf-8";
            stream.write_all(whole(status, kind, &body).as_bytes()).await
        }
        Reply::NoContent => stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await,
        Reply::Raw(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await?;
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
        Reply::Stall(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.fill_buf().await.map(|_| ())
        }
        Reply::Promise => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n").await?;
            stream.fill_buf().await.map(|_| ())
        }
        Reply::Flood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
            for _ in 0..1024 {
                stream.write_all(&chunk).await?;
                shared.flooded.fetch_add(0x10000, Ordering::Relaxed);
            }
            stream.write_all(b"0\r\n\r\n").await
        }
        // Until the peer gives up.
        Reply::Hang | Reply::After(..) | Reply::Held(..) => stream.fill_buf().await.map(|_| ()),
    }
}

async fn read_request(stream: &mut BufReader<impl Stream>) -> std::io::Result<Option<Recorded>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, target) = (word(), word());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let mut request = Recorded { method, target, headers, body: String::new() };
    let length = request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.body = String::from_utf8(body).expect("text");
    Ok(Some(request))
}
