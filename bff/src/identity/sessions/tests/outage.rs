//! The near cache while the store does not tell of changes, or does not answer at all.

use std::{sync::atomic::Ordering, time::Duration};

use secrecy::ExposeSecret as _;
use tokio::time::advance;

use super::{TrialStore, member, sessions, signed_in, until};
use crate::{identity::IdentityError, telemetry::unix_ms};

const GRACE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn while_changes_go_unheard_each_look_up_asks_the_store() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&one, "ada", now).await;
    let id = made.id.expose_secret();
    store.disconnect(true);
    let asked = store.gets.load(Ordering::SeqCst);
    for nth in 1..=10 {
        assert!(one.peek(id, now).is_none());
        assert!(one.lookup(id, now).await.expect("answers").is_some());
        assert_eq!(store.gets.load(Ordering::SeqCst), asked + nth);
    }
    assert!(two.end(&made.session.key).await.expect("answers"));
    assert!(one.lookup(id, now).await.expect("answers").is_none(), "unheard, and yet at once");

    let other = signed_in(&one, "ada", now).await;
    store.disconnect(false);
    assert!(one.peek(other.id.expose_secret(), now).is_none(), "what was read before is not believed");
    assert!(one.lookup(other.id.expose_secret(), now).await.expect("answers").is_some());
    assert!(one.peek(other.id.expose_secret(), now).is_some(), "trusted again");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_bridged_from_memory_for_a_while() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret();
    advance(Duration::from_secs(600)).await;
    store.disconnect(true);
    store.is_away(true);
    let known = || async { sessions.lookup(id, now).await };
    assert!(known().await.expect("bridged").is_some());
    assert!(sessions.find(&made.session.key, now).await.expect("bridged").is_some());
    assert!(
        matches!(sessions.lookup(&"A".repeat(43), now).await, Err(IdentityError::Store(_))),
        "never seen"
    );
    advance(GRACE - Duration::from_millis(1)).await;
    assert!(known().await.expect("bridged").is_some());
    let refused = sessions.create(&member("bo"), "", "", now).await;
    assert!(matches!(refused, Err(IdentityError::Store(_))), "nothing new is made");
    advance(Duration::from_millis(1)).await;
    for _ in 0..3 {
        assert!(matches!(known().await, Err(IdentityError::Store(_))), "now nobody knows");
    }
    store.is_away(false);
    assert!(known().await.expect("answers").is_some(), "heals by itself, also before changes are heard");
    store.is_away(true);
    advance(GRACE / 2).await;
    assert!(known().await.expect("bridged").is_some(), "counted from the last answer of the store");
    store.is_away(false);
    store.disconnect(false);
    assert!(known().await.expect("answers").is_some());
    assert!(sessions.peek(id, now).is_some());
}

#[tokio::test(start_paused = true)]
async fn an_end_that_went_unheard_holds_after_the_grace_at_the_latest() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let (ended, other) = (signed_in(&one, "ada", now).await, signed_in(&one, "bo", now).await);
    store.disconnect(true);
    assert!(one.lookup(ended.id.expose_secret(), now).await.expect("answers").is_some());
    assert!(two.end(&ended.session.key).await.expect("answers"));
    // The store goes on answering for others, and only then is away.
    advance(GRACE).await;
    assert!(one.lookup(other.id.expose_secret(), now).await.expect("answers").is_some());
    store.is_away(true);
    let refused = one.lookup(ended.id.expose_secret(), now).await;
    assert!(matches!(refused, Err(IdentityError::Store(_))), "{refused:?}");
    assert!(one.lookup(other.id.expose_secret(), now).await.expect("bridged").is_some());
}

#[tokio::test]
async fn neither_an_ended_nor_an_expired_session_is_bridged() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let (ended, idle) = (signed_in(&sessions, "ada", now).await, signed_in(&sessions, "ada", now).await);
    store.disconnect(true);
    store.is_away(true);
    assert!(sessions.lookup(idle.id.expose_secret(), now).await.expect("bridged").is_some());
    let late = now + super::HOUR;
    assert!(sessions.lookup(idle.id.expose_secret(), late).await.expect("bridged").is_none());
    // Whether it ended is unknown, but who asked for it must not find it again.
    assert!(sessions.end(&ended.session.key).await.is_err());
    assert!(matches!(sessions.lookup(ended.id.expose_secret(), now).await, Err(IdentityError::Store(_))));
    assert!(sessions.end_all(&idle.session.user, None).await.is_err());
    assert!(matches!(sessions.lookup(idle.id.expose_secret(), now).await, Err(IdentityError::Store(_))));
}

#[tokio::test]
async fn what_was_read_before_the_store_was_heard_again_is_not_kept() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&two, "ada", now).await;
    let id = made.id.expose_secret().to_owned();
    store.disconnect(true);
    store.after_get.close();
    let reader = tokio::spawn({
        let (one, id) = (one.clone(), id.clone());
        async move { one.load(&id, now).await }
    });
    store.after_get.somebody_arrived().await;
    assert!(two.end(&made.session.key).await.expect("answers"));
    store.disconnect(false);
    store.after_get.open();
    assert!(reader.await.expect("no panic").expect("answers").is_none());
    assert!(one.peek(&id, now).is_none());
}

#[tokio::test]
async fn who_has_just_signed_in_goes_on_without_having_asked_for_anything() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = sessions.create(&member("ada"), "", "", now).await.expect("a session");
    let renewed = sessions.renew(&made.session, now).await.expect("answers").expect("a session");
    store.disconnect(true);
    store.is_away(true);
    assert!(sessions.lookup(renewed.id.expose_secret(), now).await.expect("bridged").is_some());
    let replaced = sessions.lookup(made.id.expose_secret(), now).await;
    assert!(matches!(replaced, Err(IdentityError::Store(_))), "{replaced:?}");
}

#[tokio::test]
async fn a_session_that_has_just_been_extended_is_held_everywhere_all_the_same() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&one, "ada", now).await;
    let id = made.id.expose_secret();
    assert!(two.lookup(id, now).await.expect("answers").is_some());
    let later = now + 2 * super::MINUTE;
    one.touch(&made.session, later);
    // Nobody asks for it after that.
    for replica in [&one, &two] {
        let extended = || replica.peek(id, later).is_some_and(|session| session.last_seen_ms() == later);
        until("the extended session", extended).await;
    }
    store.disconnect(true);
    store.is_away(true);
    for replica in [&one, &two] {
        assert!(replica.lookup(id, later).await.expect("bridged").is_some());
    }
}
