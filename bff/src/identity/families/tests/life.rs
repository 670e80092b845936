//! One family from sign-in to its end.

use secrecy::ExposeSecret as _;

use super::{DAY, MINUTE, Replica, SECOND, texts};
use crate::{
    identity::{RefreshError, SessionKind, sessions::tests::member},
    store,
    telemetry::unix_ms,
};

#[tokio::test]
async fn a_pair_signs_in_until_it_is_revoked() {
    let keys = tempfile::tempdir().expect("a folder");
    let store = store::open("memory:").await.expect("a store");
    let replica = Replica::new(store, keys.path(), &["secret"]);
    let (tokens, now) = (&replica.tokens, unix_ms());
    let first = tokens.issue(&member("ada"), "app", "here", false, now).await.expect("a pair");
    assert_eq!((first.expires_in_s, first.absolute_end_ms), (900, now + 14 * DAY));
    assert_eq!(first.session.kind, SessionKind::App);

    let access = first.access_token.expose_secret();
    assert!(tokens.peek_access(access, now).is_none(), "seen for the first time");
    let session = tokens.load_access(access, now).await.expect("answers").expect("signed in");
    assert_eq!((session.user.as_str(), session.key), ("ada", first.session.key));
    assert!(tokens.peek_access(access, now).is_some());
    let end = (now / SECOND + 900) * SECOND;
    assert!(tokens.peek_access(access, end - 1).is_some());
    assert!(tokens.peek_access(access, end).is_none());
    assert!(tokens.load_access(access, end).await.expect("answers").is_none());

    let refresh = first.refresh_token.expose_secret();
    let second = tokens.refresh(refresh, false, now + MINUTE).await.expect("a pair");
    let again = tokens.refresh(refresh, false, now + MINUTE + 9 * SECOND).await.expect("a pair");
    assert_eq!(texts(&second), texts(&again));
    assert_ne!(texts(&first), texts(&second));
    let revoked = tokens.revoke(second.refresh_token.expose_secret(), now + MINUTE).await.expect("answers");
    assert_eq!(revoked, Some(first.session.key));
    let after = tokens.refresh(second.refresh_token.expose_secret(), false, now + MINUTE).await;
    assert!(matches!(after, Err(RefreshError::Invalid)));
    for pair in [&first, &second] {
        let access = pair.access_token.expose_secret();
        assert!(tokens.peek_access(access, now).is_none());
        assert!(tokens.load_access(access, now).await.expect("answers").is_none());
    }
}
