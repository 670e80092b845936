//! One line for each request. Written past tracing, whose JSON lines would cost more than serving a warm
//! document: a line goes into a buffer of the thread, whole buffers go to the [`Sink`].

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::json::{escape_into, hex_digits, printable_into};
use super::logs::LineFormat;
use super::sink::{Collect, Sink};

/// A buffer this full goes to the writer.
const BUFFER_BYTES: usize = 16 * 1024;
/// More threads than this share buffers.
const SHARDS: usize = 64;

/// What the access log needs from the configuration.
#[derive(Debug, Clone, Copy)]
pub struct AccessSettings {
    pub format: LineFormat,
    /// Whether lines are written at all.
    pub enabled: bool,
    /// One line in this many for answers below 400; 0 counts as 1. Others are always written.
    pub sample: u32,
}

/// What is told of one request. The pattern of its route, not its path: in a path stand ids, and in one that
/// nothing is at, whatever somebody pasted there.
#[derive(Debug, Clone, Copy)]
pub struct AccessLine<'a> {
    pub method: &'static str,
    /// The route's pattern, such as `/bff/orders/{id}`; empty: no route matched.
    pub route: &'static str,
    pub status: u16,
    pub duration: Duration,
    /// Of the answer's body.
    pub bytes: u64,
    pub request_id: &'a str,
    /// By [`UserHasher`](super::UserHasher).
    pub user: Option<u64>,
    /// What the cache did, such as `hit`; empty: it was not asked.
    pub cache: &'static str,
    /// The kind of front-end, such as `web`; empty: unknown.
    pub client: &'static str,
}

/// The access log; clones share their buffers.
#[derive(Clone)]
pub struct AccessLog {
    settings: AccessSettings,
    sink: Sink,
    shards: Arc<Shards>,
}

struct Shards(Box<[Shard]>);

// A line of its own for each, so that threads do not invalidate each other's caches.
#[repr(align(128))]
#[derive(Default)]
struct Shard(Mutex<Buffer>);

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    lines: u64,
    /// Answers below 400 seen, for sampling.
    seen: u32,
    /// The second whose text is in `clock`.
    second: u64,
    clock: String,
}

impl AccessLog {
    /// A log whose lines go to `sink`.
    #[must_use]
    pub fn new(settings: AccessSettings, sink: Sink) -> Self {
        let shards: Arc<Shards> = Arc::new(Shards((0..SHARDS).map(|_| Shard::default()).collect()));
        sink.collect_from(shards.clone());
        Self { settings, sink, shards }
    }

    /// Writes one line. Does not block on output and, once the thread's buffer has grown, allocates only
    /// for each full buffer.
    pub fn log(&self, line: &AccessLine<'_>) {
        if !self.settings.enabled {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut buffer = self.shards.0[thread_number() % SHARDS].0.lock();
        if line.status < 400 && self.settings.sample > 1 {
            buffer.seen = buffer.seen.wrapping_add(1);
            if !buffer.seen.is_multiple_of(self.settings.sample) {
                return;
            }
        }
        buffer.set_clock(now.as_secs());
        match self.settings.format {
            LineFormat::Json => buffer.json(line, now.subsec_millis()),
            LineFormat::Text => buffer.text(line, now.subsec_millis()),
        }
        buffer.lines += 1;
        if buffer.bytes.len() >= BUFFER_BYTES {
            let full = std::mem::replace(&mut buffer.bytes, Vec::with_capacity(BUFFER_BYTES + 1024));
            let lines = std::mem::take(&mut buffer.lines);
            drop(buffer);
            self.sink.send(full, lines);
        }
    }
}

/// Threads are numbered as they first log, so that the first [`SHARDS`] of them share nothing.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed)));
    NUMBER.with(Cell::get)
}

impl Collect for Shards {
    fn collect(&self, out: &mut dyn FnMut(&[u8])) {
        for shard in &self.0 {
            let mut buffer = shard.0.lock();
            if buffer.bytes.is_empty() {
                continue;
            }
            let bytes = std::mem::take(&mut buffer.bytes);
            buffer.lines = 0;
            // The output may be slow: the thread must be able to log meanwhile.
            drop(buffer);
            out(&bytes);
            let mut buffer = shard.0.lock();
            if buffer.bytes.capacity() == 0 {
                buffer.bytes = bytes;
                buffer.bytes.clear();
            }
        }
    }
}

impl Buffer {
    /// RFC 3339 to the second, made once for each second.
    fn set_clock(&mut self, second: u64) {
        if self.second == second && !self.clock.is_empty() {
            return;
        }
        self.second = second;
        self.clock.clear();
        let seconds = i64::try_from(second).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = write!(self.clock, "{}", time.strftime("%Y-%m-%dT%H:%M:%S"));
    }

    fn time(&mut self, millis: u32) {
        self.bytes.extend_from_slice(self.clock.as_bytes());
        self.bytes.push(b'.');
        for divisor in [100, 10, 1] {
            self.bytes.push(b'0' + u8::try_from(millis / divisor % 10).unwrap_or(0));
        }
        self.bytes.push(b'Z');
    }

    fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, value: impl itoa::Integer) {
        self.bytes.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn user(&mut self, user: u64) {
        self.bytes.extend_from_slice(&hex_digits(user));
    }

    /// `,"name":"word"`: one of the code's own words, in which nothing is to be escaped.
    fn word(&mut self, name: &'static str, word: &'static str) {
        self.raw(name);
        self.raw(word);
        self.bytes.push(b'"');
    }

    /// `,"name":"text"`
    fn field(&mut self, name: &'static str, text: &str) {
        self.raw(name);
        escape_into(&mut self.bytes, text);
        self.bytes.push(b'"');
    }

    fn json(&mut self, line: &AccessLine<'_>, millis: u32) {
        self.raw("{\"timestamp\":\"");
        self.time(millis);
        self.word("\",\"level\":\"INFO\",\"target\":\"access\",\"http.method\":\"", line.method);
        if !line.route.is_empty() {
            self.word(",\"http.route\":\"", line.route);
        }
        self.raw(",\"http.status\":");
        self.number(line.status);
        self.raw(",\"duration_us\":");
        self.number(micros(line.duration));
        self.raw(",\"http.bytes\":");
        self.number(line.bytes);
        self.field(",\"request.id\":\"", line.request_id);
        if let Some(user) = line.user {
            self.raw(",\"user.hash\":\"");
            self.user(user);
            self.raw("\"");
        }
        if !line.cache.is_empty() {
            self.word(",\"cache.outcome\":\"", line.cache);
        }
        if !line.client.is_empty() {
            self.word(",\"client.kind\":\"", line.client);
        }
        self.raw("}\n");
    }

    fn text(&mut self, line: &AccessLine<'_>, millis: u32) {
        self.time(millis);
        self.bytes.push(b' ');
        self.number(line.status);
        self.bytes.push(b' ');
        printable_into(&mut self.bytes, line.method);
        self.bytes.push(b' ');
        printable_into(&mut self.bytes, if line.route.is_empty() { "unmatched" } else { line.route });
        self.bytes.push(b' ');
        let micros = micros(line.duration);
        self.number(micros / 1000);
        self.bytes.push(b'.');
        self.number(micros / 100 % 10);
        self.raw("ms ");
        self.number(line.bytes);
        self.raw("B");
        for (name, text) in [(" cache=", line.cache), (" client=", line.client)] {
            if !text.is_empty() {
                self.raw(name);
                printable_into(&mut self.bytes, text);
            }
        }
        if let Some(user) = line.user {
            self.raw(" user=");
            self.user(user);
        }
        self.raw(" id=");
        printable_into(&mut self.bytes, line.request_id);
        self.bytes.push(b'\n');
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
