//! Several replicas over one Redis.

use parking_lot::Mutex;

use super::*;
use crate::{
    invalidation::Tag,
    live::entry::Writing,
    store::{StoreSettings, TestServer},
};

const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A replica over `server` that never finds it away for being slow.
async fn replica(server: &TestServer, settings: LiveSettings) -> Bench {
    let patient = StoreSettings { timeout: Duration::from_secs(30), ..StoreSettings::default() };
    let store = store::open_with(&server.url(), &patient).await.expect("a store");
    Bench::over(store, settings).await
}

/// A store that has been away answers again.
async fn back(bench: &Bench) {
    let back = async {
        while bench.store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), back).await.expect("it is back");
}

impl Bench {
    async fn announce(&self, topic: &str, kind: &str) -> String {
        self.hub.announce(&event(topic, kind)).await.expect("it is said").expect("an id")
    }
}

/// What a feed hears up to a message of that kind: ids and kinds.
async fn heard_until(feed: &mut Feed, kind: &str) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    loop {
        let message = said(feed).await;
        heard.push((message.id.expect("an id"), message.kind.clone()));
        if message.kind == kind {
            return heard;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_any_replica_says_is_heard_on_all_of_them_in_one_order() {
    const EACH: usize = 300;
    let server = TestServer::start(&[]);
    let settings = LiveSettings { queue: 10_000, ..SETTINGS };
    let (here, there) = (replica(&server, settings).await, replica(&server, settings).await);
    let ada = here.sign_in("ada").await;
    let mut feeds = [here.joined(&ada, &["order:r"]).await, there.joined(&ada, &["order:r"]).await];
    let hubs = [here.hub.clone(), there.hub.clone()];
    let speakers: Vec<_> = (0..4)
        .map(|speaker| {
            let hub = hubs[speaker % 2].clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    let event = event("order:r", &format!("s{speaker}.{number}"));
                    // Events of upstreams, and messages of the gateway's own.
                    if speaker < 2 {
                        hub.announce(&event).await.expect("it is said").expect("an id");
                    } else {
                        hub.tell(event);
                    }
                }
                hub.flush(Duration::from_secs(30)).await;
            })
        })
        .collect();
    for speaker in speakers {
        speaker.await.expect("no panic");
    }
    let last = here.announce("order:r", "last").await;
    let one = heard_until(&mut feeds[0], "last").await;
    assert_eq!(one.len(), 4 * EACH + 1);
    assert_eq!(one.last().map(|(id, _)| id), Some(&last));
    for speaker in 0..4 {
        let own = format!("s{speaker}.");
        let of_it = one.iter().filter_map(|(_, kind)| kind.strip_prefix(&own)?.parse::<usize>().ok());
        assert!(of_it.eq(0..EACH), "speaker {speaker}");
    }
    assert_eq!(one, heard_until(&mut feeds[1], "last").await);
    assert_eq!((here.metrics.live_following.get(), there.metrics.live_following.get()), (1, 1));
    assert_eq!(here.metrics.live_lost.get(), 0);
}

#[tokio::test]
async fn a_connection_resumes_on_another_replica_at_once_and_after_a_restart_of_all() {
    let server = TestServer::start(&[]);
    let (here, there) = (replica(&server, SETTINGS).await, replica(&server, SETTINGS).await);
    let ada = here.sign_in("ada").await;
    let mut last = String::new();
    for round in 0..50 {
        // Perhaps the other one has not heard of it yet.
        last = here.announce("order:r", "last").await;
        let mut moved = there.join(&ada, &["order:r"], Some(&last)).await.expect("room");
        let ready = said(&mut moved).await;
        assert_eq!((&*ready.kind, ready.id.as_ref()), ("ready", Some(&last)), "round {round}");
        assert!(ready.data.expect("data").get().contains(r#""resumed":true"#));
        here.announce("order:r", "next").await;
        assert_eq!(kinds(&mut moved, 1).await, ["next"]);
    }
    drop((here, there));

    let later = replica(&server, SETTINGS).await;
    let mut feed = later.join(&ada, &["order:r"], Some(&last)).await.expect("room");
    assert_eq!(kinds(&mut feed, 2).await, ["ready", "next"]);
    for nobodys in ["99999999999999-0", "1-1", "0-0", "x"] {
        let mut feed = later.join(&ada, &[], Some(nobodys)).await.expect("room");
        assert_eq!(kinds(&mut feed, 2).await, ["reset", "ready"], "{nobodys}");
    }
}

#[tokio::test]
async fn an_empty_log_has_a_place_to_resume_from() {
    let server = TestServer::start(&[]);
    let here = replica(&server, SETTINGS).await;
    let ada = here.sign_in("ada").await;
    let mut feed = here.join(&ada, &[], None).await.expect("room");
    let begin = said(&mut feed).await.id.expect("an id");
    here.announce("user:ada", "missed").await;
    let there = replica(&server, SETTINGS).await;
    let mut feed = there.join(&ada, &[], Some(&begin)).await.expect("room");
    assert_eq!(kinds(&mut feed, 2).await, ["ready", "missed"]);
}

#[tokio::test]
async fn an_event_drops_documents_on_other_replicas_before_it_is_heard_there() {
    let server = TestServer::start(&[]);
    let (here, there) = (replica(&server, SETTINGS).await, replica(&server, SETTINGS).await);
    let dropped = Arc::new(Mutex::new(Vec::new()));
    for (bench, name) in [(&here, "here"), (&there, "there")] {
        let dropped = Arc::clone(&dropped);
        bench
            .invalidations
            .on_soft_purge(move |tag: &Tag| dropped.lock().push((name, tag.as_str().to_owned())));
    }
    let ada = here.sign_in("ada").await;
    let mut feed = there.joined(&ada, &["order:r"]).await;
    for number in 0..50 {
        let tag = format!("order:r{number}");
        let event = Event { tags: vec![tag.clone(), "everything".into()], ..event("order:r", "changed") };
        here.hub.announce(&event).await.expect("it is said");
        assert_eq!(kinds(&mut feed, 1).await, ["changed"]);
        assert_eq!(*dropped.lock(), [("there", tag)], "where it began that is the caller's to do");
        dropped.lock().clear();
    }
}

#[tokio::test]
async fn while_the_store_is_away_messages_wait_and_none_is_lost_or_told_twice() {
    let mut server = TestServer::start(&DURABLE);
    let (here, there) = (replica(&server, SETTINGS).await, replica(&server, SETTINGS).await);
    let ada = here.sign_in("ada").await;
    let mut feeds = [here.joined(&ada, &["order:r"]).await, there.joined(&ada, &["order:r"]).await];
    here.announce("order:r", "before").await;
    for feed in &mut feeds {
        assert_eq!(kinds(feed, 1).await, ["before"]);
    }
    server.kill();
    let refused = async { while here.hub.announce(&event("order:r", "refused")).await.is_ok() {} };
    timeout(Duration::from_secs(30), refused).await.expect("an event is refused");
    for number in 0..5 {
        here.publish("order:r", &format!("waits{number}"));
    }
    assert!(server.run());
    back(&there).await;
    here.hub.flush(Duration::from_secs(30)).await;
    for feed in &mut feeds {
        let kinds = kinds(feed, 5).await;
        assert_eq!(kinds, ["waits0", "waits1", "waits2", "waits3", "waits4"]);
    }
    there.announce("order:r", "after").await;
    for feed in &mut feeds {
        assert_eq!(kinds(feed, 1).await, ["after"]);
    }
    assert_eq!(here.metrics.live_lost.get(), 0);
}

#[tokio::test]
async fn what_is_written_twice_is_told_once() {
    let server = TestServer::start(&[]);
    let here = replica(&server, SETTINGS).await;
    let ada = here.sign_in("ada").await;
    let mut feed = here.joined(&ada, &["order:r"]).await;
    let shared = here.store.shared().expect("a shared store");
    let append = async |origin: &str, number, kind: &str| {
        let event = event("order:r", kind);
        let payload = Writing { origin, number, event: Some(&event), ..Writing::default() }.payload();
        shared.append(payload, 1000).await.expect("appended");
    };
    for (origin, number, kind) in [
        ("a", 1, "one"),
        ("a", 1, "one"),
        ("a", 2, "two"),
        ("b", 1, "three"),
        ("a", 1, "one"),
        ("a", 0, "event"),
        ("a", 0, "event"),
        ("b", 2, "four"),
    ] {
        append(origin, number, kind).await;
    }
    shared.append(bytes::Bytes::from_static(b"not an entry"), 1000).await.expect("appended");
    append("b", 3, "not ours: a word").await;
    append("b", 4, "last").await;
    assert_eq!(kinds(&mut feed, 7).await, ["one", "two", "three", "event", "event", "four", "last"]);
}

#[tokio::test]
async fn a_log_that_was_lost_ends_connections_and_they_are_told() {
    let mut server = TestServer::start(&[]);
    let here = replica(&server, SETTINGS).await;
    let ada = here.sign_in("ada").await;
    let mut feed = here.joined(&ada, &["order:r"]).await;
    let last = here.announce("order:r", "before").await;
    assert_eq!(kinds(&mut feed, 1).await, ["before"]);
    server.kill();
    assert!(server.run(), "without what it had");
    // The session is lost with the log, and either may be noticed first.
    assert!(matches!(ended(&mut feed).await, End::TooSlow | End::SignedOut));
    drop(feed);
    back(&here).await;
    let ada = here.sign_in("ada").await;
    let mut feed = here.join(&ada, &["order:r"], Some(&last)).await.expect("room");
    assert_eq!(kinds(&mut feed, 2).await, ["reset", "ready"]);
    here.announce("order:r", "after").await;
    assert_eq!(kinds(&mut feed, 1).await, ["after"]);
}

#[tokio::test]
async fn messages_that_no_queue_could_hold_are_counted_and_everybody_is_told() {
    let mut server = TestServer::start(&DURABLE);
    let (here, there) = (replica(&server, SETTINGS).await, replica(&server, SETTINGS).await);
    let ada = here.sign_in("ada").await;
    let mut feed = there.joined(&ada, &["order:r"]).await;
    let last = here.announce("order:r", "before").await;
    assert_eq!(kinds(&mut feed, 1).await, ["before"]);
    server.kill();
    for _ in 0..5000 {
        here.publish("order:other", "waits");
    }
    let lost = here.metrics.live_lost.get();
    assert!((900..=904).contains(&lost), "{lost}");
    assert!(server.run());
    assert_eq!(ended(&mut feed).await, End::TooSlow);
    drop(feed);
    let mut feed = there.join(&ada, &["order:r"], Some(&last)).await.expect("room");
    assert_eq!(kinds(&mut feed, 2).await, ["reset", "ready"]);
}

#[tokio::test]
async fn what_the_log_no_longer_has_is_a_reset_on_a_new_replica() {
    let server = TestServer::start(&[]);
    let settings = LiveSettings { log_messages: 100, ..SETTINGS };
    let here = replica(&server, settings).await;
    let ada = here.sign_in("ada").await;
    let first = here.announce("order:r", "first").await;
    let mut ids = Vec::new();
    for number in 0..500 {
        ids.push(here.announce("order:r", &format!("n{number}")).await);
    }
    let there = replica(&server, settings).await;
    let mut feed = there.join(&ada, &["order:r"], Some(&first)).await.expect("room");
    assert_eq!(kinds(&mut feed, 2).await, ["reset", "ready"]);
    let mut feed = there.join(&ada, &["order:r"], Some(&ids[450])).await.expect("room");
    let expected: Vec<_> = (451..500).map(|number| format!("n{number}")).collect();
    assert_eq!(kinds(&mut feed, 1).await, ["ready"]);
    assert_eq!(kinds(&mut feed, 49).await, expected);
}

#[tokio::test]
async fn a_replica_that_starts_before_the_store_follows_it_from_when_it_is_there() {
    let mut server = TestServer::start(&DURABLE);
    let here = replica(&server, SETTINGS).await;
    let ada = here.sign_in("ada").await;
    let last = here.announce("order:r", "before").await;
    here.announce("order:r", "missed").await;
    server.kill();
    let early = replica(&server, SETTINGS).await;
    assert_eq!(early.metrics.live_following.get(), 0);
    assert!(server.run());
    let following = async {
        while early.metrics.live_following.get() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), following).await.expect("it follows");
    let mut feed = early.join(&ada, &["order:r"], Some(&last)).await.expect("room");
    assert_eq!(kinds(&mut feed, 2).await, ["ready", "missed"]);
}
