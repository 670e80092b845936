//! Refreshes, look-ups and endings of one family at the same moment.

use std::sync::{Arc, atomic::Ordering};

use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;

use super::{Bench, MINUTE, SECOND, texts};
use crate::{
    identity::{IdentityError, RefreshError, sessions::tests::member},
    store::{Space, Store as _},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_refreshes_at_once_on_two_replicas_one_makes_the_successor() {
    let Bench { store, one, two, now, .. } = Bench::new().await;
    let mut pair = one.issue("ada", now).await;
    for round in 1..=20 {
        let mut tasks = JoinSet::new();
        for caller in 0..50 {
            let replica = Arc::clone(if caller % 2 == 0 { &one } else { &two });
            let token = pair.refresh_token.expose_secret().to_owned();
            tasks.spawn(async move { replica.tokens.refresh(&token, false, now + round * MINUTE).await });
        }
        let pairs = tasks.join_all().await.into_iter().collect::<Result<Vec<_>, _>>().expect("fifty pairs");
        assert!(pairs.iter().all(|other| texts(other) == texts(&pairs[0])));
        pair = pairs.into_iter().next().expect("a pair");
        let record =
            store.get(Space::RefreshFamilies, &pair.session.key).await.expect("answers").expect("there");
        let json: serde_json::Value = serde_json::from_slice(&record.value).expect("JSON");
        assert_eq!(json["generation"], round);
    }
}

#[tokio::test]
async fn a_refresh_that_was_overtaken_gets_the_pair_of_the_one_that_was_first() {
    let Bench { store, one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    store.before_put_if.close();
    let slow = tokio::spawn({
        let (one, token) = (Arc::clone(&one), first.refresh_token.expose_secret().to_owned());
        async move { one.tokens.refresh(&token, false, now).await }
    });
    store.before_put_if.somebody_arrived().await;
    let fast = two.refresh(&first, now + SECOND).await.expect("a pair");
    store.before_put_if.open();
    let slow = slow.await.expect("no panic").expect("a pair");
    assert_eq!(texts(&slow), texts(&fast));
}

#[tokio::test]
async fn a_refresh_under_way_does_not_bring_an_ended_family_back() {
    for all in [false, true] {
        let Bench { store, one, two, now, .. } = Bench::new().await;
        let first = one.issue("ada", now).await;
        assert!(one.admits(&first, now).await);
        store.before_put_if.close();
        let refresher = tokio::spawn({
            let (one, token) = (Arc::clone(&one), first.refresh_token.expose_secret().to_owned());
            async move { one.tokens.refresh(&token, false, now).await }
        });
        store.before_put_if.somebody_arrived().await;
        if all {
            let ended = two.sessions.end_all(&first.session.user, None).await.expect("answers");
            assert_eq!(ended, [first.session.key]);
        } else {
            assert!(two.sessions.end(&first.session.key).await.expect("answers"));
        }
        assert!(one.tokens.peek_access(first.access_token.expose_secret(), now).is_none(), "at once");
        store.before_put_if.open();
        let refused = refresher.await.expect("no panic");
        assert!(matches!(refused, Err(RefreshError::Invalid)), "{refused:?}");
        assert!(!one.admits(&first, now).await && !two.admits(&first, now).await);
        assert!(one.sessions.list(member("ada").id(), now).await.expect("answers").is_empty());
    }
}

#[tokio::test]
async fn a_look_up_under_way_does_not_bring_an_ended_family_back() {
    let Bench { store, one, two, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    store.after_get.close();
    let reader = tokio::spawn({
        let (one, access) = (Arc::clone(&one), pair.access_token.expose_secret().to_owned());
        async move { one.tokens.load_access(&access, now).await }
    });
    store.after_get.somebody_arrived().await;
    let token = pair.refresh_token.expose_secret();
    assert!(two.tokens.revoke(token, now).await.expect("answers").is_some());
    store.after_get.open();
    let found = reader.await.expect("no panic").expect("answers");
    assert!(found.is_none(), "even the look-up that had read it looks again");
    assert!(one.tokens.peek_access(pair.access_token.expose_secret(), now).is_none());
}

#[tokio::test]
async fn a_refresh_whose_write_was_not_confirmed_is_repeated_without_harm() {
    let Bench { store, one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    store.loses_an_answer();
    let unknown = one.refresh(&first, now).await;
    assert!(matches!(unknown, Err(RefreshError::Identity(IdentityError::Store(_)))), "{unknown:?}");
    let second = two.refresh(&first, now + SECOND).await.expect("a pair");
    let again = one.refresh(&first, now + 2 * SECOND).await.expect("a pair");
    assert_eq!(texts(&again), texts(&second));
    assert_eq!(store.put_ifs.load(Ordering::SeqCst), 1, "the write had happened");
    assert!(one.refresh(&second, now + MINUTE).await.is_ok());
}

#[tokio::test]
async fn the_end_by_reuse_goes_on_when_the_caller_hangs_up() {
    let Bench { store, one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now).await.expect("a pair");
    assert!(two.admits(&second, now).await);
    store.before_delete.close();
    let caller = tokio::spawn({
        let (one, token) = (Arc::clone(&one), first.refresh_token.expose_secret().to_owned());
        async move { one.tokens.refresh(&token, false, now + MINUTE).await }
    });
    store.before_delete.somebody_arrived().await;
    caller.abort();
    assert!(caller.await.expect_err("hung up").is_cancelled());
    store.before_delete.open();
    let access = second.access_token.expose_secret();
    crate::identity::sessions::tests::until("ended", || two.tokens.peek_access(access, now).is_none()).await;
    assert!(!two.admits(&second, now).await);
}

#[tokio::test]
async fn with_the_store_away_known_tokens_go_on_and_nothing_new_is_made() {
    let Bench { store, one, two, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    assert!(one.admits(&pair, now).await);
    store.disconnect(true);
    store.is_away(true);
    let access = pair.access_token.expose_secret();
    assert!(one.tokens.peek_access(access, now).is_none(), "not unasked");
    assert!(one.tokens.load_access(access, now).await.expect("bridged").is_some());
    assert!(two.tokens.load_access(access, now).await.is_err(), "never seen there");
    let failed = one.refresh(&pair, now).await;
    assert!(matches!(failed, Err(RefreshError::Identity(IdentityError::Store(_)))), "{failed:?}");
    assert!(one.tokens.issue(&member("ada"), "app", "here", false, now).await.is_err());
    assert!(one.tokens.revoke(pair.refresh_token.expose_secret(), now).await.is_err());
    store.is_away(false);
    store.disconnect(false);
    assert!(one.refresh(&pair, now).await.is_ok(), "a failed refresh has spent nothing");
}
