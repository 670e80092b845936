//! Many users who ask for their home feeds, over a few kept connections, each as fast as they are answered.

use std::{cell::Cell, future::Future, rc::Rc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
    time::Instant,
};

/// Connections that they share.
pub(crate) const CONNECTIONS: usize = 64;

/// Users of one server, who take turns.
#[derive(Clone)]
pub(crate) struct Callers {
    address: String,
    /// Of each of them.
    cookies: Rc<[String]>,
    next: Rc<Cell<usize>>,
}

/// How they were answered.
pub(crate) struct Answered {
    /// Sorted.
    times: Vec<Duration>,
    pub(crate) lasted: Duration,
    /// Of the last answer's body.
    pub(crate) bytes: usize,
}

/// Until when they ask.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Time(Duration),
    Requests(usize),
}

impl Answered {
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "it is printed")]
    pub(crate) fn rate(&self) -> f64 {
        self.count() as f64 / self.lasted.as_secs_f64()
    }

    /// Within what time so many of a thousand were answered, in milliseconds.
    pub(crate) fn within(&self, of_thousand: usize) -> f64 {
        let place = (self.times.len() * of_thousand / 1000).min(self.times.len() - 1);
        self.times[place].as_secs_f64() * 1e3
    }
}

impl Callers {
    pub(crate) fn new(address: &str, cookies: Vec<String>) -> Self {
        Self { address: address.to_owned(), cookies: cookies.into(), next: Rc::default() }
    }

    /// Signs so many users in at a gateway.
    pub(crate) async fn signed_in(address: &str, users: usize) -> Self {
        let (next, cookies) =
            (Rc::new(Cell::new(0)), Rc::new(std::cell::RefCell::new(vec![String::new(); users])));
        let sign_in = |_| {
            let (next, cookies, address) = (Rc::clone(&next), Rc::clone(&cookies), address.to_owned());
            async move {
                let mut connection = Connection::open(&address).await;
                while let Some(user) = Some(next.get()).filter(|user| *user < users) {
                    next.set(user + 1);
                    let body = format!(r#"{{"login":"member-{user}","password":"a long password"}}"#);
                    let head = format!(
                        "POST /auth/login HTTP/1.1\r\nhost: {address}\r\nsec-fetch-site: same-origin\r\n\
                         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    connection.ask(&head).await;
                    let cookie = connection.header("set-cookie: ").expect("a cookie");
                    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
                    cookies.borrow_mut()[user] = cookie;
                }
            }
        };
        all((0..CONNECTIONS.min(users)).map(sign_in)).await;
        let cookies = cookies.borrow().clone();
        Self::new(address, cookies)
    }

    /// All of them ask, in turns.
    pub(crate) async fn ask(&self, until: Until) -> Answered {
        let begun = Instant::now();
        let times = Rc::new(std::cell::RefCell::new(Vec::new()));
        let (left, bytes) = (Rc::new(Cell::new(0_usize)), Rc::new(Cell::new(0)));
        if let Until::Requests(requests) = until {
            left.set(requests);
        }
        let caller = |_| {
            let (callers, times, left, bytes) =
                (self.clone(), Rc::clone(&times), Rc::clone(&left), Rc::clone(&bytes));
            async move {
                let mut connection = Connection::open(&callers.address).await;
                loop {
                    match until {
                        Until::Time(time) if begun.elapsed() >= time => break,
                        Until::Requests(_) if left.get() == 0 => break,
                        Until::Time(_) | Until::Requests(_) => left.set(left.get().wrapping_sub(1)),
                    }
                    let user = callers.next.get();
                    callers.next.set((user + 1) % callers.cookies.len());
                    let head = format!(
                        "GET /bff/home-feed HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n\r\n",
                        callers.address, callers.cookies[user]
                    );
                    let asked = Instant::now();
                    bytes.set(connection.ask(&head).await);
                    times.borrow_mut().push(asked.elapsed());
                }
            }
        };
        all((0..CONNECTIONS).map(caller)).await;
        let mut times = times.take();
        times.sort_unstable();
        Answered { times, lasted: begun.elapsed(), bytes: bytes.get() }
    }
}

/// Waits for all of them.
async fn all(tasks: impl Iterator<Item = impl Future<Output = ()> + 'static>) {
    let local = LocalSet::new();
    tasks.for_each(|task| drop(local.spawn_local(task)));
    local.await;
}

/// A kept connection.
struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    head: String,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, read: Vec::with_capacity(65_536), head: String::new() }
    }

    /// Sends a request and reads all of its answer, which has to be 200. Gives its length.
    async fn ask(&mut self, request: &str) -> usize {
        self.stream.write_all(request.as_bytes()).await.expect("the request is sent");
        self.read.clear();
        let head = loop {
            assert!(self.stream.read_buf(&mut self.read).await.expect("an answer") > 0, "closed");
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        self.head.clear();
        self.head.push_str(std::str::from_utf8(&self.read[..head]).expect("text"));
        assert!(
            self.head.starts_with("HTTP/1.1 200"),
            "{}{}",
            self.head,
            String::from_utf8_lossy(&self.read[head..])
        );
        let length: usize = self.header("content-length: ").expect("a length").parse().expect("a number");
        while self.read.len() < head + length {
            assert!(self.stream.read_buf(&mut self.read).await.expect("an answer") > 0, "closed");
        }
        length
    }

    fn header(&self, name: &str) -> Option<&str> {
        let named =
            |line: &&str| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        self.head.lines().find(named).map(|line| &line[name.len()..])
    }
}
