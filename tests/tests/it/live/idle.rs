//! What a connection costs that only waits.

use futures_util::{StreamExt, stream};
use serde_json::Value;
use tests::{figures, soon};

use super::{
    builder,
    listeners::{EventStream, Heard, Listener, Socket},
    tell,
};

const CONNECTIONS: u64 = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_connections_are_cheap_and_all_of_them_hear() {
    let bff = builder().set("live.connections_per_user", 2 * CONNECTIONS).alone().spawn().await;
    let ada = bff.signed_in("ada").await;
    let mut before = bff.memory_kib().0;
    let mut all: Vec<Listener> = Vec::new();
    for (name, sockets) in [("WebSockets", true), ("event streams", false)] {
        let opened = stream::iter(0..CONNECTIONS)
            .map(|_| async {
                if sockets {
                    Listener::Socket(Box::new(Socket::open(&bff, &ada, "?topics=recipe:r").await))
                } else {
                    Listener::Stream(Box::new(EventStream::open(&bff, &ada, "?topics=recipe:r").await))
                }
            })
            .buffer_unordered(8);
        all.extend(opened.collect::<Vec<_>>().await);
        let now = bff.memory_kib().0;
        let each = (now.saturating_sub(before)) as f64 / CONNECTIONS as f64;
        figures::note(&format!("memory of one of 1,000 idle {name}"), format!("{each:.1} KiB"));
        assert!(each < 100.0, "{each} KiB");
        before = now;
    }
    let began = std::time::Instant::now();
    let id = tell(&bff, "recipe:r", "hello", Value::Null).await;
    for listener in &mut all {
        let heard = soon("the message", listener.next()).await;
        assert!(matches!(heard, Heard::Message(message) if message["id"] == *id));
    }
    figures::note(
        "one event to 2,000 listeners, sent to heard by all",
        format!("{} ms", began.elapsed().as_millis()),
    );
}
