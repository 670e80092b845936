//! One sign-in as it lives in memory: a browser session or an app's family of refresh tokens.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::Id;
use sha2::{Digest, Sha256};

use super::ProfileDocument;
use crate::{store::Space, telemetry::UserHasher};

/// SHA-256 of a session id, or of the id of a family of refresh tokens. The store and every process know a session by this alone, so that what leaks from
/// them signs nobody in.
pub type SessionKey = [u8; 32];

/// Characters of a session id: 256 bits in base64url without padding (RFC 4648 section 5).
pub(super) const RAW_ID_LEN: usize = 43;

/// The key of the session whose id is `raw_id`, or nothing where the text cannot be an id.
pub(super) fn key_of(raw_id: &str) -> Option<SessionKey> {
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    // A pass that does not branch looks at many bytes at once.
    let sound = raw_id.len() == RAW_ID_LEN && raw_id.bytes().fold(true, |sound, b| sound & base64url(b));
    sound.then(|| hash_of(raw_id))
}

/// The key of a text known to be an id.
pub(super) fn hash_of(raw_id: &str) -> SessionKey {
    Sha256::digest(raw_id.as_bytes()).into()
}

/// What somebody signed in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// A browser that holds a cookie.
    Browser,
    /// An app that holds an access token and a refresh token: a family of refresh tokens, of which one is current.
    App,
}

impl SessionKind {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::App => "app",
        }
    }

    /// Where its records live.
    pub(super) const fn space(self) -> Space {
        match self {
            Self::Browser => Space::Sessions,
            Self::App => Space::RefreshFamilies,
        }
    }

    pub(super) const ALL: [Self; 2] = [Self::Browser, Self::App];
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// A session unused for so long ends.
    pub idle: Duration,
    /// A session ends so long after sign-in, however much it is used.
    pub absolute: Duration,
    /// The idle end moves at most once in so long.
    pub touch_every: Duration,
    /// So often one user may be signed in at the same time, with browsers and apps together; at least once.
    pub max_per_user: usize,
    /// Sessions kept in memory; the least recently used ones beyond that are read from the store again.
    pub near_entries: u64,
    /// While the store is away, those in memory go on for so long after it was last heard.
    pub grace: Duration,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60 * 60),
            absolute: Duration::from_secs(14 * 24 * 60 * 60),
            touch_every: Duration::from_secs(60),
            max_per_user: 100,
            near_entries: 100_000,
            grace: Duration::from_secs(30),
        }
    }
}

/// A signed-in browser or app. Shared by all of its requests; times are unix milliseconds.
pub struct Session {
    /// SHA-256 of the session id, or of the family's.
    pub key: SessionKey,
    pub kind: SessionKind,
    /// Who signed in.
    pub user: Id,
    /// Their profile as of sign-in, or as a later change of it has left it.
    pub profile: Arc<ProfileDocument>,
    /// When they signed in.
    pub created_ms: u64,
    /// When the session ends however much it is used. Never moves.
    pub absolute_end_ms: u64,
    /// What they signed in with, for display.
    pub client: Box<str>,
    /// Where from, masked.
    pub address: Box<str>,
    /// See [`Session::log_name`].
    pub(super) log_name: OnceLock<u64>,
    pub(super) idle_ms: u64,
    pub(super) last_seen_ms: AtomicU64,
    /// Not to be touched before this time.
    pub(super) touch_due_ms: AtomicU64,
    /// Version of the stored record that this one mirrors, for compare-and-swap.
    pub(super) version: AtomicU64,
    /// When the near cache last got it from the store, by the near cache's own clock.
    pub(super) read_ms: AtomicU64,
}

impl Session {
    /// What logs call the user; worked out once for each session.
    #[must_use]
    pub fn log_name(&self, hasher: &UserHasher) -> u64 {
        *self.log_name.get_or_init(|| hasher.hash(self.user.as_str()))
    }

    /// When it was last used: a browser within [`SessionPolicy::touch_every`], an app when it last refreshed.
    #[must_use]
    pub fn last_seen_ms(&self) -> u64 {
        self.last_seen_ms.load(Ordering::Acquire)
    }

    /// When it ends unless it is used before: idle end or absolute end, whichever comes first. An app has only
    /// the latter.
    #[must_use]
    pub fn expires_at_ms(&self) -> u64 {
        self.last_seen_ms().saturating_add(self.idle_ms).min(self.absolute_end_ms)
    }

    /// Whether neither its idle nor its absolute end has come.
    #[must_use]
    pub fn is_live(&self, now_ms: u64) -> bool {
        now_ms < self.expires_at_ms()
    }

    /// Name of the session in lists: derived from the key, and neither the id nor the key follows from it.
    #[must_use]
    pub fn public_id(&self) -> String {
        let digest = Sha256::new().chain_update(b"session public id v1\0").chain_update(self.key).finalize();
        URL_SAFE_NO_PAD.encode(&digest[..16])
    }

    /// As it appears in a list of sessions.
    #[must_use]
    pub fn summary(&self) -> SessionSummary {
        SessionSummary {
            id: self.public_id(),
            kind: self.kind,
            client: self.client.clone(),
            address: self.address.clone(),
            created_ms: self.created_ms,
            last_seen_ms: self.last_seen_ms(),
        }
    }

    /// Says yes to one of all concurrent askers once in `every_ms`, and moves the idle end in memory.
    pub(super) fn claim_touch(&self, now_ms: u64, every_ms: u64) -> bool {
        let due_ms = self.touch_due_ms.load(Ordering::Relaxed);
        if now_ms < due_ms || !self.is_live(now_ms) {
            return false;
        }
        let next_ms = now_ms.saturating_add(every_ms);
        let claimed =
            self.touch_due_ms.compare_exchange(due_ms, next_ms, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if claimed {
            self.last_seen_ms.fetch_max(now_ms, Ordering::AcqRel);
        }
        claimed
    }
}

/// Says nothing of the member: their address book entry must not reach a log by way of `{:?}`.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("created_ms", &self.created_ms)
            .field("last_seen_ms", &self.last_seen_ms())
            .field("absolute_end_ms", &self.absolute_end_ms)
            .finish_non_exhaustive()
    }
}

/// One line of "where am I signed in". Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// [`Session::public_id`].
    pub id: String,
    pub kind: SessionKind,
    pub client: Box<str>,
    /// Masked.
    pub address: Box<str>,
    pub created_ms: u64,
    pub last_seen_ms: u64,
}
