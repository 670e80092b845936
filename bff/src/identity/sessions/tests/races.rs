//! Look-ups, touches and sign-outs of the same sessions at the same time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use secrecy::ExposeSecret;
use tokio::runtime::Handle;

use super::{MINUTE, TrialStore, member, sessions, signed_in, until};
use crate::{
    identity::{SessionPolicy, Sessions},
    telemetry::unix_ms,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_at_once_one_touches() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    sessions.touch(&made.session, now + MINUTE - 1);
    let later = now + MINUTE;
    let askers: Vec<_> = (0..64)
        .map(|_| {
            let (sessions, session) = (sessions.clone(), Arc::clone(&made.session));
            tokio::spawn(async move { sessions.touch(&session, later) })
        })
        .collect();
    for asker in askers {
        asker.await.expect("no panic");
    }
    until("the touch", || store.put_ifs.load(Ordering::SeqCst) == 1).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(store.put_ifs.load(Ordering::SeqCst), 1);
    let stored = Sessions::new(store.clone(), SessionPolicy::default(), Handle::current(), Arc::default())
        .load(made.id.expose_secret(), later)
        .await
        .expect("the store answers")
        .expect("signed in");
    assert_eq!(stored.last_seen_ms(), later);
}

#[tokio::test]
async fn a_touch_under_way_does_not_bring_an_ended_session_back() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.before_put_if.close();
    sessions.touch(&made.session, now + MINUTE);
    store.before_put_if.somebody_arrived().await;
    assert!(sessions.end(&made.session.key).await.expect("the store answers"));
    let asked = store.gets.load(Ordering::SeqCst);
    store.before_put_if.open();
    until("the touch gives up", || store.gets.load(Ordering::SeqCst) > asked).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert!(sessions.lookup(made.id.expose_secret(), now).await.expect("the store answers").is_none());
    }
    assert!(sessions.list(member("ada").id(), now).await.expect("the store answers").is_empty());
}

#[tokio::test]
async fn a_look_up_under_way_does_not_bring_an_ended_session_back() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    let id = made.id.expose_secret().to_owned();
    sessions.forget(&made.session.key);
    store.after_get.close();
    let reader = tokio::spawn({
        let (sessions, id) = (sessions.clone(), id.clone());
        async move { sessions.load(&id, now).await }
    });
    store.after_get.somebody_arrived().await;
    assert!(sessions.end(&made.session.key).await.expect("the store answers"));
    store.after_get.open();
    let found = reader.await.expect("no panic").expect("the store answers");
    assert!(found.is_none(), "even the look-up that had read it looks again");
    assert!(sessions.peek(&id, now).is_none());
}

#[tokio::test]
async fn a_sign_in_under_way_does_not_outlive_the_end_of_all_sessions() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    store.after_put.close();
    let maker = tokio::spawn({
        let sessions = sessions.clone();
        async move { signed_in(&sessions, "ada", now).await }
    });
    store.after_put.somebody_arrived().await;
    assert_eq!(sessions.end_all(member("ada").id(), None).await.expect("the store answers").len(), 1);
    store.after_put.open();
    let made = maker.await.expect("no panic");
    assert!(sessions.peek(made.id.expose_secret(), now).is_none());
    assert!(sessions.load(made.id.expose_secret(), now).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn a_sign_out_goes_on_when_the_caller_hangs_up() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let sessions = sessions(&store);
    let made = signed_in(&sessions, "ada", now).await;
    store.before_delete.close();
    let caller = tokio::spawn({
        let (sessions, key) = (sessions.clone(), made.session.key);
        async move { sessions.end(&key).await }
    });
    store.before_delete.somebody_arrived().await;
    caller.abort();
    assert!(caller.await.expect_err("hung up").is_cancelled());
    store.before_delete.open();
    until("signed out", || sessions.peek(made.id.expose_secret(), now).is_none()).await;
    assert!(sessions.load(made.id.expose_secret(), now).await.expect("the store answers").is_none());
}

#[tokio::test]
async fn two_replicas_on_one_store_agree() {
    let (store, now) = (TrialStore::new().await, unix_ms());
    let (one, two) = (sessions(&store), sessions(&store));
    let made = signed_in(&one, "ada", now).await;
    let id = made.id.expose_secret();
    let there = two.load(id, now).await.expect("the store answers").expect("signed in");
    // Both move the idle end; the second one finds a newer record than the one it mirrors.
    one.touch(&made.session, now + MINUTE);
    until("the first touch", || store.put_ifs.load(Ordering::SeqCst) == 1).await;
    two.touch(&there, now + 2 * MINUTE);
    until("the second touch and its second try", || store.put_ifs.load(Ordering::SeqCst) == 3).await;
    one.forget(&made.session.key);
    let mut seen = 0;
    for _ in 0..1000 {
        seen = one
            .load(id, now + 3 * MINUTE)
            .await
            .expect("the store answers")
            .expect("signed in")
            .last_seen_ms();
        if seen == now + 2 * MINUTE {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(seen, now + 2 * MINUTE);

    assert!(two.end(&made.session.key).await.expect("the store answers"));
    one.forget(&made.session.key);
    assert!(one.lookup(id, now).await.expect("the store answers").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn once_a_session_has_ended_nobody_finds_it() {
    const ROUNDS: usize = 60;
    const USERS: usize = 4;
    let (store, now) = (TrialStore::new().await, unix_ms());
    // Touches are due at once, so that they race as well; memory is small, so that sessions come and go.
    let policy = SessionPolicy { touch_every: Duration::ZERO, near_entries: 3, ..SessionPolicy::default() };
    let sessions = Sessions::new(store.clone(), policy, Handle::current(), Arc::default());
    for round in 0..ROUNDS {
        let mut made = Vec::new();
        for user in 0..USERS {
            made.push(Arc::new(signed_in(&sessions, &format!("user-{user}"), now).await));
        }
        let ended: Arc<Vec<AtomicBool>> = Arc::new((0..USERS).map(|_| AtomicBool::new(false)).collect());
        let mut tasks = tokio::task::JoinSet::new();
        for reader in 0..4 {
            let (sessions, made, ended) = (sessions.clone(), made.clone(), Arc::clone(&ended));
            tasks.spawn(async move {
                for step in 0..400 {
                    let index = (reader + step) % USERS;
                    let id = made[index].id.expose_secret();
                    if step % 7 == 0 {
                        sessions.forget(&made[index].session.key);
                    }
                    let over = ended[index].load(Ordering::SeqCst);
                    let peeked = sessions.peek(id, now);
                    let loaded =
                        if step % 3 == 0 { sessions.load(id, now).await.expect("answers") } else { None };
                    assert!(!over || (peeked.is_none() && loaded.is_none()), "found after its end");
                    if let Some(session) = peeked.or(loaded) {
                        sessions.touch(&session, now + step as u64);
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        for index in 0..USERS {
            let (sessions, made, ended) = (sessions.clone(), made.clone(), Arc::clone(&ended));
            tasks.spawn(async move {
                for _ in 0..(round * 3 + index) {
                    tokio::task::yield_now().await;
                }
                let session = &made[index].session;
                if index % 2 == 0 {
                    assert!(sessions.end(&session.key).await.expect("answers"));
                } else {
                    assert_eq!(sessions.end_all(&session.user, None).await.expect("answers"), [session.key]);
                }
                ended[index].store(true, Ordering::SeqCst);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic");
        }
        for gone in &made {
            assert!(sessions.lookup(gone.id.expose_secret(), now).await.expect("answers").is_none());
        }
    }
}
