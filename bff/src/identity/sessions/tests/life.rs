//! One session from sign-in to its end, in fair and foul weather.

use std::sync::atomic::Ordering;

use schemas::Id;
use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use super::{DAY, HOUR, MINUTE, TrialStore, member, sessions, signed_in, until};
use crate::{
    identity::{IdentityError, SessionPolicy, Sessions},
    store::{Entry, Space, Store},
    telemetry::unix_ms,
};

#[tokio::test]
async fn a_new_session_is_found_by_its_id_and_only_by_it() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    assert_eq!(id.len(), 43);
    let asked = store.gets.load(Ordering::SeqCst);
    let peeked = sessions.peek(id, now).expect("in memory");
    assert_eq!((peeked.user.as_str(), peeked.key), ("ada", made.session.key));
    assert_eq!(store.gets.load(Ordering::SeqCst), asked, "a warm look-up asks nobody");
    assert!(sessions.load(id, now).await.expect("the store answers").is_some());

    let other = signed_in(&sessions, "ada", now).await;
    assert_ne!(other.id.expose_secret(), id);
    let unknown = "A".repeat(43);
    assert!(sessions.lookup(&unknown, now).await.expect("the store answers").is_none());
    let asked = store.gets.load(Ordering::SeqCst);
    for malformed in ["", &id[1..], &format!("{id}A"), &format!("{}.", &id[..42]), &format!("{}é", &id[..41])]
    {
        assert!(sessions.lookup(malformed, now).await.expect("no question").is_none(), "{malformed}");
    }
    assert_eq!(store.gets.load(Ordering::SeqCst), asked, "a malformed id is no question for the store");
}

#[tokio::test]
async fn the_store_never_sees_an_id_and_a_restart_loses_nothing() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let made = signed_in(&sessions(&store), "ada", now).await;
    let id = made.id.expose_secret();
    let records = store.list_owned(Space::Sessions, "ada").await.expect("the store answers");
    assert_eq!(records.len(), 1);
    for (key, record) in &records {
        assert_eq!(key[..], made.session.key);
        assert!(!String::from_utf8_lossy(&record.value).contains(id));
    }
    let restarted = sessions(&store);
    assert!(restarted.peek(id, now).is_none());
    let loaded = restarted.load(id, now).await.expect("the store answers").expect("still signed in");
    assert_eq!(loaded.profile, member("ada"));
    assert_eq!((loaded.created_ms, loaded.absolute_end_ms), (now, now + 14 * DAY));
    assert_eq!(loaded.expires_at_ms(), now + HOUR);
    assert!(restarted.peek(id, now).is_some(), "from now on in memory");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_looking_does_not_extend_it() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    for at in [now, now + HOUR / 2, now + HOUR - 1] {
        assert!(sessions.peek(id, at).is_some());
        assert!(sessions.load(id, at).await.expect("the store answers").is_some());
    }
    assert!(sessions.peek(id, now + HOUR).is_none());
    assert!(sessions.load(id, now + HOUR).await.expect("the store answers").is_none());
    sessions.touch(&made.session, now + HOUR);
    assert!(sessions.lookup(id, now + HOUR).await.expect("the store answers").is_none(), "too late");
    assert_eq!(store.put_ifs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn use_moves_the_idle_end_and_never_the_absolute_one() {
    let (store, start) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", start).await;
    let id = made.id.expose_secret();
    let end = start + 14 * DAY;
    let mut now = start;
    for written in 1.. {
        now += HOUR - 1;
        if now >= end {
            break;
        }
        let session = sessions.lookup(id, now).await.expect("the store answers").expect("in use");
        sessions.touch(&session, now);
        assert_eq!(session.expires_at_ms(), (now + HOUR).min(end));
        until("the touch", || store.put_ifs.load(Ordering::SeqCst) == written).await;
        assert_eq!(session.absolute_end_ms, end);
    }
    assert!(sessions.lookup(id, end - 1).await.expect("the store answers").is_some());
    assert!(sessions.lookup(id, end).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn a_store_that_is_away_fails_no_request_of_a_known_session() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    store.is_away(true);
    sessions.touch(&made.session, now + MINUTE);
    until("the touch", || store.put_ifs.load(Ordering::SeqCst) == 1).await;
    until("the failure is noted", || {
        sessions.touch(&made.session, now + MINUTE + 5_000);
        store.put_ifs.load(Ordering::SeqCst) == 2
    })
    .await;
    assert!(sessions.peek(id, now + MINUTE).is_some());
    store.is_away(false);
    until("the store has heard of it", || {
        sessions.touch(&made.session, now + MINUTE + 10_000);
        store.put_ifs.load(Ordering::SeqCst) == 3
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_away_is_not_mistaken_for_an_ended_session() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.is_away(true);
    let unknown = sessions.load(&"A".repeat(43), now).await;
    assert!(unknown.is_err_and(|error| error.is_away()));
    assert!(matches!(sessions.list(&made.session.user, now).await, Err(IdentityError::Store(_))));
    let refused = sessions.create(&member("bo"), "", "", now).await;
    assert!(matches!(refused, Err(IdentityError::Store(_))));

    // Whether it ended is unknown: only the store may say so, once it is back.
    assert!(matches!(sessions.end(&made.session.key).await, Err(IdentityError::Store(_))));
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
    assert!(sessions.load(made.id.expose_secret(), now).await.is_err());
    store.is_away(false);
    assert!(sessions.load(made.id.expose_secret(), now).await.expect("back").is_some());
    store.is_away(true);
    assert!(sessions.end_all(&made.session.user, None).await.is_err());
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
}

#[tokio::test]
async fn all_sessions_but_one_end_and_other_users_stay() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let mine = [signed_in(&sessions, "ada", now).await, signed_in(&sessions, "ada", now).await];
    let kept = signed_in(&sessions, "ada", now).await;
    let other = signed_in(&sessions, "bo", now).await;
    let mut ended =
        sessions.end_all(&kept.session.user, Some(&kept.session.key)).await.expect("the store answers");
    let mut expected = [mine[0].session.key, mine[1].session.key];
    ended.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ended, expected);
    for gone in &mine {
        assert!(sessions.lookup(gone.id.expose_secret(), now).await.expect("the store answers").is_none());
    }
    for there in [&kept, &other] {
        assert!(sessions.peek(there.id.expose_secret(), now).is_some());
    }
    assert!(sessions.end(&kept.session.key).await.expect("the store answers"));
    assert!(!sessions.end(&kept.session.key).await.expect("the store answers"), "twice is no error");
}

#[tokio::test]
async fn the_end_of_all_sessions_reaches_those_that_the_store_has_lost() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    // A record that expires is not told by every store.
    store.is_unheard(true);
    store.inner.delete(Space::Sessions, &made.session.key).await.expect("the store answers");
    store.is_unheard(false);
    assert!(sessions.peek(made.id.expose_secret(), now).is_some());
    assert!(sessions.end_all(&made.session.user, None).await.expect("the store answers").is_empty());
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
}

#[tokio::test]
async fn a_list_shows_live_sessions_without_their_keys() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let old = signed_in(&sessions, "ada", now).await;
    let new = signed_in(&sessions, "ada", now + MINUTE).await;
    signed_in(&sessions, "bo", now).await;
    let ada = Id::new("ada").expect("an id");
    let listed = sessions.list(&ada, now + MINUTE).await.expect("the store answers");
    assert_eq!(listed, [new.session.summary(), old.session.summary()]);
    assert_ne!(listed[0].id, listed[1].id);
    assert_eq!((&*listed[0].client, &*listed[0].address), ("Firefox on Linux", "203.0.113.0/24"));
    assert_eq!((listed[1].created_ms, listed[1].last_seen_ms), (now, now));
    assert!(Id::new(&listed[0].id).is_ok_and(|id| id.as_str() != old.id.expose_secret()));
    let later = sessions.list(&ada, now + HOUR).await.expect("the store answers");
    assert_eq!(later, [new.session.summary()], "the older one has ended");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_no_session() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let stored = store.get(Space::Sessions, &made.session.key).await.expect("answers").expect("there");
    let json: serde_json::Value = serde_json::from_slice(&stored.value).expect("JSON");
    let mut newer = json.clone();
    newer["v"] = 2.into();
    for value in ["", "{}", "[1", "\u{0}", &newer.to_string()] {
        let entry =
            Entry { value: value.to_owned().into(), owner: Some("ada".into()), expires_at_ms: now + DAY };
        store.put(Space::Sessions, &made.session.key, entry).await.expect("the store answers");
        sessions.forget(&made.session.key);
        let found = sessions.load(made.id.expose_secret(), now).await.expect("the store answers");
        assert!(found.is_none(), "{value}");
        assert!(sessions.list(&made.session.user, now).await.expect("the store answers").is_empty());
    }
}

#[tokio::test]
async fn what_memory_has_no_room_for_is_read_again() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let policy = SessionPolicy { near_entries: 4, ..SessionPolicy::default() };
    let sessions = Sessions::new(store.clone(), policy, Handle::current(), std::sync::Arc::default());
    let mut made = Vec::new();
    for _ in 0..64 {
        made.push(signed_in(&sessions, "ada", now).await);
    }
    for session in &made {
        let found = sessions.lookup(session.id.expose_secret(), now).await.expect("the store answers");
        assert_eq!(found.expect("signed in").key, session.session.key);
    }
    assert!(sessions.near_entries() < 64);
}

#[test]
fn a_session_in_a_log_says_nothing_of_its_user() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let text = runtime.block_on(async {
        let store = TrialStore::new().await;
        format!("{:?}", signed_in(&sessions(&store), "ada", 1).await)
    });
    for secret in ["ada", "203.0", "Firefox"] {
        assert!(!text.contains(secret), "{text}");
    }
}
