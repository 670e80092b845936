//! Calls whose answers have a type: a path in, a value out. They are spawned on the shared runtime.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;

use super::{Call, Upstream, abort_on_drop::AbortOnDrop};
use crate::{BodyFault, CallContext, UpstreamError, report::Reporter};

impl Upstream {
    /// A call of `operation` to the path made of `segments`, below the base URL.
    pub(crate) fn typed_call(&self, operation: &'static str, method: Method, segments: &[&str]) -> Call {
        Call::new(self.0.name, operation, method, &self.0.base, segments)
    }

    /// Asks for JSON.
    pub(crate) async fn fetch<T>(&self, cx: &CallContext, call: Call) -> Result<T, UpstreamError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.run(cx, call, |body| Ok(serde_json::from_slice(body)?)).await
    }

    /// Asks for what `read` makes of the answer's body.
    pub(crate) async fn fetch_read<T, F>(
        &self,
        cx: &CallContext,
        call: Call,
        read: F,
    ) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        F: FnOnce(&[u8]) -> Result<T, BodyFault> + Send + 'static,
    {
        self.run(cx, call, |body| read(body)).await
    }

    /// Asks for something to be done; any 2xx says that it was, whatever comes with it.
    pub(crate) async fn perform(&self, cx: &CallContext, call: Call) -> Result<(), UpstreamError> {
        self.run(cx, call.ignoring_the_body(), |_| Ok(())).await
    }

    async fn run<T, D>(&self, cx: &CallContext, call: Call, decode: D) -> Result<T, UpstreamError>
    where
        T: Send + 'static,
        D: FnOnce(&Bytes) -> Result<T, BodyFault> + Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        let report = Reporter::start(&inner.observer, inner.name, call.operation, &cx.request_id);
        let cx = cx.clone();
        let task = self.runtime().spawn(async move {
            let name = inner.name;
            let http = inner.pools.shared();
            let answer = inner.answer(&cx, &call, &http, &report).await;
            let not_modified = answer.as_ref().is_ok_and(|received| received.not_modified);
            let result = answer.and_then(|received| {
                decode(&received.body).map_err(|source| UpstreamError::Body { upstream: name, source })
            });
            report.finish(&result, not_modified);
            result
        });
        let _abort = AbortOnDrop(task.abort_handle());
        match task.await {
            Ok(result) => result,
            Err(lost) => match lost.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody else holds the abort handle: the runtime is shutting down.
                Err(_) => Err(UpstreamError::Overloaded { upstream: self.0.name }),
            },
        }
    }
}
