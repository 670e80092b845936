//! A request that got no answer, whichever client sent it.

use std::{error::Error, io};

use hyper_util::client::legacy;

/// Why there is no answer. Its text names no URL.
#[derive(Debug, thiserror::Error)]
#[error("the request got no answer")]
pub struct SendError(#[source] Sent);

#[derive(Debug, thiserror::Error)]
enum Sent {
    #[error(transparent)]
    Plain(legacy::Error),
    #[error(transparent)]
    Tls(reqwest::Error),
}

impl SendError {
    pub(super) fn of_hyper(error: legacy::Error) -> Self {
        Self(Sent::Plain(error))
    }

    pub(super) fn of_reqwest(error: reqwest::Error) -> Self {
        Self(Sent::Tls(error.without_url()))
    }

    /// Whether something took too long: to connect, most of the time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match &self.0 {
            Sent::Plain(_) => self.causes().any(|cause| {
                let io = cause.downcast_ref::<io::Error>();
                io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
                    || cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout)
            }),
            Sent::Tls(error) => error.is_timeout(),
        }
    }

    /// Whether there was no connection.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        match &self.0 {
            Sent::Plain(error) => error.is_connect(),
            Sent::Tls(error) => error.is_connect(),
        }
    }

    /// What hyper's client says of it.
    pub(super) fn hyper(&self) -> Option<&legacy::Error> {
        match &self.0 {
            Sent::Plain(error) => Some(error),
            Sent::Tls(_) => self.causes().find_map(|cause| cause.downcast_ref()),
        }
    }

    /// Beneath the client's own error.
    pub(super) fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first = match &self.0 {
            Sent::Plain(error) => error.source(),
            Sent::Tls(error) => error.source(),
        };
        std::iter::successors(first, |cause| (*cause).source())
    }
}
