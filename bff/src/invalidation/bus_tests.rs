//! Buses of several replicas.

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{super::message::VERSION, *};
use crate::{
    invalidation::{ACK_TIMEOUT, ENDING_ACK_TIMEOUT, Generation, Validity},
    store::{MemoryStore, Notice},
};

fn id(text: &str) -> Id {
    Id::new(text).expect("an id")
}

fn order(text: &str) -> Tag {
    Tag::of("order", &id(text))
}

struct Replica {
    table: Arc<Invalidations>,
    metrics: Arc<Metrics>,
    bus: Arc<InvalidationBus>,
}

impl Replica {
    fn over(store: &Arc<dyn Store>) -> Self {
        let (table, metrics) = (Arc::new(Invalidations::default()), Arc::new(Metrics::new()));
        let bus = InvalidationBus::over(Arc::clone(&table), store, Arc::clone(&metrics), true);
        Self { table, metrics, bus: bus.expect("random bits") }
    }

    fn validity(&self, user: &str, tag: &str) -> Validity {
        let (user, tag) = (self.table.hash_user(user), self.table.hash_tag(tag));
        self.table.validity(user, std::iter::once(tag), Generation::default())
    }

    /// Waits until this replica has heard of `count` others.
    async fn knows(&self, count: usize) {
        let peers = &self.bus.line.as_ref().expect("shared").peers;
        while peers.count() < count {
            tokio::task::yield_now().await;
        }
    }
}

/// Two replicas over a store whose messages reach both.
async fn replicas() -> (Arc<dyn Store>, [Replica; 2]) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let both = [Replica::over(&store), Replica::over(&store)];
    for replica in &both {
        replica.knows(1).await;
    }
    (store, both)
}

/// A replica whose messages the test writes itself: its origin is `x`.
async fn say(store: &Arc<dyn Store>, message: Message) {
    let message = Message { origin: "x".into(), ..message };
    store.publish(message.encode()).await.expect("published");
}

/// The numbers of the messages that are published through `store` from now on.
fn numbers(store: &Arc<dyn Store>) -> Arc<Mutex<Vec<u64>>> {
    let numbers: Arc<Mutex<Vec<u64>>> = Arc::default();
    let list = Arc::clone(&numbers);
    store.listen(Box::new(move |notice| {
        if let Notice::Message(payload) = notice
            && let Some(message) = Message::decode(payload)
            && message.number > 0
        {
            list.lock().push(message.number);
        }
    }));
    numbers
}

#[tokio::test]
async fn a_write_purges_on_every_replica_and_is_told_where_it_began() {
    let (_, [here, there]) = replicas().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    for (replica, name) in [(&here, "here"), (&there, "there")] {
        let told = Arc::clone(&told);
        replica.bus.changes().subscribe(move |tag| told.lock().push((name, tag.as_str().to_owned())));
    }
    let ada = id("ada");
    let lists = Tag::bare("orders");
    here.bus.written(&ada, &[order("1"), lists], &[order("1")]).await;
    assert_eq!(there.validity("ada", "order:1"), Validity::HardPurged);
    assert_eq!(there.validity("ada", "orders"), Validity::HardPurged);
    assert_eq!(there.validity("bora", "order:1"), Validity::SoftPurged);
    assert_eq!(there.validity("bora", "orders"), Validity::Valid);
    let once = |tag: &str| ("here", tag.to_owned());
    assert_eq!(*told.lock(), [once("order:1"), once("orders")]);
    assert_eq!(here.metrics.encode().matches("outcome=\"heard\"").count(), 0, "its own are not heard");
    assert!(there.metrics.encode().contains("bff_relayed_drops_total{outcome=\"heard\"} 1"));

    here.bus.purge_user(&ada, &[Tag::everything()]).await;
    assert_eq!(there.validity("ada", "everything"), Validity::HardPurged);
    here.bus.deleted(&ada, &[], &[], &[order("2")]).await;
    for (user, tag) in [("bora", "!order:2"), ("", "!order:2"), ("", "order:2")] {
        assert_eq!(there.validity(user, tag), Validity::HardPurged);
    }
    assert_eq!(there.validity("bora", "order:2"), Validity::SoftPurged);
    here.bus.refused(None, &[order("3")]).await;
    here.bus.refused(Some(&ada), &[order("4")]).await;
    for (user, refused) in [("", "!order:3"), ("ada", "!order:4")] {
        assert_eq!(there.validity(user, refused), Validity::HardPurged);
        assert_eq!(there.validity("bora", refused), Validity::Valid);
    }
}

#[tokio::test]
async fn an_event_that_arrives_by_two_ways_purges_once() {
    let (_, [here, there]) = replicas().await;
    let number = here.bus.happened(&[order("1")]).await;
    assert!(number > 0);
    assert_eq!(there.validity("bora", "order:1"), Validity::SoftPurged);
    let before = there.table.generation();
    there.bus.apply_once(here.bus.origin(), number, &[order("1")]);
    here.bus.apply_once(here.bus.origin(), number, &[order("1")]);
    assert_eq!(there.table.generation(), before, "it was applied already");
    there.bus.apply_once(here.bus.origin(), number + 1, &[order("1")]);
    assert!(there.table.generation() > before, "that one was not");
    let before = there.table.generation();
    there.bus.apply_once("an earlier release", 0, &[order("1")]);
    assert!(there.table.generation() > before);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_done_when_the_others_have_said_so() {
    let (store, [here, _there]) = replicas().await;
    say(&store, Message::default()).await;
    let numbers = numbers(&store);
    let (ada, tags) = (id("ada"), [Tag::bare("orders")]);
    let began = Instant::now();
    let mut writing = Box::pin(here.bus.purge_user(&ada, &tags));
    let early = tokio::time::timeout(ACK_TIMEOUT / 2, &mut writing).await;
    assert!(early.is_err(), "x has not acknowledged it");
    let acks = [(here.bus.origin().into(), numbers.lock().clone())].into();
    say(&store, Message { acks, ..Message::default() }).await;
    writing.await;
    assert!(began.elapsed() < ACK_TIMEOUT);
    assert!(!here.metrics.encode().contains("unconfirmed"));

    here.bus.purge_user(&ada, &tags).await;
    assert!(began.elapsed() >= ACK_TIMEOUT, "it is waited for");
    assert!(here.metrics.encode().contains("bff_relayed_drops_total{outcome=\"unconfirmed\"} 1"));
    let began = Instant::now();
    here.bus.purge_user(&ada, &tags).await;
    assert!(began.elapsed() < ACK_TIMEOUT, "and then no more");
}

#[tokio::test(start_paused = true)]
async fn ended_sessions_go_everywhere_and_wait_for_whoever_may_believe_its_memory() {
    let (store, [here, there]) = replicas().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    for replica in [&here, &there] {
        let told = Arc::clone(&told);
        replica.bus.ended_sessions().subscribe(move |ended| told.lock().push(ended.clone()));
    }
    let ended = EndedSessions { user: id("ada"), keys: (0..250).map(|n| [n; 32]).collect() };
    let began = Instant::now();
    let end = async || here.bus.end_sessions(&ended).await.expect("published");
    assert_eq!(end().await, Delivery::Applied);
    let steps: Vec<_> = told.lock().drain(..).collect();
    assert_eq!(steps[0], ended, "at once here");
    let there_too: Vec<_> = steps[1..].iter().flat_map(|step| step.keys.clone()).collect();
    assert_eq!(there_too, ended.keys);
    assert_eq!(there.validity("ada", "everything"), Validity::HardPurged);
    assert_eq!(there.validity("bora", "everything"), Validity::Valid);

    // A silent replica that a write gave up on may believe its memory still.
    say(&store, Message { asks: true, ..Message::default() }).await;
    here.bus.written(&id("ada"), &[], &[order("1")]).await;
    assert!(began.elapsed() < ENDING_ACK_TIMEOUT);
    assert_eq!(end().await, Delivery::Unconfirmed);
    assert!(began.elapsed() >= ENDING_ACK_TIMEOUT);
    let began = Instant::now();
    assert_eq!(end().await, Delivery::Applied, "it is waited for once");
    say(&store, Message::default()).await;
    say(&store, Message { absent: true, ..Message::default() }).await;
    assert_eq!(end().await, Delivery::Applied, "nor one that is absent");
    there.bus.leave().await.expect("left");
    here.bus.written(&id("ada"), &[], &[order("1")]).await;
    assert_eq!(end().await, Delivery::Applied);
    assert!(
        began.elapsed() < ACK_TIMEOUT,
        "a replica that has left acknowledges nothing, and is not waited for"
    );
}

#[tokio::test]
async fn what_another_release_says_breaks_nothing() {
    let (store, [here, _there]) = replicas().await;
    let bare = Generation::default();
    for payload in [
        &b""[..],
        // Of releases before the bus.
        b"d{\"origin\":\"x\",\"number\":1,\"soft\":[\"order:1\"]}",
        b"e{\"from\":1,\"number\":1,\"user\":\"ada\",\"keys\":[]}",
        b"a{\"origin\":\"1\",\"asks\":true}",
        // Of one to come, in a format of its own.
        b"2{\"origin\":\"x\",\"purges\":{\"soft\":[\"order:1\"]}}",
        b"1{\"origin\":\"x\",\"purges\":{\"soft\":[\"everything\",\"orders\",\"a b\"]}}",
        b"1{\"origin\":\"x\",\"purges\":{\"hard\":[\"everything\"]}}",
        b"1{\"origin\":\"x\",\"purges\":{\"hard\":[\"everything\"],\"user\":\"a b\"}}",
        b"1{\"origin\":\"x\",\"purges\":{\"refused\":[\"order:1\"],\"user\":\"a b\"}}",
        b"1{\"origin\":\"x\",\"purges\":{\"deleted\":[\"everything\",\"!order:1\"]}}",
        b"1{\"origin\":\"x\",\"ended\":{\"user\":\"a b\",\"keys\":[]}}",
    ] {
        store.publish(bytes::Bytes::copy_from_slice(payload)).await.expect("published");
    }
    assert_eq!(here.table.generation(), bare, "nothing was purged");
    assert!(here.metrics.encode().contains("bff_relayed_drops_total{outcome=\"unreadable\"} 5"));
    // A later release's, in this format: what is known of it counts, and the rest is acknowledged unread.
    let later =
        b"1{\"origin\":\"x\",\"number\":7,\"later\":[],\"purges\":{\"soft\":[\"order:1\"],\"new\":1}}";
    let acked: Arc<Mutex<Vec<u64>>> = Arc::default();
    let list = Arc::clone(&acked);
    store.listen(Box::new(move |notice| {
        if let Notice::Message(payload) = notice
            && let Some(message) = Message::decode(payload)
        {
            list.lock().extend(message.acks.get("x").into_iter().flatten());
        }
    }));
    store.publish(bytes::Bytes::from_static(later)).await.expect("published");
    assert_eq!(here.validity("ada", "order:1"), Validity::SoftPurged);
    store
        .publish(bytes::Bytes::from_static(b"1{\"origin\":\"x\",\"number\":8,\"later\":[]}"))
        .await
        .expect("published");
    while acked.lock().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert!([b'a', b'd', b'e'].iter().all(|kind| *kind != VERSION), "releases before the bus ignore it");
}

#[tokio::test]
async fn a_replica_that_was_disconnected_does_not_believe_what_was_cached() {
    let (store, [here, _there]) = replicas().await;
    let line = here.bus.line.as_ref().expect("shared");
    let receiver = Receiver {
        presence: Arc::clone(&line.presence),
        peers: Arc::default(),
        acks: AckSender::new(&store, |_| bytes::Bytes::new()),
        applied: Arc::default(),
        invalidations: Arc::clone(&here.table),
        ended: Arc::default(),
        metrics: Arc::clone(&here.metrics),
    };
    here.bus.apply_if_disconnected("x", &[order("1")]);
    receiver.on_notice(&Notice::Connected);
    assert_eq!(here.validity("ada", "order:1"), Validity::Valid, "nothing was missed");
    receiver.on_notice(&Notice::Disconnected);
    here.bus.apply_if_disconnected("x", &[order("2")]);
    here.bus.apply_if_disconnected(here.bus.origin(), &[order("3")]);
    let seen = ["order:1", "order:2", "order:3"].map(|tag| here.validity("ada", tag));
    assert_eq!(seen, [Validity::Valid, Validity::SoftPurged, Validity::Valid]);
    assert!(line.presence.message(Applied::new()).absent, "nobody waits for what it cannot acknowledge");
    receiver.on_notice(&Notice::Connected);
    assert_eq!(here.validity("ada", "order:1"), Validity::SoftPurged, "something may have been missed");
    let table = &here.table;
    let validity =
        table.validity(table.hash_user("ada"), [table.hash_tag("order:1")].into_iter(), table.generation());
    assert_eq!(validity, Validity::Valid, "what is cached from now on is believed");
}

#[tokio::test]
async fn alone_it_publishes_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let heard = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&heard);
    store.listen(Box::new(move |_| *counted.lock() += 1));
    let table = Arc::new(Invalidations::default());
    let bus = InvalidationBus::new(Arc::clone(&table), &store, Arc::new(Metrics::new())).expect("a bus");
    let replica = Replica { table, metrics: Arc::default(), bus };
    let ended = EndedSessions { user: id("bora"), keys: vec![[1; 32]] };
    replica.bus.written(&id("ada"), &[Tag::bare("orders")], &[order("1")]).await;
    assert_eq!(replica.bus.happened(&[order("2")]).await, 0);
    assert_eq!(replica.bus.end_sessions(&ended).await.expect("told"), Delivery::Applied);
    replica.bus.announce().await.expect("nothing to say");
    replica.bus.leave().await.expect("nothing to say");
    assert_eq!(replica.validity("ada", "orders"), Validity::HardPurged);
    assert_eq!(replica.validity("chan", "order:1"), Validity::SoftPurged);
    assert_eq!(replica.validity("bora", "everything"), Validity::HardPurged);
    assert_eq!(*heard.lock(), 0);
}
