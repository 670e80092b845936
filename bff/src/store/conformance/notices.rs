//! What stores tell by themselves: changes, messages, and that they hear nothing.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::super::{Notice, Space, Store};
use super::entry;

/// What a listener hears, in its own words.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) enum Heard {
    Changed(Space, Vec<u8>),
    Message(Vec<u8>),
    Disconnected,
    Hearing,
}

/// All that `store` tells from now on.
pub(in crate::store) fn listen(store: &dyn Store) -> UnboundedReceiver<Heard> {
    let (tell, heard) = unbounded_channel();
    store.listen(Box::new(move |notice| {
        let words = match *notice {
            Notice::Changed { space, key } => Heard::Changed(space, key.to_vec()),
            Notice::Message(payload) => Heard::Message(payload.to_vec()),
            Notice::Disconnected => Heard::Disconnected,
            Notice::Connected => Heard::Hearing,
            // A matter of time alone: nothing was lost.
            Notice::Lapsed => return,
        };
        // The listener outlives the test that reads from it.
        let _ = tell.send(words);
    }));
    heard
}

/// Passes over what comes before `wanted`; a store may tell of a write twice.
pub(in crate::store) async fn until(heard: &mut UnboundedReceiver<Heard>, wanted: &Heard) {
    let hear = async { while heard.recv().await.as_ref() != Some(wanted) {} };
    tokio::time::timeout(Duration::from_secs(30), hear).await.unwrap_or_else(|_| panic!("never {wanted:?}"));
}

pub(super) async fn changes_of_tracked_records_are_told(store: &dyn Store) {
    let key = b"told\x00\xff:";
    for space in Space::ALL {
        let mut heard = listen(store);
        let told = Heard::Changed(space, key.to_vec());
        let owned = || entry("x", Some("told"), 60_000);
        let version = store.put(space, key, owned()).await.unwrap();
        if !space.is_tracked() {
            // What is told comes in order: had it been told, it would have come before the message.
            store.publish(Bytes::from_static(b"end")).await.unwrap();
            let end = Heard::Message(b"end".to_vec());
            loop {
                match heard.recv().await.unwrap() {
                    message if message == end => break,
                    other => assert_ne!(other, told),
                }
            }
            store.delete(space, key).await.unwrap();
            continue;
        }
        until(&mut heard, &told).await;
        store.put_if(space, key, Some(version), owned()).await.unwrap().unwrap();
        until(&mut heard, &told).await;
        assert!(store.delete(space, key).await.unwrap());
        until(&mut heard, &told).await;
        store.put_if(space, key, None, owned()).await.unwrap().unwrap();
        until(&mut heard, &told).await;
        assert_eq!(store.delete_owned(space, "told", None).await.unwrap(), [&key[..]]);
        until(&mut heard, &told).await;
    }
}

pub(super) async fn messages_reach_every_listener_in_order(store: &dyn Store) {
    let mut all = [listen(store), listen(store)];
    let messages = [&b""[..], b"one", &[0, 0xff, b'\r', b'\n'], &[7; 100_000]];
    for message in messages {
        store.publish(Bytes::copy_from_slice(message)).await.unwrap();
    }
    for heard in &mut all {
        for message in messages {
            until(heard, &Heard::Message(message.to_vec())).await;
        }
    }
}

/// What stores of one process promise beyond the suite: told before the write returns, and to the end.
pub(in crate::store) async fn tells_at_once(store: &dyn Store) {
    let mut heard = listen(store);
    let owned = || entry("x", Some("told at once"), 60_000);
    store.put(Space::Sessions, b"first", owned()).await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Heard::Changed(Space::Sessions, b"first".to_vec()));
    store.put_if(Space::RefreshFamilies, b"second", None, owned()).await.unwrap().unwrap();
    assert_eq!(heard.try_recv().unwrap(), Heard::Changed(Space::RefreshFamilies, b"second".to_vec()));
    assert_eq!(store.put_if(Space::Sessions, b"first", None, owned()).await.unwrap(), None);
    store.delete(Space::RefreshFamilies, b"second").await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Heard::Changed(Space::RefreshFamilies, b"second".to_vec()));
    store.delete_owned(Space::Sessions, "told at once", None).await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Heard::Changed(Space::Sessions, b"first".to_vec()));
    store.publish(Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(heard.try_recv().unwrap(), Heard::Message(b"hello".to_vec()));
    assert!(heard.try_recv().is_err(), "nothing else was told");
    assert!(store.shared().is_none());
}
