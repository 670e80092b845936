//! Endings of both kinds of sign-in, on every replica.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use schemas::Id;
use secrecy::ExposeSecret as _;

use super::{DAY, HOUR, MINUTE, TrialStore, member, sessions, signed_in};
use crate::{
    identity::{Ended, ProfileShape, Session, SessionKey, SessionKind, Sessions, families::Family},
    store::{Space, Store as _},
    telemetry::unix_ms,
};

/// What a replica is told of endings.
fn told(sessions: &Sessions) -> Arc<Mutex<Vec<Ended>>> {
    let told: Arc<Mutex<Vec<Ended>>> = Arc::default();
    let list = Arc::clone(&told);
    sessions.on_end(move |ended| list.lock().push(ended.clone()));
    told
}

/// An app's sign-in, as far as the registry knows one.
async fn app(store: &TrialStore, user: &str, key: SessionKey, now_ms: u64) -> SessionKey {
    let record = serde_json::json!({
        "v": 1, "user": member(user), "created_ms": now_ms, "last_seen_ms": now_ms, "absolute_end_ms": now_ms + DAY,
        "client": "Orders 1.2 on Pixel", "address": "203.0.113.0/24", "cookie": false, "generation": 0,
        "current": "A".repeat(43), "rotations": []
    });
    let entry = crate::store::Entry {
        value: Bytes::from(record.to_string()),
        owner: Some(user.into()),
        expires_at_ms: now_ms + DAY,
    };
    store.put(Space::RefreshFamilies, &key, entry).await.expect("the store answers");
    key
}

async fn found(sessions: &Sessions, key: &SessionKey, now_ms: u64) -> Option<Arc<Session>> {
    sessions.find(key, now_ms).await.expect("the store answers")
}

#[tokio::test]
async fn an_end_reaches_every_replica_once_and_takes_the_session_from_memory() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let (told_one, told_two) = (told(&one), told(&two));
    let also_told = told(&two);
    let browser = signed_in(&one, "ada", now).await.session.key;
    let app = app(&store, "ada", [7; 32], now).await;
    for (key, kind) in [(browser, SessionKind::Browser), (app, SessionKind::App)] {
        assert_eq!(found(&two, &key, now).await.expect("signed in").kind, kind);
        assert!(one.end(&key).await.expect("the store answers"));
        assert!(two.inner.cache_sync.near.last_known(&key).is_none(), "at once");
        assert!(found(&two, &key, now).await.is_none());
        let ended = Ended { key, user: Id::new("ada").expect("an id") };
        for told in [&told_one, &told_two, &also_told] {
            assert_eq!(*told.lock(), std::slice::from_ref(&ended));
            told.lock().clear();
        }
        assert!(!two.end(&key).await.expect("the store answers"), "once");
        assert!(told_one.lock().is_empty());
    }
}

#[tokio::test]
async fn an_end_is_told_also_where_only_the_message_arrives() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&one, "ada", now).await;
    let key = made.session.key;
    assert!(found(&two, &key, now).await.is_some());
    let told = told(&two);
    // What other parts of the gateway, other releases, or strangers on the same store publish.
    for noise in
        [&b""[..], b"e", b"e{}", b"d{\"from\":1}", b"\xff\xfe", b"e{\"from\":1,\"user\":\"\",\"keys\":[]}"]
    {
        store.publish(Bytes::from_static(noise)).await.expect("the store answers");
    }
    assert!(told.lock().is_empty() && two.peek(made.id.expose_secret(), now).is_some());
    store.loses_changes(true);
    assert!(one.end(&key).await.expect("the store answers"));
    store.loses_changes(false);
    assert_eq!(told.lock().len(), 1);
    assert!(two.peek(made.id.expose_secret(), now).is_none());
}

#[tokio::test]
async fn an_end_that_cannot_be_told_is_an_end_all_the_same() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&one, "ada", now).await;
    assert!(found(&two, &made.session.key, now).await.is_some());
    store.cannot_publish(true);
    assert!(one.end(&made.session.key).await.expect("ended"));
    for replica in [&one, &two] {
        assert!(replica.lookup(made.id.expose_secret(), now).await.expect("the store answers").is_none());
    }
}

#[tokio::test]
async fn the_end_of_all_spares_one_and_other_users() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let ada = Id::new("ada").expect("an id");
    let here = signed_in(&one, "ada", now).await.session.key;
    let there = signed_in(&two, "ada", now).await.session.key;
    let phone = app(&store, "ada", [1; 32], now).await;
    let tablet = app(&store, "ada", [2; 32], now).await;
    let other = app(&store, "bo", [3; 32], now).await;
    for key in [here, there, phone, tablet, other] {
        assert!(found(&one, &key, now).await.is_some() && found(&two, &key, now).await.is_some());
    }
    let told = told(&two);
    let mut ended = one.end_all(&ada, Some(&phone)).await.expect("the store answers");
    let mut expected = [here, there, tablet];
    ended.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ended, expected);
    let mut heard: Vec<_> = told.lock().iter().map(|ended| ended.key).collect();
    heard.sort_unstable();
    assert_eq!(heard, expected);
    for replica in [&one, &two] {
        for (key, left) in [(here, false), (there, false), (tablet, false), (phone, true), (other, true)] {
            assert_eq!(found(replica, &key, now).await.is_some(), left);
        }
    }
    assert_eq!(two.end_all(&ada, None).await.expect("the store answers"), [phone]);
}

#[tokio::test]
async fn an_end_of_what_was_made_before_spares_what_came_later() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let ada = Id::new("ada").expect("an id");
    let own = signed_in(&one, "ada", now - 2).await.session.key;
    let old = signed_in(&two, "ada", now - 1).await.session.key;
    let new = signed_in(&one, "ada", now).await.session.key;
    let old_phone = app(&store, "ada", [1; 32], now - 1).await;
    let new_phone = app(&store, "ada", [2; 32], now).await;
    let other = app(&store, "bo", [3; 32], now - 1).await;
    for key in [own, old, new, old_phone, new_phone, other] {
        assert!(found(&one, &key, now).await.is_some() && found(&two, &key, now).await.is_some());
    }
    assert_eq!(one.end_made_before(&ada, now, Some(&own)).await.expect("the store answers"), 2);
    for replica in [&one, &two] {
        for (key, left) in
            [(own, true), (old, false), (new, true), (old_phone, false), (new_phone, true), (other, true)]
        {
            assert_eq!(found(replica, &key, now).await.is_some(), left);
        }
    }
    // Once more, as a job is carried out once more: nothing is left to end.
    assert_eq!(two.end_made_before(&ada, now, Some(&own)).await.expect("the store answers"), 0);
}

#[tokio::test]
async fn a_list_shows_both_kinds_and_one_of_them_can_be_ended_by_its_owner_alone() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let (ada, bo) = (Id::new("ada").expect("an id"), Id::new("bo").expect("an id"));
    let browser = signed_in(&one, "ada", now).await.session.key;
    let phone = app(&store, "ada", [1; 32], now + MINUTE).await;
    let listed = two.list(&ada, now + MINUTE).await.expect("the store answers");
    assert_eq!(
        listed.iter().map(|line| line.kind).collect::<Vec<_>>(),
        [SessionKind::App, SessionKind::Browser]
    );
    assert_eq!((&*listed[0].client, listed[0].last_seen_ms), ("Orders 1.2 on Pixel", now + MINUTE));
    let later = two.list(&ada, now + 2 * HOUR).await.expect("the store answers");
    assert_eq!(later.len(), 1, "an app has no idle end");

    assert_eq!(one.end_listed(&bo, &listed[0].id).await.expect("the store answers"), None);
    assert_eq!(one.end_listed(&ada, "unknown").await.expect("the store answers"), None);
    for (line, key) in listed.iter().zip([phone, browser]) {
        assert!(found(&two, &key, now).await.is_some());
        assert_eq!(one.end_listed(&ada, &line.id).await.expect("the store answers"), Some(key));
        assert_eq!(one.end_listed(&ada, &line.id).await.expect("the store answers"), None);
        assert!(found(&two, &key, now).await.is_none());
    }
}

#[tokio::test]
async fn a_new_profile_reaches_both_kinds_and_changes_nothing_else() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let browser = signed_in(&one, "ada", now).await.session.key;
    let phone = app(&store, "ada", [1; 32], now).await;
    let before = store.get(Space::RefreshFamilies, &phone).await.expect("answers").expect("there");
    let renamed = member("ada").json().get().replace("밥 Ada", "Ada L.");
    let ada = Arc::new(ProfileShape::open().read(renamed.as_bytes()).expect("a profile"));
    for key in [browser, phone] {
        assert!(found(&two, &key, now).await.is_some());
    }
    one.refresh_profile(&ada).await.expect("the store answers");
    for key in [browser, phone] {
        let session = found(&two, &key, now).await.expect("signed in");
        assert_eq!((&session.profile, session.profile.display_name()), (&ada, Some("Ada L.")));
    }
    let after = store.get(Space::RefreshFamilies, &phone).await.expect("answers").expect("there");
    let mut family = Family::of(&after).expect("a family");
    family.user = member("ada");
    let same: serde_json::Value =
        serde_json::from_slice(&family.entry().expect("a record").value).expect("JSON");
    let before: serde_json::Value = serde_json::from_slice(&before.value).expect("JSON");
    assert_eq!(same, before);
}

#[tokio::test]
async fn a_renewed_session_has_a_new_id_and_the_old_end() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let old = signed_in(&one, "ada", now).await;
    let told = told(&two);
    let later = now + HOUR / 2;
    let new = one.renew(&old.session, later).await.expect("the store answers").expect("renewed");
    assert_ne!(new.id.expose_secret(), old.id.expose_secret());
    assert_eq!(new.session.absolute_end_ms, old.session.absolute_end_ms);
    assert_eq!((new.session.created_ms, new.session.expires_at_ms()), (later, later + HOUR));
    for replica in [&one, &two] {
        assert!(replica.lookup(old.id.expose_secret(), later).await.expect("answers").is_none());
        assert!(replica.lookup(new.id.expose_secret(), later).await.expect("answers").is_some());
    }
    assert_eq!(told.lock().iter().map(|ended| ended.key).collect::<Vec<_>>(), [old.session.key]);

    let phone = found(&one, &app(&store, "ada", [1; 32], now).await, now).await.expect("signed in");
    assert!(one.renew(&phone, now).await.expect("the store answers").is_none(), "it bears no id");
    assert!(found(&one, &phone.key, now).await.is_some());
}

#[tokio::test]
async fn an_ended_session_is_not_brought_back_by_renewing_it() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let ada = Id::new("ada").expect("an id");
    let old = signed_in(&one, "ada", now).await;
    assert!(two.end(&old.session.key).await.expect("the store answers"));
    assert!(one.renew(&old.session, now).await.expect("the store answers").is_none());
    assert!(one.list(&ada, now).await.expect("the store answers").is_empty());

    // All are ended after the new one was made and before the old one goes.
    let old = signed_in(&one, "ada", now).await;
    store.after_put.close();
    let renewing = tokio::spawn({
        let (one, session) = (one.clone(), Arc::clone(&old.session));
        async move { one.renew(&session, now).await }
    });
    store.after_put.somebody_arrived().await;
    assert_eq!(two.end_all(&ada, None).await.expect("the store answers").len(), 2);
    store.after_put.open();
    assert!(renewing.await.expect("no panic").expect("the store answers").is_none());
    assert!(one.list(&ada, now).await.expect("the store answers").is_empty());
}
