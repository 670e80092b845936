//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST that is sent again is not carried out
//! again. Called by `writing`, around the write and inside its task.
//!
//! A key belongs to one user (all who are not signed in count as one) and one route. It goes through these states:
//!
//! - in flight, from before the upstream is called: 409 `idempotency_in_flight`. Ends by itself after a minute, so
//!   that a crash does not lock the key; only then can a key be carried out twice.
//! - answered, for 24 h: the same answer again, with `Idempotency-Replayed: true`. A refusal (4xx) is an answer.
//! - unknown, for 24 h, where the upstream's answer was lost: 409 `idempotency_outcome_unknown`. The write may have
//!   been carried out, and carrying it out again is what the key was to prevent.
//! - free again, where the write was surely not carried out: the next try is the first.
//!
//! The same key with another path or body is 422 `idempotency_key_reused`, whatever the state.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::HeaderName},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::{FieldError, Id};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    creating::Made,
    refusals::{code_of, refusal_again},
};
use crate::{
    edge::{ApiError, RouteName},
    identity::{DerivedKey, IdentityError, Secrets},
    store::{Entry, Space, Store, StoreError},
    telemetry::unix_ms,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longest key, in characters.
const MAX_KEY: usize = 128;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a key is in flight at most: several times what a write may take.
const FLIGHT: Duration = Duration::from_secs(60);
/// How often a key that others release at the same moment is tried for.
const TRIES: usize = 4;
/// The purpose of the prints' keys.
const KEY_LABEL: &str = "idempotency";
/// Of the stored records.
const FORMAT: u8 = 1;

pub(super) const INVALID: ApiError = ApiError::Refused {
    status: StatusCode::BAD_REQUEST,
    code: "idempotency_key_invalid",
    detail: "`Idempotency-Key` must be there once, with 1 to 128 visible ASCII characters.",
};
pub(super) const REUSED: ApiError = ApiError::Refused {
    status: StatusCode::UNPROCESSABLE_ENTITY,
    code: "idempotency_key_reused",
    detail: "This `Idempotency-Key` was used for another request. A new request needs a new key.",
};
pub(super) const IN_FLIGHT: ApiError = ApiError::Refused {
    status: StatusCode::CONFLICT,
    code: "idempotency_in_flight",
    detail: "The first request with this `Idempotency-Key` is still being carried out.",
};
pub(super) const UNKNOWN: ApiError = ApiError::Refused {
    status: StatusCode::CONFLICT,
    code: "idempotency_outcome_unknown",
    detail: "The first request with this `Idempotency-Key` may have been carried out: its answer was lost. Look \
             before sending it again under a new key.",
};

/// Where a key stands.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum State {
    InFlight,
    Made(Made),
    /// By its code.
    Refused(String),
    Invalid(Vec<FieldError>),
    Unknown,
}

/// A stored record. The request's print, not the request: a sign-up bears a password.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    v: u8,
    print: String,
    state: State,
}

/// One POST that bears a key.
#[derive(Debug)]
pub(super) struct Keyed {
    place: [u8; 32],
    /// Under the secret that signs.
    print: String,
    /// Under the other secrets that are accepted: a key outlives their rotation.
    older: Vec<String>,
    owner: Option<Arc<str>>,
}

/// What became of a key so far.
#[derive(Debug)]
pub(super) enum Begun {
    /// Nothing: it is in flight from now on, and the asker must carry it out.
    First,
    InFlight,
    Answered(Result<Made, ApiError>),
}

/// The keys of all users.
pub struct Idempotency {
    store: Arc<dyn Store>,
    secrets: Arc<Secrets>,
}

impl Idempotency {
    /// `secrets` are the same on all replicas.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, secrets: Arc<Secrets>) -> Self {
        Self { store, secrets }
    }

    /// The key that `request` bears, for what it asks: `input` is its body. Two bodies with the same content
    /// are the same, however they are written.
    ///
    /// # Errors
    /// 400 `idempotency_key_invalid`.
    pub(super) fn keyed(
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
        let route = request.app_data::<RouteName>().map_or("", |name| name.0);
        let input = serde_json::to_vec(input).map_err(|_| ApiError::Internal("a body cannot be written"))?;
        let user = user.map(Id::as_str);
        Ok(Some(self.key(user, route, key, request.path(), &input)))
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
        Keyed { place, print: first, older: prints.collect(), owner: user.map(Arc::from) }
    }

    /// Puts a key in flight, unless it is or was already.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`; 503 when the store does not answer: nothing may be carried out then.
    pub(super) async fn begin(&self, keyed: &Keyed) -> Result<Begun, ApiError> {
        for _ in 0..TRIES {
            let stored = self.store.get(Space::Idempotency, &keyed.place).await.map_err(unavailable)?;
            if let Some(stored) = stored {
                return read(keyed, &stored.value);
            }
            let entry = entry(keyed, State::InFlight, FLIGHT)?;
            let put = self.store.put_if(Space::Idempotency, &keyed.place, None, entry).await;
            if put.map_err(unavailable)?.is_some() {
                return Ok(Begun::First);
            }
        }
        Ok(Begun::InFlight)
    }

    /// Ends a key's flight, durably: in `state`, or free again. Where the store does not take it, the answer goes
    /// out all the same, because the write is done; the key stays in flight until its minute is over.
    pub(super) async fn end(&self, keyed: &Keyed, state: Option<State>) {
        let place = &keyed.place;
        let ended = match state.map(|state| entry(keyed, state, KEPT)) {
            Some(Ok(entry)) => self.store.put(Space::Idempotency, place, entry).await.map(drop),
            Some(Err(_)) => Ok(()),
            None => self.store.delete(Space::Idempotency, place).await.map(drop),
        };
        if let Err(error) = ended {
            tracing::warn!(error = &error as &dyn std::error::Error, "an idempotency key was not kept");
        }
    }
}

impl State {
    /// What is kept of a refusal; nothing of what is no refusal.
    pub(super) fn of_refusal(error: &ApiError) -> Option<Self> {
        match error {
            ApiError::Invalid(errors) => Some(Self::Invalid(errors.clone())),
            _ => code_of(error).map(|code| Self::Refused(code.to_owned())),
        }
    }

    fn begun(self) -> Begun {
        Begun::Answered(match self {
            Self::InFlight => return Begun::InFlight,
            Self::Made(made) => Ok(made),
            Self::Refused(code) => Err(refusal_again(&code).unwrap_or(UNKNOWN)),
            Self::Invalid(errors) => Err(ApiError::Invalid(errors)),
            Self::Unknown => Err(UNKNOWN),
        })
    }
}

fn entry(keyed: &Keyed, state: State, lasts: Duration) -> Result<Entry, ApiError> {
    let record = Record { v: FORMAT, print: keyed.print.clone(), state };
    let value = serde_json::to_vec(&record).map_err(|_| ApiError::Internal("a record cannot be written"))?;
    let lasts_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
    let expires_at_ms = unix_ms().saturating_add(lasts_ms);
    Ok(Entry { value: value.into(), owner: keyed.owner.clone(), expires_at_ms })
}

fn read(keyed: &Keyed, stored: &[u8]) -> Result<Begun, ApiError> {
    let record: Record = match serde_json::from_slice(stored) {
        Ok(record) => record,
        // Written by another version: all that is known is that the key was used.
        Err(_) => return Ok(Begun::Answered(Err(UNKNOWN))),
    };
    if record.v != FORMAT {
        return Ok(Begun::Answered(Err(UNKNOWN)));
    }
    let same = record.print == keyed.print || keyed.older.contains(&record.print);
    if same { Ok(record.state.begun()) } else { Err(REUSED) }
}

/// It is the store of the sessions as well.
fn unavailable(error: StoreError) -> ApiError {
    ApiError::Identity(IdentityError::Store(error))
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod tests;
