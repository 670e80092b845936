//! The records in the store.

use std::sync::Arc;

use serde_json::json;

use super::super::{Attempt, IdToken, LogoutToken, Person, ProviderSessions, ReturnTo};
use super::{ISSUER, NOW};
use crate::{
    identity::{ProfileDocument, ProfileShape, SessionPolicy, Sessions},
    store::MemoryStore,
    telemetry::unix_ms,
};

fn member() -> Arc<ProfileDocument> {
    let member = json!({
        "id": "ada", "username": "ada", "displayName": "Ada", "avatarUrl": null, "bio": null,
        "createdAt": "2026-01-02T03:04:05Z", "email": ""
    });
    Arc::new(ProfileShape::open().read(member.to_string().as_bytes()).expect("a profile"))
}

fn id_token(subject: &str, sid: Option<&str>, issued_s: u64) -> IdToken {
    IdToken { subject: subject.into(), sid: sid.map(str::to_owned), issued_s, person: Person::default() }
}

fn attempt(begun_ms: u64) -> Attempt {
    Attempt::begin("x", ReturnTo::home(), begun_ms).expect("an attempt")
}

fn logout(subject: Option<&str>, sid: Option<&str>, issued_s: u64) -> LogoutToken {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (jti, expires_s) = ("j".into(), u64::MAX / 2000);
    LogoutToken { subject: text(subject), sid: text(sid), jti, issued_s, expires_s }
}

#[tokio::test]
async fn a_sign_out_finds_the_sessions_of_its_sid_or_of_its_subject() {
    let store = Arc::new(MemoryStore::new());
    let links = ProviderSessions::new(Arc::clone(&store) as _);
    let sessions =
        Sessions::new(store, SessionPolicy::default(), tokio::runtime::Handle::current(), Arc::default());
    let (member, now_ms) = (member(), unix_ms());
    let mut keys = Vec::new();
    for (issuer, subject, sid) in [
        (ISSUER, "ada", Some("s-1")),
        (ISSUER, "ada", Some("s-2")),
        (ISSUER, "ada", None),
        (ISSUER, "bo", Some("s-3")),
        ("https://other.example", "ada", Some("s-1")),
    ] {
        let session = sessions.create(&member, "", "", now_ms).await.expect("a session").session;
        assert!(
            links
                .link(issuer, &id_token(subject, sid, NOW), &attempt(now_ms), &session)
                .await
                .expect("linked")
        );
        keys.push(session.key);
    }
    let found = async |token: LogoutToken| {
        let mut found = links.sign_out(ISSUER, &token, now_ms).await.expect("looked up");
        found.sort_unstable();
        found
    };
    let sorted = |mut keys: Vec<_>| {
        keys.sort_unstable();
        keys
    };
    assert_eq!(
        found(logout(Some("ada"), Some("s-1"), NOW - 10)).await,
        sorted(vec![keys[0], keys[2]]),
        "nothing tells that the third one is of another session there"
    );
    assert_eq!(found(logout(Some("ada"), Some("s-9"), NOW - 10)).await, [keys[2]]);
    assert_eq!(found(logout(None, Some("s-1"), NOW - 10)).await, [keys[0]]);
    assert_eq!(found(logout(None, Some("s-3"), NOW - 10)).await, [keys[3]]);
    assert_eq!(found(logout(Some("ada"), None, NOW - 10)).await, sorted(keys[..3].to_vec()));
    assert!(found(logout(Some("eve"), None, NOW - 10)).await.is_empty());
    assert!(found(logout(None, Some("ada"), NOW - 10)).await.is_empty(), "a sid is no subject");
    links.unlink(&keys[0]).await.expect("unlinked");
    assert_eq!(found(logout(Some("ada"), None, NOW - 10)).await, sorted(keys[1..3].to_vec()));
}

#[tokio::test]
async fn a_sign_out_reaches_the_sign_in_that_it_overtakes() {
    let store = Arc::new(MemoryStore::new());
    let links = ProviderSessions::new(Arc::clone(&store) as _);
    let sessions =
        Sessions::new(store, SessionPolicy::default(), tokio::runtime::Handle::current(), Arc::default());
    let (member, now_ms) = (member(), unix_ms());
    let session = sessions.create(&member, "", "", now_ms).await.expect("a session").session;
    let under_way = attempt(now_ms - 1);
    let link = async |token: IdToken| links.link(ISSUER, &token, &under_way, &session).await.expect("linked");
    for (order, sid) in
        [(logout(None, Some("s-1"), NOW), Some("s-1")), (logout(Some("ada"), None, NOW), None)]
    {
        links.sign_out(ISSUER, &order, now_ms).await.expect("noted");
        assert!(!link(id_token("ada", sid, NOW - 1)).await, "the token is older than the order");
    }
    assert!(link(id_token("ada", Some("s-2"), NOW + 1)).await, "somebody signed in again");
    assert!(link(id_token("bo", Some("s-2"), NOW - 1)).await, "somebody else");
}

#[tokio::test]
async fn who_signs_in_again_in_the_second_of_the_sign_out_is_signed_in() {
    let store = Arc::new(MemoryStore::new());
    let links = ProviderSessions::new(Arc::clone(&store) as _);
    let sessions =
        Sessions::new(store, SessionPolicy::default(), tokio::runtime::Handle::current(), Arc::default());
    let (member, now_ms) = (member(), unix_ms());
    let session = sessions.create(&member, "", "", now_ms).await.expect("a session").session;
    for (order, sid) in
        [(logout(None, Some("s-1"), NOW), Some("s-1")), (logout(Some("ada"), None, NOW), None)]
    {
        links.sign_out(ISSUER, &order, now_ms).await.expect("noted");
        for (begun_ms, signed_in) in [(now_ms - 1, false), (now_ms, false), (now_ms + 1, true)] {
            let token = id_token("ada", sid, NOW);
            let linked = links.link(ISSUER, &token, &attempt(begun_ms), &session).await.expect("linked");
            assert_eq!(linked, signed_in, "{sid:?} {begun_ms} {now_ms}");
        }
    }
}

#[tokio::test]
async fn an_attempt_and_a_logout_token_count_once() {
    let links = ProviderSessions::new(Arc::new(MemoryStore::new()));
    let begin = || Attempt::begin("x", ReturnTo::home(), unix_ms()).expect("an attempt");
    let (one, other) = (begin(), begin());
    assert!(links.spend(&one).await.expect("a store"));
    assert!(!links.spend(&one).await.expect("a store"));
    assert!(links.spend(&other).await.expect("a store"));
    let token = logout(Some("ada"), None, NOW);
    assert!(!links.is_used(ISSUER, &token).await.expect("a store"));
    links.use_up(ISSUER, &token).await.expect("a store");
    assert!(links.is_used(ISSUER, &token).await.expect("a store"));
    assert!(!links.is_used("https://other.example", &token).await.expect("a store"));
}

#[tokio::test]
async fn a_sign_out_of_one_session_there_reaches_a_sign_in_without_a_sid_that_it_overtakes() {
    let store = Arc::new(MemoryStore::new());
    let links = ProviderSessions::new(Arc::clone(&store) as _);
    let sessions =
        Sessions::new(store, SessionPolicy::default(), tokio::runtime::Handle::current(), Arc::default());
    let (member, now_ms) = (member(), unix_ms());
    let session = sessions.create(&member, "", "", now_ms).await.expect("a session").session;
    links.sign_out(ISSUER, &logout(Some("ada"), Some("s-1"), NOW), now_ms).await.expect("noted");
    let under_way = attempt(now_ms - 1);
    for (subject, sid, signed_in) in
        [("ada", None, false), ("ada", Some("s-1"), false), ("ada", Some("s-2"), true), ("bo", None, true)]
    {
        let token = id_token(subject, sid, NOW - 1);
        let linked = links.link(ISSUER, &token, &under_way, &session).await.expect("linked");
        assert_eq!(linked, signed_in, "{subject} {sid:?}");
    }
}

#[tokio::test]
async fn a_renewed_session_keeps_its_links_and_an_order_that_it_overtakes_ends_it() {
    let store = Arc::new(MemoryStore::new());
    let links = ProviderSessions::new(Arc::clone(&store) as _);
    let sessions = Sessions::new(
        Arc::clone(&store) as _,
        SessionPolicy::default(),
        tokio::runtime::Handle::current(),
        Arc::default(),
    );
    let (member, now_ms) = (member(), unix_ms());
    for (subject, sid, order) in [
        ("ada", Some("s-1"), logout(None, Some("s-1"), NOW)),
        ("bo", Some("s-2"), logout(Some("bo"), None, NOW)),
        ("eve", None, logout(Some("eve"), Some("s-3"), NOW)),
    ] {
        let session = sessions.create(&member, "", "", now_ms).await.expect("a session").session;
        let linked = links.link(ISSUER, &id_token(subject, sid, NOW), &attempt(now_ms), &session).await;
        assert!(linked.expect("linked"));
        let new = sessions.renew(&session, now_ms).await.expect("a store").expect("renewed").session;
        let again = sessions.renew(&new, now_ms).await.expect("a store").expect("renewed").session;
        // It finds the latest one, and none that is over.
        assert_eq!(links.sign_out(ISSUER, &order, now_ms).await.expect("noted"), [again.key], "{sid:?}");
        // Whoever renews it before it is ended ends it.
        assert!(sessions.renew(&again, now_ms).await.expect("a store").is_none(), "{sid:?}");
        assert!(sessions.list(member.id(), now_ms).await.expect("a list").is_empty());
        for key in links.sign_out(ISSUER, &order, now_ms).await.expect("noted") {
            links.unlink(&key).await.expect("unlinked");
        }
    }
    // Somebody who signed in again afterwards is not meant.
    let later = now_ms + 10;
    let session = sessions.create(&member, "", "", later).await.expect("a session").session;
    let linked = links.link(ISSUER, &id_token("eve", None, NOW + 1), &attempt(later), &session).await;
    assert!(linked.expect("linked"));
    assert!(sessions.renew(&session, later).await.expect("a store").is_some());
}
