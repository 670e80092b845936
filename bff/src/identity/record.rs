//! The stored form of a browser session: JSON with a format version, so that a later release can tell what it reads.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    IdentityError, ProfileDocument, SessionPolicy,
    session::{Session, SessionKey, SessionKind},
};
use crate::store::{Entry, Record};

const FORMAT: u8 = 1;

/// The store keeps a record a little beyond the session's end, so that a touch claimed just before that end
/// still finds it. The end itself is judged by `Session::is_live`, never by the record's presence.
pub(super) const GRACE_MS: u64 = 10_000;

#[derive(Serialize)]
struct Written<'a> {
    v: u8,
    user: &'a ProfileDocument,
    created_ms: u64,
    last_seen_ms: u64,
    absolute_end_ms: u64,
    client: &'a str,
    address: &'a str,
}

#[derive(Deserialize)]
struct Read {
    v: u8,
    user: ProfileDocument,
    created_ms: u64,
    last_seen_ms: u64,
    absolute_end_ms: u64,
    client: Box<str>,
    address: Box<str>,
}

/// Why a stored record is not a session.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnreadableRecord {
    #[error("session record has the unknown format {0}")]
    Format(u8),
    /// serde_json's own text would quote the record, and with it an e-mail address.
    #[error("session record is broken: {:?} error in column {}", .0.classify(), .0.column())]
    Json(serde_json::Error),
}

/// What to store for `session`, owned by its user.
pub(super) fn entry_of(session: &Session) -> Result<Entry, IdentityError> {
    let written = Written {
        v: FORMAT,
        user: &session.profile,
        created_ms: session.created_ms,
        last_seen_ms: session.last_seen_ms(),
        absolute_end_ms: session.absolute_end_ms,
        client: &session.client,
        address: &session.address,
    };
    let value = serde_json::to_vec(&written).map_err(IdentityError::Record)?;
    Ok(Entry {
        value: value.into(),
        owner: Some(session.user.as_str().into()),
        expires_at_ms: session.expires_at_ms().saturating_add(GRACE_MS),
    })
}

/// The session that `record` holds under `key`, whether it is live or not.
pub(super) fn session_of(
    key: SessionKey,
    record: &Record,
    policy: &SessionPolicy,
) -> Result<Session, UnreadableRecord> {
    let read: Read = serde_json::from_slice(&record.value).map_err(UnreadableRecord::Json)?;
    if read.v != FORMAT {
        return Err(UnreadableRecord::Format(read.v));
    }
    Ok(Session {
        key,
        kind: SessionKind::Browser,
        user: read.user.id().clone(),
        profile: Arc::new(read.user),
        created_ms: read.created_ms,
        absolute_end_ms: read.absolute_end_ms,
        client: read.client,
        address: read.address,
        idle_ms: millis(policy.idle),
        last_seen_ms: AtomicU64::new(read.last_seen_ms),
        log_name: std::sync::OnceLock::new(),
        touch_due_ms: AtomicU64::new(read.last_seen_ms.saturating_add(millis(policy.touch_every))),
        version: AtomicU64::new(record.version),
        read_ms: AtomicU64::new(0),
    })
}

/// Whole milliseconds; more than fit (half a billion years) count as all that fit.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use schemas::Me;

    use super::*;

    /// As releases up to 0.1 wrote it, whose sessions held the profile as a type.
    const OF_BEFORE: &str = r#"{"v":1,"user":{"id":"ada","username":"ada","displayName":"밥 \"Ada\"","avatarUrl":null,"bio":"a \ud55c\n","createdAt":"2026-01-02T03:04:05Z","email":"ada@example.org","totpEnabled":true},"created_ms":1000,"last_seen_ms":2000,"absolute_end_ms":900000,"client":"Firefox on Linux","address":"203.0.113.0/24"}"#;

    #[test]
    fn releases_read_each_others_records_while_one_replaces_the_other() {
        let record = Record { value: OF_BEFORE.into(), version: 7 };
        let session = session_of([1; 32], &record, &SessionPolicy::default()).expect("a session");
        assert_eq!((session.user.as_str(), session.profile.username()), ("ada", Some("ada")));
        assert_eq!(session.profile.display_name(), Some("밥 \"Ada\""));
        assert!(session.profile.totp_enabled());
        assert_eq!(
            (session.created_ms, session.last_seen_ms(), session.absolute_end_ms),
            (1000, 2000, 900_000)
        );
        let entry = entry_of(&session).expect("a record");
        assert_eq!(entry.value, OF_BEFORE, "what is written now is what was written then");
        assert_eq!(entry.owner.as_deref(), Some("ada"));

        #[derive(Deserialize)]
        struct Before {
            user: Me,
        }
        let before: Before = serde_json::from_slice(&entry.value).expect("a release of before reads it");
        assert_eq!((before.user.id.as_str(), before.user.totp_enabled), ("ada", true));
    }

    #[test]
    fn what_is_wrong_with_a_record_is_told_without_the_record() {
        for broken in [
            OF_BEFORE.replace("\"id\":\"ada\"", "\"id\":\"a d a\""),
            OF_BEFORE.replace("\"v\":1", "\"v\":\"x\""),
        ] {
            let record = Record { value: broken.into(), version: 7 };
            let refused = session_of([1; 32], &record, &SessionPolicy::default()).expect_err("broken");
            assert!(!refused.to_string().contains("ada"), "{refused}");
        }
    }
}
