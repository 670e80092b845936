//! Relays of several replicas.

use parking_lot::Mutex;

use super::{super::drops::Standing, *};
use crate::store::MemoryStore;

fn id(text: &str) -> Id {
    Id::new(text).expect("an id")
}

type Replica = (Arc<Drops>, Arc<Metrics>, Relay);

/// Relays of two replicas, over a store whose messages reach both.
fn replicas() -> (Arc<dyn Store>, [Replica; 2]) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let replica = || {
        let (drops, metrics) = (Arc::new(Drops::default()), Arc::new(Metrics::new()));
        let relay = Relay::over(Arc::clone(&drops), Arc::clone(&store), Arc::clone(&metrics));
        (drops, metrics, relay.expect("random bits"))
    };
    let both = [replica(), replica()];
    (store, both)
}

fn standing(drops: &Drops, user: &str, tag: &str) -> Standing {
    drops.standing(drops.user(user), &[drops.tag(tag)], 0)
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
    let mine = [Tag::recipe(&id("1")), Tag::recipe_lists()];
    relay.written(&ada, &mine, &[Tag::recipe(&id("1"))]).await;
    assert_eq!(standing(&there, "ada", "recipe:1"), Standing::HardDropped);
    assert_eq!(standing(&there, "ada", "recipes"), Standing::HardDropped);
    assert_eq!(standing(&there, "bora", "recipe:1"), Standing::SoftDropped);
    assert_eq!(standing(&there, "bora", "recipes"), Standing::Intact);
    let once = |tag: &str| ("here", tag.to_owned());
    assert_eq!(*witnessed.lock(), [once("recipe:1"), once("recipes")]);
    assert_eq!(here.encode().matches("outcome=\"heard\"").count(), 0, "its own are not heard");
    assert!(other.encode().contains("bff_relayed_drops_total{outcome=\"heard\"} 1"));

    relay.hard(&ada, &[Tag::everything()]).await;
    assert_eq!(standing(&there, "ada", "everything"), Standing::HardDropped);
    relay.written(&ada, &[], &[Tag::member(&ada)]).await;
    assert_eq!(standing(&there, "bora", "member:ada"), Standing::SoftDropped);
    relay.deleted(&ada, &[], &[], &[Tag::recipe(&id("2"))]).await;
    for (user, tag) in [("bora", "!recipe:2"), ("", "!recipe:2"), ("", "recipe:2")] {
        assert_eq!(standing(&there, user, tag), Standing::HardDropped);
    }
    assert_eq!(standing(&there, "bora", "recipe:2"), Standing::SoftDropped);
    relay.refused(None, &[Tag::recipe(&id("3"))]).await;
    relay.refused(Some(&ada), &[Tag::recipe(&id("4"))]).await;
    for (user, refused) in [("", "!recipe:3"), ("ada", "!recipe:4")] {
        assert_eq!(standing(&there, user, refused), Standing::HardDropped);
        assert_eq!(standing(&there, "bora", refused), Standing::Intact);
    }
    relay.soft_here(&[Tag::member(&id("bora"))]);
    assert_eq!(standing(&there, "bora", "member:bora"), Standing::Intact);
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
    let tags = [Tag::recipe_lists()];
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
    assert_eq!(here.now(), 0, "nothing was dropped");
    assert!(metrics.encode().contains("bff_relayed_drops_total{outcome=\"unreadable\"} 4"));
    store
        .publish(Bytes::from_static(b"d{\"origin\":\"x\",\"soft\":[\"recipe:1\"],\"new\":1}"))
        .await
        .expect("published");
    assert_eq!(standing(&here, "ada", "recipe:1"), Standing::SoftDropped);
}

#[test]
fn what_was_relayed_is_dropped_once_more_only_where_it_went_unheard() {
    let (drops, metrics) = (Arc::new(Drops::default()), Arc::new(Metrics::new()));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let relay = Relay::over(Arc::clone(&drops), store, Arc::clone(&metrics)).expect("a relay");
    let deaf = Arc::clone(&relay.line.as_ref().expect("a line").deaf);
    let peers = Arc::default();
    let answers = AckSender::new(&(Arc::new(MemoryStore::new()) as Arc<dyn Store>), |_| Bytes::new());
    let ear = Ear { own: "x".into(), deaf, drops: Arc::clone(&drops), peers, answers, metrics };
    relay.soft_unheard(&[Tag::recipe(&id("1"))]);
    ear.hear(&Notice::Deaf);
    relay.soft_unheard(&[Tag::recipe(&id("2"))]);
    ear.hear(&Notice::Hearing);
    relay.soft_unheard(&[Tag::recipe(&id("3"))]);
    let standings = ["recipe:1", "recipe:2", "recipe:3"].map(|tag| standing(&drops, "ada", tag));
    assert_eq!(standings, [Standing::Intact, Standing::SoftDropped, Standing::Intact]);
}

#[tokio::test]
async fn alone_it_publishes_nothing() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let heard = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&heard);
    store.listen(Box::new(move |_| *counted.lock() += 1));
    let (drops, metrics) = (Arc::new(Drops::default()), Arc::new(Metrics::new()));
    let relay = Relay::new(Arc::clone(&drops), store, metrics).expect("a relay");
    relay.written(&id("ada"), &[Tag::recipe_lists()], &[Tag::recipe(&id("1"))]).await;
    assert_eq!(standing(&drops, "ada", "recipes"), Standing::HardDropped);
    assert_eq!(standing(&drops, "bora", "recipe:1"), Standing::SoftDropped);
    assert_eq!(*heard.lock(), 0);
}
