//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again is not carried out
//! again. Called by `auth` and `routes`, around the write and inside its task.
//!
//! A key belongs to one user (all who are not signed in count as one) and one route. It goes through these states, each
//! of which is durable before anything else is done:
//!
//! - begun, from before the upstream is called: 409 `idempotency_in_flight` for as long as the attempt may be going on,
//!   and 409 `idempotency_outcome_unknown` after that. So a process that dies in the middle frees no key: the upstream
//!   may have carried the write out, and carrying it out again is what the key was to prevent.
//! - made, for 24 h: the same answer again, with `Idempotency-Replayed: true`.
//! - unknown, for 24 h, where the upstream's answer was lost, or says that it failed (5xx), which it may have done after
//!   the write: 409 `idempotency_outcome_unknown`.
//! - free again, where the write was surely not carried out: nothing was sent, or the upstream refused it (4xx). The next
//!   try is the first.
//!
//! The same key with another path or body is 422 `idempotency_key_reused`, whatever the state.

mod anonymous;
mod created;
mod once;
mod record;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::HeaderName},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::Id;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use anonymous::{AnonymousKeys, Counter};
pub use created::Created;
pub use once::Once;
pub use record::{Attempt, State};
use record::{entry, read};

use crate::{
    edge::{ApiError, RequestContext, client_address},
    identity::{DerivedKey, IdentityError, Secrets},
    store::{Entry, Space, Store, StoreError, after},
    telemetry::unix_ms,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const MAX_KEY: usize = 128;

/// How often the store is told again what it did not take.
const TELL_AGAIN: Duration = Duration::from_millis(500);
/// How often a key that others release at the same moment is tried for.
const TRIES: usize = 4;
/// The purpose of the prints' keys.
const KEY_LABEL: &str = "idempotency";

pub(crate) const INVALID: ApiError = ApiError::Refused {
    status: StatusCode::BAD_REQUEST,
    code: "idempotency_key_invalid",
    detail: "`Idempotency-Key` must be there once, with 1 to 128 visible ASCII characters.",
};
pub(crate) const REUSED: ApiError = ApiError::Refused {
    status: StatusCode::UNPROCESSABLE_ENTITY,
    code: "idempotency_key_reused",
    detail: "This `Idempotency-Key` was used for another request. A new request needs a new key.",
};
pub(crate) const IN_FLIGHT: ApiError = ApiError::Refused {
    status: StatusCode::CONFLICT,
    code: "idempotency_in_flight",
    detail: "The first request with this `Idempotency-Key` is still being carried out.",
};
pub(crate) const UNKNOWN: ApiError = ApiError::Refused {
    status: StatusCode::CONFLICT,
    code: "idempotency_outcome_unknown",
    detail: "The first request with this `Idempotency-Key` may have been carried out: its answer was lost. Look \
             before sending it again under a new key.",
};

/// One POST that bears a key.
#[derive(Debug)]
pub struct Keyed {
    place: [u8; 32],
    /// Under the secret that signs.
    print: String,
    /// Under the other secrets that are accepted: a key outlives their rotation.
    older: Vec<String>,
    owner: Option<Arc<str>>,
    /// Where there is no owner.
    counter: Option<Counter>,
}

/// What became of a key so far.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: it is in flight from now on, and the asker must carry it out and say how that ended.
    First(Attempt),
    InFlight,
    Answered(Result<Created, ApiError>),
}

/// How keys are kept.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyPolicy {
    /// How long an attempt counts as going on: several times what a write may take.
    pub in_flight: Duration,
    /// How many new keys of callers who are not signed in are kept for one address (IPv6: a /64) in a window.
    pub anonymous_keys: u32,
    /// From the first of them on.
    pub anonymous_window: Duration,
}

/// The keys of all users.
pub struct Idempotency {
    store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
    in_flight: Duration,
    anonymous: AnonymousKeys,
    /// Of this process.
    life: u64,
    attempts: AtomicU64,
}

impl Idempotency {
    /// `secrets` are the same on all replicas.
    ///
    /// # Errors
    /// [`getrandom::Error`]: the process cannot be told from others.
    pub fn new(
        store: Arc<dyn Store>,
        secrets: Arc<Secrets>,
        policy: IdempotencyPolicy,
    ) -> Result<Self, getrandom::Error> {
        let IdempotencyPolicy { in_flight, anonymous_keys: limit, anonymous_window: window } = policy;
        let anonymous =
            AnonymousKeys { store: Arc::clone(&store), secrets: Arc::clone(&secrets), limit, window };
        let (life, attempts) = (getrandom::u64()?, AtomicU64::new(0));
        Ok(Self { store, secrets, in_flight, anonymous, life, attempts })
    }

    /// The key that `request` bears, for what it asks: `input` is its body. Two bodies with the same content
    /// are the same, however they are written.
    ///
    /// # Errors
    /// 400 `idempotency_key_invalid`.
    pub fn keyed(
        &self,
        request: &HttpRequest,
        user: Option<&Id>,
        input: &impl Serialize,
    ) -> Result<Option<Keyed>, ApiError> {
        let mut keys = request.headers().get_all(&IDEMPOTENCY_KEY).map(|value| value.as_bytes());
        let Some(key) = keys.next() else { return Ok(None) };
        let sound = (1..=MAX_KEY).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        if !sound || keys.next().is_some() {
            return Err(INVALID);
        }
        let route = RequestContext::route_of(request);
        let input = serde_json::to_vec(input).map_err(|_| ApiError::Internal("a body cannot be written"))?;
        let counter = user.is_none().then(|| self.anonymous.counter(client_address(request)));
        let user = user.map(Id::as_str);
        Ok(Some(Keyed { counter, ..self.key(user, route, key, request.path(), &input) }))
    }

    /// No user, route or path holds a NUL, so no two lists of parts are the same bytes.
    fn key(&self, user: Option<&str>, route: &str, key: &[u8], path: &str, input: &[u8]) -> Keyed {
        let scope = [b"idempotency", user.unwrap_or_default().as_bytes(), route.as_bytes(), key].join(&0);
        let place: [u8; 32] = Sha256::digest(scope).into();
        let print =
            |key: &DerivedKey| URL_SAFE_NO_PAD.encode(key.mac(&[&place, path.as_bytes(), &[0], input]));
        let keys = self.secrets.keys(KEY_LABEL);
        let mut prints = keys.iter().map(print);
        // Without a secret, which the settings refuse, no print is like another.
        let first = prints.next().unwrap_or_default();
        Keyed { place, print: first, older: prints.collect(), owner: user.map(Arc::from), counter: None }
    }

    /// Puts a key in flight, unless it is or was already.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`; 429 `too_many_idempotency_keys`; 503 when the store does not answer: nothing may be
    /// carried out then.
    pub async fn begin(&self, keyed: &Keyed) -> Result<Begun, ApiError> {
        for _ in 0..TRIES {
            let stored = self.store.get(Space::Idempotency, &keyed.place).await.map_err(unavailable)?;
            if let Some(stored) = stored {
                return self.standing(keyed, &stored.value);
            }
            if let Some(counter) = &keyed.counter {
                self.anonymous.take(counter).await?;
            }
            let attempt = Attempt { life: self.life, number: self.attempts.fetch_add(1, Ordering::Relaxed) };
            let until_ms = after(unix_ms(), self.in_flight);
            let begun = entry(&keyed.print, keyed.owner.as_ref(), State::Begun { attempt, until_ms })?;
            match self.store.put_if(Space::Idempotency, &keyed.place, None, begun).await {
                Ok(Some(_)) => return Ok(Begun::First(attempt)),
                Ok(None) => self.give_back(keyed).await,
                Err(error) => {
                    self.give_back(keyed).await;
                    // It may be there all the same, and nothing is carried out under it.
                    if !matches!(error, StoreError::Away { .. }) {
                        self.end_behind(keyed, attempt, None);
                    }
                    return Err(unavailable(error));
                }
            }
        }
        Ok(Begun::InFlight)
    }

    /// Ends an attempt, durably: in `state`, or free again. Where the store does not take it, the answer goes out all the
    /// same, because the write is done, and the store is told again behind; it has the attempt as begun until then.
    pub async fn end(&self, keyed: &Keyed, attempt: Attempt, state: Option<State>) {
        let place = &keyed.place;
        let last = state.and_then(|state| entry(&keyed.print, keyed.owner.as_ref(), state).ok());
        let ended = if let Some(last) = &last {
            self.store.put(Space::Idempotency, place, last.clone()).await.map(drop)
        } else {
            self.give_back(keyed).await;
            self.store.delete(Space::Idempotency, place).await.map(drop)
        };
        if let Err(error) = ended {
            tracing::warn!(error = &error as &dyn std::error::Error, "an idempotency key is not kept yet");
            self.end_behind(keyed, attempt, last);
        }
    }

    /// Tells the store how an attempt ended, for as long as the attempt counts as going on.
    fn end_behind(&self, keyed: &Keyed, attempt: Attempt, last: Option<Entry>) {
        let (store, place, until) = (Arc::clone(&self.store), keyed.place, Instant::now() + self.in_flight);
        tokio::spawn(async move {
            while Instant::now() < until {
                sleep(TELL_AGAIN).await;
                if matches!(end_own(&*store, &place, attempt, last.clone()).await, Ok(true)) {
                    return;
                }
            }
        });
    }

    async fn give_back(&self, keyed: &Keyed) {
        if let Some(counter) = &keyed.counter {
            self.anonymous.give_back(counter).await;
        }
    }

    /// What a stored record says to whoever comes with its key.
    fn standing(&self, keyed: &Keyed, stored: &[u8]) -> Result<Begun, ApiError> {
        // Written by another version: all that is known is that the key was used.
        let Some(record) = read(stored) else { return Ok(Begun::Answered(Err(UNKNOWN))) };
        if record.print != keyed.print && !keyed.older.contains(&record.print) {
            return Err(REUSED);
        }
        Ok(match record.state {
            State::Begun { attempt, until_ms } if self.may_go_on(attempt, until_ms) => Begun::InFlight,
            State::Begun { .. } | State::Unknown => Begun::Answered(Err(UNKNOWN)),
            State::Made(made) => Begun::Answered(Ok(made)),
        })
    }

    /// A store of one process has only its own attempts: those of another life ended with it.
    fn may_go_on(&self, attempt: Attempt, until_ms: u64) -> bool {
        let may_live = attempt.life == self.life || self.store.shared().is_some();
        may_live && unix_ms() < until_ms
    }
}

/// Ends `attempt`, if the store has it as begun; says whether there is nothing left to do.
async fn end_own(
    store: &dyn Store,
    place: &[u8],
    attempt: Attempt,
    last: Option<Entry>,
) -> Result<bool, StoreError> {
    let Some(stored) = store.get(Space::Idempotency, place).await? else {
        // What the store did not answer may yet arrive.
        return Ok(last.is_some());
    };
    match read(&stored.value).map(|record| record.state) {
        Some(State::Begun { attempt: begun, .. }) if begun == attempt => match last {
            Some(last) => {
                let put = store.put_if(Space::Idempotency, place, Some(stored.version), last).await?;
                Ok(put.is_some())
            }
            // Nobody but this attempt may change it.
            None => store.delete(Space::Idempotency, place).await.map(|_| true),
        },
        _ => Ok(true),
    }
}

/// It is the store of the sessions as well.
fn unavailable(error: StoreError) -> ApiError {
    ApiError::Identity(IdentityError::Store(error))
}
