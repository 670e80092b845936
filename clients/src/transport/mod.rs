//! One HTTP exchange with an upstream, and the limits around it. Called by the clients; the only place
//! that builds an HTTP client.
//!
//! A call goes through these layers, outermost first:
//!
//! 1. report: the observer hears of it once, whatever happens
//! 2. deadline: the upstream's timeout or the caller's deadline, whichever comes first
//! 3. gate: at most so many at once, a short queue behind
//! 4. exchange: one try on the wire, with its own token, span and remaining time; an answer that the upstream has given
//!    before is asked about instead of being fetched again
//! 5. connections: a read that a pooled connection lost before any answer is tried once more on a new one
//!
//! [`raw`] and [`stream`] are the ways in for declared parts and routes: they run where their caller runs, on the
//! connections of that runtime (see [`pools`]). Typed calls are spawned on the shared runtime.

mod abort_on_drop;
mod authority;
mod authorization;
mod base;
mod call;
mod config;
mod connections;
mod error;
mod etag_cache;
mod exchange;
mod gate;
mod headers;
mod limits;
mod opened;
mod plain;
mod pools;
mod provider;
mod raw;
mod raw_call;
mod send_error;
mod storage;
mod stream;
mod tls;
mod trace;
mod typed;
mod upload;
mod upstream;
mod webhook;

pub use authority::Authority;
pub use authorization::Authorization;
pub(crate) use call::Call;
pub use config::UpstreamConfig;
pub use error::TransportError;
pub(crate) use provider::ProviderHttp;
pub use raw_call::{RawAnswer, RawCall};
pub use send_error::SendError;
pub use storage::{StorageAnswer, StorageHttp, StorageHttpError, StoragePieces};
pub use stream::{AnswerBody, StreamCall, StreamLimits, StreamedAnswer};
pub use tls::TlsFiles;
pub use upload::Upload;
pub use upstream::Upstream;
pub use webhook::{Webhook, WebhookError};
