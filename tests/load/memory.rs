//! What the gateway holds after its start, and how much more for each user whose home feed it keeps.

use crate::{
    callers::{Callers, Until},
    instant::Instant,
    say,
    server::Server,
};

const USERS: usize = 20_000;
/// What a document may cost beside itself (DECLARED section 1).
const BESIDE: f64 = 700.0;

#[expect(clippy::cast_precision_loss, reason = "it is printed")]
pub(crate) async fn measure() {
    let (upstreams, folder) = (Instant::start().await, tempfile::tempdir().expect("a folder"));
    let settings = [
        ("screens.home_feed.fresh_ms", "3600000"),
        ("cache.max_bytes", "4294967296"),
        // What transports keep for revalidation is not the document's.
        ("cache.upstream_max_bytes", "0"),
    ];
    let server = Server::gateway(folder.path(), upstreams.address, &settings).await;
    say(&format!("after the start: {:.1} MiB", server.resident_kib() as f64 / 1024.0));
    let callers = Callers::signed_in(&server.address, USERS).await;
    let signed_in = server.resident_kib();
    // What is bounded whatever the number of users (buffers of connections, service tokens that live for a minute) is there
    // before anything is counted.
    const FIRST: usize = 7000;
    let first = callers.ask(Until::Requests(FIRST)).await;
    let before = server.resident_kib();
    let answered = callers.ask(Until::Requests(USERS - FIRST)).await;
    let after = server.resident_kib();
    say(&format!(
        "{USERS} signed in: {:.1} MiB; {FIRST} read: {:.1} MiB; all read: {:.1} MiB",
        signed_in as f64 / 1024.0,
        before as f64 / 1024.0,
        after as f64 / 1024.0
    ));
    let each = (after - before) as f64 * 1024.0 / answered.count() as f64;
    let bytes = first.bytes.max(answered.bytes) as f64;
    say(&format!(
        "{each:.0} bytes for each user, a document of {bytes:.0}: {:.3} of it; at most {:.0} are allowed, {:.3} of that",
        each / bytes,
        bytes.mul_add(1.15, BESIDE),
        each / bytes.mul_add(1.15, BESIDE)
    ));
    server.stop().await;
}
