//! The log of events (tracing), formatted on the thread where they happen and written by the
//! [`Sink`]. The access line of each request is not one of them: see `access`.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::sink::{Sink, SinkThread};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// One JSON object on each line.
    Json,
    /// For people.
    Text,
}

/// What the log needs from the configuration.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// tracing's filter directives. Wrong ones are left out with a word on stderr; `config` refuses them
    /// before.
    pub filter: String,
    pub format: LineFormat,
}

/// Owns the log's writer thread. Dropping it writes out every line: keep it until the end of `main`.
pub struct Guard {
    thread: SinkThread,
}

impl Guard {
    /// Where the access log writes as well, so that lines of the two never interleave.
    #[must_use]
    pub fn sink(&self) -> Sink {
        self.thread.sink().clone()
    }
}

/// Starts the log on stdout. A second call in one process (tests) gets a writer of its own, and events go
/// on to the first.
#[must_use]
pub fn init(settings: &LogSettings) -> Guard {
    let guard = Guard { thread: Sink::start(Box::new(io::stdout())) };
    let filter = EnvFilter::builder().parse_lossy(&settings.filter);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(SinkWriter(guard.sink()));
    let started = match settings.format {
        LineFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LineFormat::Text => registry.with(lines.compact().with_ansi(io::stdout().is_terminal())).try_init(),
    };
    if started.is_err() {
        tracing::debug!("a log is already installed in this process");
    }
    guard
}

struct SinkWriter(Sink);

impl<'a> MakeWriter<'a> for SinkWriter {
    type Writer = EventWriter<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        EventWriter { sink: &self.0, buffer: Vec::new() }
    }
}

/// One event on its way.
struct EventWriter<'a> {
    sink: &'a Sink,
    buffer: Vec<u8>,
}

impl Write for EventWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for EventWriter<'_> {
    fn drop(&mut self) {
        if !self.buffer.is_empty() {
            self.sink.send(std::mem::take(&mut self.buffer), 1);
        }
    }
}
