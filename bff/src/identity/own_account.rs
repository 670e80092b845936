//! What becomes of an account that is gone: the service that keeps accounts says so when it is asked for the caller's own
//! one, and then nobody is signed in to it any more.

use clients::UpstreamError;
use http::StatusCode;
use schemas::Id;

use super::Sessions;

impl Sessions {
    /// Asks for the account of `user` on their own behalf. Where the service says twice in a row that there is none, all
    /// of their sign-ins end, on every replica, before this answers with its word.
    ///
    /// # Errors
    /// What `ask` ends with.
    pub async fn own_account<T, Fut>(&self, user: &Id, ask: impl Fn() -> Fut) -> Result<T, UpstreamError>
    where
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        let first = ask().await;
        if !first.as_ref().is_err_and(is_gone) {
            return first;
        }
        // A service that has just been started, or one of several that is behind, may be mistaken once.
        let second = ask().await;
        if second.as_ref().is_err_and(is_gone) {
            match self.end_all(user, None).await {
                Ok(ended) => {
                    self.inner.metrics.sessions_ended.inc_by(ended.len() as u64);
                    tracing::warn!(sign_ins = ended.len(), "an account is gone: its sign-ins have ended");
                }
                // The next request asks again.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an account is gone, and its sign-ins cannot be ended"
                ),
            }
        }
        second
    }
}

/// Whether the service itself says that there is no such account: 404 or 410 with a problem document. A
/// 404 without one may come from anything on the way, such as a proxy that does not know the service's new address: that
/// must not sign everybody out.
fn is_gone(error: &UpstreamError) -> bool {
    let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
    error.status().is_some_and(|status| gone.contains(&status)) && error.is_explained()
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use clients::Problem;
    use tokio::runtime::Handle;

    use super::*;
    use crate::{
        identity::{SessionPolicy, sessions::tests::member},
        store::MemoryStore,
        telemetry::unix_ms,
    };

    fn refused(status: u16, code: Option<&str>) -> UpstreamError {
        let problem = code.map(|code| Arc::new(Problem { code: code.to_owned(), ..Problem::default() }));
        let status = StatusCode::from_u16(status).expect("a status");
        UpstreamError::Status { upstream: "profile", status, problem }
    }

    #[tokio::test]
    async fn only_what_the_service_says_twice_ends_the_sign_ins() {
        let store = Arc::new(MemoryStore::new());
        let sessions = Sessions::new(store, SessionPolicy::default(), Handle::current(), Arc::default());
        let member = member("ada");
        sessions.create(&member, "", "", unix_ms()).await.expect("a session");
        let gone = || refused(404, Some("not_found"));
        for (first, second, asked, left) in [
            (Ok(()), Err(gone()), 1, 1),
            (Err(refused(404, None)), Err(gone()), 1, 1),
            (Err(refused(403, Some("forbidden"))), Err(gone()), 1, 1),
            (Err(refused(500, Some("not_found"))), Err(gone()), 1, 1),
            (Err(UpstreamError::Timeout { upstream: "profile" }), Err(gone()), 1, 1),
            (Err(gone()), Ok(()), 2, 1),
            (Err(gone()), Err(refused(503, None)), 2, 1),
            (Err(refused(404, Some(""))), Err(refused(410, Some("gone"))), 2, 0),
        ] {
            let answers = [first.clone(), second.clone()];
            let count = Cell::new(0);
            let ask = || {
                let answer = answers[count.replace(count.get() + 1)].clone();
                async { answer }
            };
            let answer = sessions.own_account(member.id(), ask).await;
            assert_eq!(answer.is_ok(), answers[asked - 1].is_ok());
            assert_eq!(count.get(), asked, "{first:?} {second:?}");
            let listed = sessions.list(member.id(), unix_ms()).await.expect("a list");
            assert_eq!(listed.len(), left, "{first:?} {second:?}");
        }
    }
}
