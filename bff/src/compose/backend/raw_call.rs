//! From the engine's calls to those of the clients.

use bytes::Bytes;
use clients::{Authority, RawCall};
use http::{HeaderName, HeaderValue};

use crate::compose::{engine::PreparedCall, plan::CallPlan};

/// A prepared call, as the clients take it.
#[must_use]
pub fn raw_call(plan: &CallPlan, call: PreparedCall) -> RawCall {
    let PreparedCall { target, send, body } = call;
    let mut raw = RawCall::new(plan.operation, plan.method.clone(), target);
    for (name, value) in send {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            raw.headers.insert(name, value);
        }
    }
    raw.body = body.map(Bytes::from);
    if plan.for_nobody {
        raw.authority = Authority::Nobody;
    }
    raw
}
