//! The limits around one exchange: the deadline, and the gate within it.

use std::time::Instant;

use tokio::time::timeout_at;

use super::{Call, connections::Connections, exchange::Received, upstream::Inner};
use crate::{CallContext, UpstreamError, report::Reporter};

impl Inner {
    /// The answer, if it is a success that came in time.
    pub(super) async fn answer(
        &self,
        cx: &CallContext,
        call: &Call,
        http: &Connections,
        report: &Reporter,
    ) -> Result<Received, UpstreamError> {
        let timeout = UpstreamError::Timeout { upstream: self.name };
        let now = Instant::now();
        let deadline = cx.deadline.min(now + self.timeout);
        if deadline <= now {
            return Err(timeout);
        }
        let tried = async {
            let _permit = self.gate.enter().await.ok_or(UpstreamError::Overloaded { upstream: self.name })?;
            self.exchange(cx, call, http, deadline, report).await
        };
        timeout_at(deadline.into(), tried).await.unwrap_or(Err(timeout))
    }
}
