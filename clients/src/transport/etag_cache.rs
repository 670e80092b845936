//! Answers that bear an `ETag`, kept so that the upstream need not send them again: the next call asks with
//! `If-None-Match` whether the answer still holds (RFC 9111 section 4.3).
//!
//! Nothing kept here is ever used unasked. The upstream decides each time, on the caller's own token, so that a cached
//! answer can be neither old nor shown to a user who may not see it any more.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use foldhash::quality::RandomState;
use http::{
    Method, StatusCode,
    header::{CACHE_CONTROL, ETAG, HeaderMap, HeaderValue},
    uri::PathAndQuery,
};
use moka::sync::Cache;
use schemas::Id;

use super::{Authority, Call, headers};
use crate::{CallContext, ClientKind};

/// Longer answers are sent again: a few of them would take the room of all others.
const MAX_BODY: usize = 256 * 1024;
/// Longer ones are no validators, but documents.
const MAX_ETAG: usize = 256;
/// An answer that is not asked for again for this long is dropped.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// What an entry takes beside its texts, in bytes.
const OVERHEAD: usize = 200;

/// The answers of one upstream, bounded by bytes.
pub(super) struct EtagCache {
    answers: Option<Cache<Key, CachedAnswer, RandomState>>,
    /// Whether any answer was ever kept: most upstreams send no validators, and nothing is looked for then.
    is_used: AtomicBool,
}

/// Whatever an answer may depend on: what is asked, and what the token says of who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    acting: Option<Id>,
    client: ClientKind,
    authority: Authority,
    /// Path and query, and the call's own headers.
    question: Box<[u8]>,
}

/// An answer, as it came last.
#[derive(Clone)]
pub(super) struct CachedAnswer {
    pub(super) etag: HeaderValue,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl EtagCache {
    /// `max_bytes` of 0: nothing is kept.
    pub(super) fn new(max_bytes: u64) -> Self {
        let weigh = |key: &Key, answer: &CachedAnswer| {
            let headers: usize = answer.headers.values().map(|value| value.len() + OVERHEAD / 4).sum();
            let bytes = key.question.len() + answer.etag.len() + headers + answer.body.len() + OVERHEAD;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(max_bytes).weigher(weigh).time_to_idle(IDLE);
        let answers = (max_bytes > 0).then(|| cache.build_with_hasher(RandomState::default()));
        Self { answers, is_used: AtomicBool::new(false) }
    }

    /// Under what the answer to `call` may have been kept before; `None` where it was not.
    pub(super) fn key_of_kept(&self, cx: &CallContext, call: &Call) -> Option<Key> {
        if self.is_used.load(Ordering::Relaxed) { self.key(cx, call) } else { None }
    }

    /// Under what the answer to `call` is kept; `None` where it never is.
    fn key(&self, cx: &CallContext, call: &Call) -> Option<Key> {
        let acting = match call.authority {
            Authority::Caller => cx.acting.clone(),
            Authority::Nobody => None,
            Authority::Accounts | Authority::Deletion => return None,
        };
        let cached = self.answers.is_some() && call.method == Method::GET && call.wants_body;
        (cached && !headers::is_conditional(&call.headers)).then(|| Key {
            acting,
            client: cx.client,
            authority: call.authority,
            question: question(call),
        })
    }

    pub(super) fn find(&self, key: &Key) -> Option<CachedAnswer> {
        self.answers.as_ref()?.get(key)
    }

    /// Keeps what came with a success, if the upstream has a validator for it and nothing against it; forgets the
    /// answer of before in any case. `key` is [`EtagCache::key_of_kept`].
    pub(super) fn put(
        &self,
        (cx, call, key): (&CallContext, &Call, Option<Key>),
        status: StatusCode,
        received: &HeaderMap,
        body: &Bytes,
    ) {
        let is_first = || received.contains_key(ETAG).then(|| self.key(cx, call)).flatten();
        let Some(key) = key.or_else(is_first) else { return };
        let Some(cache) = &self.answers else { return };
        let etag = received.get(ETAG).filter(|etag| etag.len() <= MAX_ETAG && !etag.is_empty());
        match etag {
            Some(etag) if status == StatusCode::OK && body.len() <= MAX_BODY && may_be_kept(received) => {
                // A copy of its own: the bytes may be a small part of what was read from the connection at once.
                let (etag, body) = (etag.clone(), Bytes::copy_from_slice(body));
                self.is_used.store(true, Ordering::Relaxed);
                cache.insert(key, CachedAnswer { etag, headers: headers::of_answer(received), body });
            }
            // Most upstreams send no validators: a look is cheaper than a removal.
            _ if cache.contains_key(&key) => cache.invalidate(&key),
            _ => {}
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        if let Some(cache) = &self.answers {
            cache.invalidate(key);
        }
    }
}

fn question(call: &Call) -> Box<[u8]> {
    let target = call.uri.path_and_query().map_or("", PathAndQuery::as_str);
    if call.headers.is_empty() {
        return target.as_bytes().into();
    }
    let mut question = target.as_bytes().to_vec();
    for (name, value) in &call.headers {
        // Neither a path nor a header holds a line break.
        question.push(b'\n');
        question.extend_from_slice(name.as_str().as_bytes());
        question.push(b':');
        question.extend_from_slice(value.as_bytes());
    }
    question.into()
}

impl CachedAnswer {
    /// Whether a 304 with these headers is about this answer (weak comparison, RFC 9110 section 8.8.3.2). One without
    /// `ETag` is about what it was asked about.
    pub(super) fn is_meant_by(&self, headers: &HeaderMap) -> bool {
        let opaque =
            |etag: &HeaderValue| etag.as_bytes().strip_prefix(b"W/").unwrap_or(etag.as_bytes()).to_vec();
        headers.get(ETAG).is_none_or(|told| opaque(told) == opaque(&self.etag))
    }
}

/// RFC 9111 section 5.2.2.5.
fn may_be_kept(headers: &HeaderMap) -> bool {
    let mut directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    !directives.any(|line| line.split(',').any(|word| word.trim().eq_ignore_ascii_case("no-store")))
}
