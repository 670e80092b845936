//! The account that a call is made for.

use bytes::Bytes;
use clients::UpstreamError;
use futures_util::future::BoxFuture;
use schemas::Id;

/// Asks for the account of a user on their own behalf, and sees to it that the sign-ins of one that is gone end.
pub type OwnAccount =
    dyn for<'a> Fn(&'a Id, &'a (dyn Fn() -> Answering<'a> + Sync)) -> Answering<'a> + Send + Sync;
/// A call under way.
pub type Answering<'a> = BoxFuture<'a, Result<Bytes, UpstreamError>>;
