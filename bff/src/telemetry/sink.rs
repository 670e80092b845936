//! The one writer of log lines: a thread that owns the output and a bounded queue in front of it.
//! Whoever logs hands over whole lines and never waits.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Buffers that wait for the writer; further ones are dropped.
const QUEUE: usize = 1024;
/// How long the end of the process waits for the last lines: a reader that hangs must not keep it.
const LAST_LINES: Duration = Duration::from_secs(5);
/// How old a line gets before it is written.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Lines that wait elsewhere until the writer collects them.
pub(super) trait Collect: Send + Sync {
    /// Hands over what has gathered, as whole lines.
    fn collect(&self, out: &mut dyn FnMut(&[u8]));
}

enum Message {
    Lines(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(SyncSender<()>),
}

/// A handle to the writer; clones share it. When the owner ([`Guard`](super::Guard)) has gone, lines are
/// dropped.
#[derive(Clone)]
pub struct Sink {
    messages: SyncSender<Message>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    dropped: AtomicU64,
    stopping: AtomicBool,
    collected: Mutex<Vec<Arc<dyn Collect>>>,
}

/// The writer thread; dropping it writes out all that waits.
pub(super) struct SinkThread {
    sink: Sink,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

impl Sink {
    /// Starts the thread that writes to `output`.
    pub(super) fn start(output: Box<dyn Write + Send>) -> SinkThread {
        let (messages, queue) = sync_channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let (ending, ended) = sync_channel(0);
        let writer = Writer {
            queue,
            shared: Arc::clone(&shared),
            output,
            written_at: Instant::now(),
            _ending: ending,
        };
        // Without a thread all lines are dropped and counted: a gateway that cannot log still serves.
        let _ = std::thread::Builder::new().name("log-writer".to_owned()).spawn(|| writer.run());
        SinkThread { sink: Self { messages, shared }, ended }
    }

    /// One whose lines go nowhere.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::start(Box::new(std::io::sink())).sink.clone()
    }

    /// Hands over `lines` whole lines; drops and counts them when the queue is full.
    pub(super) fn send(&self, buffer: Vec<u8>, lines: u64) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.messages.try_send(Message::Lines(buffer))
        {
            self.shared.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// Has the writer collect from `source` at least every 100 ms and once more at the end. It keeps `source`
    /// alive: whoever logged last may be gone before the last lines are written.
    pub(super) fn collect_from(&self, source: Arc<dyn Collect>) {
        self.shared.collected.lock().push(source);
    }

    /// Waits until all that was handed over before is written, or `limit` has passed.
    pub fn flush(&self, limit: Duration) {
        let (done, wait) = sync_channel(1);
        if self.messages.send(Message::Flush(done)).is_ok() {
            // Either way there is nothing more to be done.
            let _ = wait.recv_timeout(limit);
        }
    }

    /// Lines dropped since the start because the output could not keep up.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("dropped", &self.dropped_lines()).finish()
    }
}

impl SinkThread {
    pub(super) fn sink(&self) -> &Sink {
        &self.sink
    }
}

impl SinkThread {
    /// Has the thread write out all that waits, and waits for it, but not longer than `limit`.
    pub(super) fn end(&mut self, limit: Duration) {
        self.sink.shared.stopping.store(true, Ordering::Release);
        // Wakes the thread; a full queue wakes it as well.
        let _ = self.sink.messages.try_send(Message::Lines(Vec::new()));
        // Nothing is ever sent: either the thread ends or the time does.
        let _ = self.ended.recv_timeout(limit);
    }
}

impl Drop for SinkThread {
    fn drop(&mut self) {
        self.end(LAST_LINES);
    }
}

struct Writer {
    queue: Receiver<Message>,
    shared: Arc<Shared>,
    output: Box<dyn Write + Send>,
    written_at: Instant,
    /// Dropped last, after the output: tells that all is written.
    _ending: SyncSender<()>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let wait = FLUSH_EVERY.saturating_sub(self.written_at.elapsed());
            match self.queue.recv_timeout(wait) {
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => self.collect(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.shared.stopping.load(Ordering::Acquire) {
                break;
            }
            // A steady stream of buffers must not keep the others' lines waiting.
            if self.written_at.elapsed() >= FLUSH_EVERY {
                self.collect();
            }
        }
        while let Ok(message) = self.queue.try_recv() {
            self.handle(message);
        }
        self.collect();
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Lines(lines) => self.write(&lines),
            Message::Flush(done) => {
                self.collect();
                // The one who asked may have stopped waiting.
                let _ = done.try_send(());
            }
        }
    }

    fn collect(&mut self) {
        let sources = self.shared.collected.lock().clone();
        for source in sources {
            source.collect(&mut |lines| self.write(lines));
        }
        // A closed pipe is nobody's mistake here, and there is nowhere to tell.
        let _ = self.output.flush();
        self.written_at = Instant::now();
    }

    fn write(&mut self, lines: &[u8]) {
        if !lines.is_empty() && self.output.write_all(lines).is_err() {
            let lost = lines.iter().filter(|&&byte| byte == b'\n').count();
            self.shared.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
    }
}
