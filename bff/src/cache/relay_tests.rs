//! Relays of several replicas.

use parking_lot::Mutex;

use super::*;
use crate::{
    invalidation::{Generation, Validity},
    store::MemoryStore,
};

fn id(text: &str) -> Id {
    Id::new(text).expect("an id")
}

type Replica = (Arc<Invalidations>, Arc<Metrics>, Relay);

/// Relays of two replicas, over a store whose messages reach both.
fn replicas() -> (Arc<dyn Store>, [Replica; 2]) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replica = || {
        let (invalidations, metrics) = (Arc::new(Invalidations::default()), Arc::new(Metrics::new()));
        let relay = Relay::over(Arc::clone(&invalidations), Arc::clone(&store), Arc::clone(&metrics));
        (invalidations, metrics, relay.expect("random bits"))
    };
    let both = [replica(), replica()];
    (store, both)
}

fn validity(invalidations: &Invalidations, user: &str, tag: &str) -> Validity {
    invalidations.validity(
        invalidations.hash_user(user),
        &[invalidations.hash_tag(tag)],
        Generation::default(),
    )
}

#[tokio::test]
async fn a_write_drops_on_every_replica_and_is_witnessed_where_it_began() {
    let (_, [(_, here, relay), (there, other, far)]) = replicas();
    let witnessed = Arc::new(Mutex::new(Vec::new()));
    for (relay, name) in [(&relay, "here"), (&far, "there")] {
        let witnessed = Arc::clone(&witnessed);
        relay.listen(move |tag| witnessed.lock().push((name, tag.as_str().to_owned())));
    }
    let ada = id("ada");
    let mine = [Tag::of("recipe", &id("1")), Tag::bare("recipes")];
    relay.written(&ada, &mine, &[Tag::of("recipe", &id("1"))]).await;
    assert_eq!(validity(&there, "ada", "recipe:1"), Validity::HardPurged);
    assert_eq!(validity(&there, "ada", "recipes"), Validity::HardPurged);
    assert_eq!(validity(&there, "bora", "recipe:1"), Validity::SoftPurged);
    assert_eq!(validity(&there, "bora", "recipes"), Validity::Valid);
    let once = |tag: &str| ("here", tag.to_owned());
    assert_eq!(*witnessed.lock(), [once("recipe:1"), once("recipes")]);
    assert_eq!(here.encode().matches("outcome=\"heard\"").count(), 0, "its own are not heard");
    assert!(other.encode().contains("bff_relayed_drops_total{outcome=\"heard\"} 1"));

    relay.hard(&ada, &[Tag::everything()]).await;
    assert_eq!(validity(&there, "ada", "everything"), Validity::HardPurged);
    relay.written(&ada, &[], &[Tag::of("member", &ada)]).await;
    assert_eq!(validity(&there, "bora", "member:ada"), Validity::SoftPurged);
    relay.deleted(&ada, &[], &[], &[Tag::of("recipe", &id("2"))]).await;
    for (user, tag) in [("bora", "!recipe:2"), ("", "!recipe:2"), ("", "recipe:2")] {
        assert_eq!(validity(&there, user, tag), Validity::HardPurged);
    }
    assert_eq!(validity(&there, "bora", "recipe:2"), Validity::SoftPurged);
    relay.refused(None, &[Tag::of("recipe", &id("3"))]).await;
    relay.refused(Some(&ada), &[Tag::of("recipe", &id("4"))]).await;
    for (user, refused) in [("", "!recipe:3"), ("ada", "!recipe:4")] {
        assert_eq!(validity(&there, user, refused), Validity::HardPurged);
        assert_eq!(validity(&there, "bora", refused), Validity::Valid);
    }
    relay.soft_here(&[Tag::of("member", &id("bora"))]);
    assert_eq!(validity(&there, "bora", "member:bora"), Validity::Valid);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_done_when_the_others_have_said_so() {
    let (store, [(_, metrics, relay), _]) = replicas();
    // A replica whose answers this test gives; the other one answers by itself.
    let say = async |payload: String| store.publish(Bytes::from(payload)).await.expect("published");
    say("d{\"origin\":\"x\"}".to_owned()).await;
    let heard = Arc::new(Mutex::new(0));
    let number = Arc::clone(&heard);
    store.listen(Box::new(move |notice| {
        if let Notice::Message([KIND, told @ ..]) = notice
            && let Ok(told) = serde_json::from_slice::<Told<String>>(told)
        {
            let mut latest = number.lock();
            *latest = told.number.max(*latest);
        }
    }));
    let ada = id("ada");
    let tags = [Tag::bare("recipes")];
    let began = tokio::time::Instant::now();
    let mut writing = Box::pin(relay.hard(&ada, &tags));
    let early = tokio::time::timeout(ACK_TIMEOUT / 2, &mut writing).await;
    assert!(early.is_err(), "x has not heard it");
    assert!(*heard.lock() > 0);
    say(format!("d{{\"origin\":\"x\",\"heard\":{{\"{}\":[{}]}}}}", relay.origin(), *heard.lock())).await;
    writing.await;
    assert!(began.elapsed() < ACK_TIMEOUT);
    assert!(!metrics.encode().contains("unconfirmed"));

    relay.hard(&ada, &tags).await;
    assert!(began.elapsed() >= ACK_TIMEOUT, "it is waited for");
    assert!(metrics.encode().contains("bff_relayed_drops_total{outcome=\"unconfirmed\"} 1"));
    let began = tokio::time::Instant::now();
    relay.hard(&ada, &tags).await;
    assert!(began.elapsed() < ACK_TIMEOUT, "and then no more");
}

#[tokio::test]
async fn what_is_not_ours_is_ignored() {
    let (store, [(here, metrics, _), _]) = replicas();
    for payload in [
        &b""[..],
        b"d",
        b"d{}",
        b"d{\"origin\":1}",
        b"d{\"origin\":\"x\",\"soft\":[\"everything\",\"recipes\",\"a b\"]}",
        b"d{\"origin\":\"x\",\"hard\":[\"everything\"]}",
        b"d{\"origin\":\"x\",\"hard\":[\"everything\"],\"user\":\"a b\"}",
        b"d{\"origin\":\"x\",\"refused\":[\"recipe:1\"],\"user\":\"a b\"}",
        b"d{\"origin\":\"x\",\"gone\":[\"everything\",\"!recipe:1\"]}",
        b"e{\"origin\":\"x\",\"soft\":[\"recipe:1\"]}",
        b"d\xff",
    ] {
        store.publish(Bytes::copy_from_slice(payload)).await.expect("published");
    }
    assert_eq!(here.generation(), Generation::default(), "nothing was dropped");
    assert!(metrics.encode().contains("bff_relayed_drops_total{outcome=\"unreadable\"} 4"));
    store
        .publish(Bytes::from_static(b"d{\"origin\":\"x\",\"soft\":[\"recipe:1\"],\"new\":1}"))
        .await
        .expect("published");
    assert_eq!(validity(&here, "ada", "recipe:1"), Validity::SoftPurged);
}

#[test]
fn what_was_relayed_is_dropped_once_more_only_where_it_went_unheard() {
    let (invalidations, metrics) = (Arc::new(Invalidations::default()), Arc::new(Metrics::new()));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let relay = Relay::over(Arc::clone(&invalidations), store, Arc::clone(&metrics)).expect("a relay");
    let deaf = Arc::clone(&relay.line.as_ref().expect("a line").deaf);
    let peers = Arc::default();
    let answers = AckSender::new(&(Arc::new(MemoryStore::new()) as Arc<dyn Store>), |_| Bytes::new());
    let ear =
        Ear { own: "x".into(), deaf, invalidations: Arc::clone(&invalidations), peers, answers, metrics };
    relay.soft_unheard(&[Tag::of("recipe", &id("1"))]);
    ear.hear(&Notice::Deaf);
    relay.soft_unheard(&[Tag::of("recipe", &id("2"))]);
    ear.hear(&Notice::Hearing);
    relay.soft_unheard(&[Tag::of("recipe", &id("3"))]);
    let standings = ["recipe:1", "recipe:2", "recipe:3"].map(|tag| validity(&invalidations, "ada", tag));
    assert_eq!(standings, [Validity::Valid, Validity::SoftPurged, Validity::Valid]);
}

#[tokio::test]
async fn alone_it_publishes_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let heard = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&heard);
    store.listen(Box::new(move |_| *counted.lock() += 1));
    let (invalidations, metrics) = (Arc::new(Invalidations::default()), Arc::new(Metrics::new()));
    let relay = Relay::new(Arc::clone(&invalidations), store, metrics).expect("a relay");
    relay.written(&id("ada"), &[Tag::bare("recipes")], &[Tag::of("recipe", &id("1"))]).await;
    assert_eq!(validity(&invalidations, "ada", "recipes"), Validity::HardPurged);
    assert_eq!(validity(&invalidations, "bora", "recipe:1"), Validity::SoftPurged);
    assert_eq!(*heard.lock(), 0);
}
