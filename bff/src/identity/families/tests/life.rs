//! One family from sign-in to its end.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;

use super::{Bench, DAY, MINUTE, SECOND, texts};
use crate::{
    identity::{
        Ended, RefreshError, SessionKind,
        sessions::tests::{member, until},
    },
    store::{Entry, Space, Store as _},
};

#[tokio::test]
async fn an_access_token_is_good_for_a_quarter_of_an_hour_on_every_replica() {
    let Bench { one, two, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    assert_eq!((pair.expires_in_s, pair.absolute_end_ms), (900, now + 14 * DAY));
    assert_eq!((pair.session.kind, pair.session.user.as_str()), (SessionKind::App, "ada"));
    let access = pair.access_token.expose_secret();
    for replica in [&one, &two] {
        assert!(replica.tokens.peek_access(access, now).is_none(), "not seen yet");
        let loaded = replica.tokens.load_access(access, now).await.expect("answers").expect("signed in");
        assert_eq!((loaded.key, &loaded.profile), (pair.session.key, &member("ada")));
        let end = (now / SECOND + 900) * SECOND;
        for (at, good) in [(now, true), (end - 1, true), (end, false), (end + DAY, false)] {
            assert_eq!(replica.tokens.peek_access(access, at).is_some(), good);
            assert_eq!(replica.admits(&pair, at).await, good);
        }
    }
}

#[tokio::test]
async fn a_known_access_token_asks_nobody() {
    let Bench { store, one, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    assert!(one.admits(&pair, now).await);
    let asked = store.gets.load(std::sync::atomic::Ordering::SeqCst);
    for _ in 0..100 {
        let session = one.tokens.peek_access(pair.access_token.expose_secret(), now).expect("in memory");
        one.sessions.touch(&session, now + MINUTE);
    }
    assert_eq!(store.gets.load(std::sync::atomic::Ordering::SeqCst), asked);
    assert_eq!(store.put_ifs.load(std::sync::atomic::Ordering::SeqCst), 0, "its use is written by refreshes");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_ten_seconds_also_where_its_successor_was_spent() {
    let Bench { one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let at = now + MINUTE + 1;
    let second = one.refresh(&first, at).await.expect("a pair");
    let third = two.refresh(&second, at + SECOND).await.expect("a pair");
    for (on, later) in [(&one, 0), (&two, 0), (&two, 10 * SECOND - 1)] {
        let again = on.refresh(&first, at + later).await.expect("the same pair");
        assert_eq!((texts(&again), again.expires_in_s), (texts(&second), 900));
    }
    let again = one.refresh(&second, at + 10 * SECOND).await.expect("the same pair");
    assert_eq!(texts(&again), texts(&third));
    for pair in [&first, &second, &third] {
        assert!(one.admits(pair, at).await && two.admits(pair, at).await, "access tokens live on");
    }
}

#[tokio::test]
async fn an_answer_that_never_arrived_is_given_again_however_late() {
    let Bench { store, one, two, keys, now } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let lost = one.refresh(&first, now + MINUTE).await.expect("a pair");
    let mut given = vec![texts(&lost).0];
    for (on, at) in [(&one, now + 2 * MINUTE), (&two, now + DAY), (&one, now + 14 * DAY - MINUTE)] {
        let again = on.refresh(&first, at).await.expect("the same refresh token");
        let (access, refresh) = texts(&again);
        assert_eq!((&refresh, again.absolute_end_ms), (&texts(&lost).1, now + 14 * DAY));
        assert!(!given.contains(&access), "a new access token");
        assert_eq!(again.expires_in_s, if at == now + 14 * DAY - MINUTE { 60 } else { 900 });
        given.push(access);
    }
    // A gateway that was started later knows no more than the record.
    let later = super::Replica::new(store, keys.path(), "secret");
    let again = later.refresh(&first, now + 2 * DAY).await.expect("the same refresh token");
    assert_eq!(texts(&again).1, texts(&lost).1);
    let counted = one.metrics.encode();
    assert!(counted.contains(r#"bff_token_refreshes_total{outcome="repeated_late"} 2"#), "{counted}");
    assert!(matches!(one.refresh(&first, now + 14 * DAY).await, Err(RefreshError::Invalid)));
    assert!(two.refresh(&lost, now + 2 * DAY).await.is_ok(), "the successor itself is as good as ever");
    let reused = two.refresh(&first, now + 2 * DAY).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "until it was used: {reused:?}");
}

#[tokio::test]
async fn an_answer_whose_access_token_is_used_has_arrived() {
    for late in [false, true] {
        let Bench { store, one, two, now, .. } = Bench::new().await;
        let first = one.issue("ada", now).await;
        let mut second = one.refresh(&first, now).await.expect("a pair");
        if late {
            second = two.refresh(&first, now + MINUTE).await.expect("the same refresh token");
        }
        let at = now + 2 * MINUTE;
        assert!(one.admits(&first, at).await, "an older access token says nothing");
        assert!(two.refresh(&first, at).await.is_ok());
        let access = second.access_token.expose_secret();
        assert!(two.tokens.load_access(access, at).await.expect("answers").is_some());
        let writes = store.put_ifs.load(std::sync::atomic::Ordering::SeqCst);
        for replica in [&one, &two] {
            assert!(replica.tokens.load_access(access, at).await.expect("answers").is_some());
        }
        let after = store.put_ifs.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!(writes, after, "written once, whoever sees it next");
        let reused = one.refresh(&first, at).await;
        assert!(matches!(reused, Err(RefreshError::Reused)), "{reused:?}");
        assert!(!one.admits(&second, at).await);
    }
}

#[tokio::test]
async fn a_store_that_is_away_keeps_nobody_from_using_a_new_access_token() {
    let Bench { store, one, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now).await.expect("a pair");
    let held = || one.sessions.inner.cache_sync.near.get(&second.session.key).is_some();
    until("the family to be in memory", held).await;
    store.disconnect(true);
    store.is_away(true);
    let loaded = one.tokens.load_access(second.access_token.expose_secret(), now).await;
    assert!(loaded.expect("bridged").is_some());
    store.is_away(false);
    store.disconnect(false);
    // That it arrived is not known: nobody is signed out for it.
    let again = one.refresh(&first, now + MINUTE).await.expect("the same refresh token");
    assert_eq!(texts(&again).1, texts(&second).1);
}

#[tokio::test]
async fn a_spent_token_after_that_ends_the_family_everywhere() {
    let Bench { one, two, store, now, .. } = Bench::new().await;
    let told: Arc<Mutex<Vec<Ended>>> = Arc::default();
    for replica in [&one, &two] {
        let told = Arc::clone(&told);
        replica.sessions.on_end(move |ended| told.lock().push(ended.clone()));
    }
    let (first, other) = (one.issue("ada", now).await, one.issue("ada", now).await);
    let second = one.refresh(&first, now).await.expect("a pair");
    let third = one.refresh(&second, now + MINUTE).await.expect("a pair");
    for replica in [&one, &two] {
        assert!(replica.admits(&third, now + MINUTE).await);
    }
    let reused = one.refresh(&first, now + MINUTE).await;
    assert!(matches!(reused, Err(RefreshError::Reused)), "{reused:?}");
    for replica in [&one, &two] {
        for pair in [&first, &second, &third] {
            assert!(replica.tokens.peek_access(pair.access_token.expose_secret(), now).is_none());
            assert!(!replica.admits(pair, now).await);
            assert!(matches!(replica.refresh(pair, now + MINUTE).await, Err(RefreshError::Invalid)));
        }
        assert!(replica.admits(&other, now).await, "only that family");
    }
    let ended = Ended { key: first.session.key, user: first.session.user.clone() };
    assert_eq!(*told.lock(), [ended.clone(), ended], "once on each replica");
    assert!(store.get(Space::RefreshFamilies, &first.session.key).await.expect("answers").is_none());
    let counted = one.metrics.encode();
    assert!(counted.contains(r#"bff_token_refreshes_total{outcome="reused"} 1"#), "{counted}");
}

#[tokio::test]
async fn an_invented_token_changes_nothing() {
    let Bench { one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now).await.expect("a pair");
    let stranger = two.issue("bo", now).await;
    let later = now + MINUTE;
    let bytes = |pair: &super::TokenPair| {
        URL_SAFE_NO_PAD.decode(pair.refresh_token.expose_secret()).expect("base64url")
    };
    for at in 0..68 {
        for pair in [&first, &second] {
            let mut forged = bytes(pair);
            forged[at] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            let refused = one.tokens.refresh(&forged, false, later).await;
            assert!(matches!(refused, Err(RefreshError::Invalid)), "byte {at}: {refused:?}");
            assert_eq!(one.tokens.revoke(&forged, later).await.expect("answers"), None);
        }
    }
    // A genuine one of another family, under this family's id.
    let grafted = URL_SAFE_NO_PAD.encode([&bytes(&first)[..16], &bytes(&stranger)[16..]].concat());
    for text in [grafted.as_str(), "", "x", &"A".repeat(91), &"é".repeat(50), &"A".repeat(100_000)] {
        assert!(matches!(one.tokens.refresh(text, false, later).await, Err(RefreshError::Invalid)));
    }
    assert!(one.admits(&second, later).await);
    assert!(one.refresh(&second, later).await.is_ok());
}

#[tokio::test]
async fn a_token_is_taken_only_from_where_it_was_sent() {
    let Bench { one, now, .. } = Bench::new().await;
    let ada = member("ada");
    for cookie in [false, true] {
        let pair = one.tokens.issue(&ada, "app", "here", cookie, now).await.expect("a pair");
        let text = pair.refresh_token.expose_secret();
        let refused = one.tokens.refresh(text, !cookie, now).await;
        assert!(matches!(refused, Err(RefreshError::Invalid)));
        let next = one.tokens.refresh(text, cookie, now).await.expect("unharmed");
        let spent = one.tokens.refresh(text, !cookie, now + MINUTE).await;
        assert!(matches!(spent, Err(RefreshError::Invalid)));
        assert!(one.tokens.refresh(next.refresh_token.expose_secret(), cookie, now + MINUTE).await.is_ok());
    }
}

#[tokio::test]
async fn refreshing_never_moves_the_absolute_end_and_no_access_token_outlives_it() {
    let Bench { one, two, now, .. } = Bench::new().await;
    let mut pair = one.issue("ada", now).await;
    let end = pair.absolute_end_ms;
    let mut at = now;
    while at + DAY < end {
        at += DAY;
        pair = if at % 2 == 0 { &one } else { &two }.refresh(&pair, at).await.expect("a pair");
        assert_eq!((pair.absolute_end_ms, pair.session.created_ms), (end, now));
        assert_eq!(pair.session.last_seen_ms(), at);
    }
    pair = one.refresh(&pair, end - MINUTE).await.expect("a pair");
    assert!((59..=60).contains(&pair.expires_in_s), "{}", pair.expires_in_s);
    assert!(two.admits(&pair, end - 2 * SECOND).await);
    assert!(!two.admits(&pair, end).await);
    assert!(matches!(one.refresh(&pair, end).await, Err(RefreshError::Invalid)));
    assert!(one.refresh(&pair, end - 1).await.is_ok());
}

#[tokio::test]
async fn more_refreshes_than_can_be_remembered_have_to_wait() {
    let Bench { one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let mut pair = one.refresh(&first, now).await.expect("a pair");
    let early = texts(&pair);
    for step in 1..128 {
        pair = one.refresh(&pair, now + step * 10).await.expect("a pair");
    }
    let refused = two.refresh(&pair, now + 4 * SECOND).await;
    assert!(matches!(refused, Err(RefreshError::TooFast { retry_ms: 6000 })), "{refused:?}");
    let again = two.refresh(&first, now + 4 * SECOND).await.expect("still remembered");
    assert_eq!(texts(&again), early);
    assert!(two.refresh(&pair, now + 10 * SECOND).await.is_ok(), "none is lost by waiting");
}

#[tokio::test]
async fn a_clock_that_is_set_back_signs_nobody_out() {
    let Bench { one, two, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now + DAY).await.expect("a pair");
    let again = two.refresh(&first, now).await.expect("the same pair");
    assert_eq!(texts(&again), texts(&second));
    let mut pair = second;
    for _ in 0..128 {
        pair = two.refresh(&pair, now).await.expect("what the other clock wrote is not counted");
        assert_eq!((pair.absolute_end_ms, pair.session.last_seen_ms()), (now + 14 * DAY, now + DAY));
    }
    assert!(one.admits(&pair, now).await);
}

#[tokio::test]
async fn a_family_ends_by_any_token_that_it_ever_had() {
    let Bench { one, two, now, .. } = Bench::new().await;
    for nth in 0..3 {
        let mut pairs = vec![one.issue("ada", now).await];
        for at in 0..2 {
            pairs.push(one.refresh(&pairs[at], now + MINUTE * at as u64).await.expect("a pair"));
        }
        let (token, key) = (pairs[nth].refresh_token.expose_secret(), pairs[0].session.key);
        let later = now + 5 * MINUTE;
        assert_eq!(two.tokens.revoke(token, later).await.expect("answers"), Some(key));
        assert_eq!(two.tokens.revoke(token, later).await.expect("answers"), None, "once");
        for pair in &pairs {
            assert!(!one.admits(pair, now).await && !two.admits(pair, now).await);
            assert!(matches!(one.refresh(pair, later).await, Err(RefreshError::Invalid)));
        }
    }
}

#[tokio::test]
async fn the_store_holds_nothing_that_signs_anybody_in() {
    let Bench { store, one, now, .. } = Bench::new().await;
    let first = one.issue("ada", now).await;
    let second = one.refresh(&first, now).await.expect("a pair");
    let records = store.list_owned(Space::RefreshFamilies, "ada").await.expect("answers");
    let [(key, record)] = records.as_slice() else { panic!("one family: {}", records.len()) };
    assert_eq!(key[..], first.session.key);
    let text = String::from_utf8(record.value.to_vec()).expect("JSON");
    for pair in [&first, &second] {
        let token = URL_SAFE_NO_PAD.decode(pair.refresh_token.expose_secret()).expect("base64url");
        let parts = [&token[..], &token[..16], &token[20..52], &token[52..], &token[20..]];
        for part in parts.map(|part| URL_SAFE_NO_PAD.encode(part)) {
            assert!(!text.contains(&part) && !text.contains(&part[1..part.len() - 2]), "{text}");
        }
        assert!(!text.contains(pair.access_token.expose_secret()));
    }
    let log = format!("{second:?} {:?}", one.refresh(&first, now).await);
    for secret in [texts(&first).1, texts(&second).0, texts(&second).1] {
        assert!(!log.contains(&secret), "{log}");
    }
    assert!(!log.contains("ada"), "{log}");
}

#[tokio::test]
async fn a_record_of_another_release_is_left_alone() {
    let Bench { store, one, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    let key = pair.session.key;
    let record = store.get(Space::RefreshFamilies, &key).await.expect("answers").expect("there");
    let mut json: serde_json::Value = serde_json::from_slice(&record.value).expect("JSON");
    json["v"] = 2.into();
    for value in ["", "{}", "[1]", r#"{"v":2}"#, &json.to_string()] {
        let entry =
            Entry { value: value.to_owned().into(), owner: Some("ada".into()), expires_at_ms: now + DAY };
        store.put(Space::RefreshFamilies, &key, entry).await.expect("answers");
        assert!(!one.admits(&pair, now).await);
        assert!(matches!(one.refresh(&pair, now).await, Err(RefreshError::Invalid)));
        assert_eq!(one.tokens.revoke(pair.refresh_token.expose_secret(), now).await.expect("answers"), None);
        let left = store.get(Space::RefreshFamilies, &key).await.expect("answers").expect("there");
        assert_eq!(left.value, value);
    }
    assert!(one.sessions.end(&key).await.expect("answers"), "but it can be ended");
}

#[tokio::test]
async fn tokens_just_given_out_are_good_while_the_store_is_away() {
    let bench = Bench::new().await;
    let Bench { store, one, two, now, .. } = &bench;
    let issued = one.issue("ada", *now).await;
    let older = one.issue("bo", *now).await;
    let refreshed = two.refresh(&older, *now).await.expect("a pair");
    let held = || two.sessions.inner.cache_sync.near.get(&refreshed.session.key).is_some();
    until("the refreshed family, which nobody has asked for", held).await;
    store.disconnect(true);
    store.is_away(true);
    for (replica, pair) in [(one, &issued), (two, &refreshed)] {
        let loaded = replica.tokens.load_access(pair.access_token.expose_secret(), *now).await;
        assert!(loaded.expect("bridged").is_some());
    }
}

#[tokio::test]
async fn a_family_that_a_release_of_before_wrote_goes_on() {
    let Bench { store, one, now, .. } = Bench::new().await;
    let pair = one.issue("ada", now).await;
    let key = pair.session.key;
    let stored = store.get(Space::RefreshFamilies, &key).await.expect("answers").expect("there");
    let text = str::from_utf8(&stored.value).expect("text");
    // Those wrote the profile out of a type, in this order.
    let me: schemas::Me =
        serde_json::from_str(member("ada").json().get()).expect("they read what is written now");
    let before = text.replace(member("ada").json().get(), &serde_json::to_string(&me).expect("JSON"));
    let family: serde_json::Value = serde_json::from_str(&before).expect("JSON");
    assert_eq!(family["user"]["displayName"], "밥 Ada");
    let entry =
        Entry { value: before.into(), owner: Some("ada".into()), expires_at_ms: pair.absolute_end_ms };
    store.put(Space::RefreshFamilies, &key, entry).await.expect("the store answers");
    one.sessions.forget(&key);
    assert!(one.admits(&pair, now).await);
    let next = one.refresh(&pair, now + MINUTE).await.expect("the next pair");
    assert_eq!(next.session.profile.display_name(), Some("밥 Ada"));
}
