//! What those ask for who say nothing, worked out once for each screen; and how parameters become a key.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::{
    cache::DocumentKey,
    compose::{
        params::{self, Params, Sources},
        plan::{ParamPlan, ParamSource, ParamValue, ScreenPlan},
    },
};

/// What a document is kept by, beside screen and user: view and parameters.
pub(super) fn key_of(compact: bool, params: &Params) -> Vec<u8> {
    let view: &[u8] = if compact { b"compact" } else { b"full" };
    let mut key = DocumentKey::default().with(view);
    for value in params {
        key = match value {
            // No value is empty: blank ones count as absent.
            None => key.with(b""),
            Some(ParamValue::Text(text)) => key.with(text.as_bytes()),
            Some(ParamValue::Integer(number)) => key.with(&number.to_be_bytes()),
            Some(ParamValue::Boolean(one)) => key.with(&[u8::from(*one)]),
        };
    }
    key.into_bytes()
}

/// What is asked for by those who say nothing: most do.
pub(super) struct Plain {
    pub(super) params: Arc<Params>,
    pub(super) key: Vec<u8>,
}

impl Plain {
    /// Nothing for a screen that reads parameters of the path or of headers.
    pub(super) fn of(plan: &ScreenPlan) -> Option<Self> {
        let elsewhere =
            |param: &ParamPlan| !matches!(param.source, ParamSource::Query | ParamSource::StaticResponse);
        if plan.params.iter().any(elsewhere) {
            return None;
        }
        let params = params::read(&plan.params, &NothingSaid, false).ok()?;
        let key = key_of(false, &params);
        Some(Self { params: Arc::new(params), key })
    }
}

struct NothingSaid;

impl Sources for NothingSaid {
    fn path(&self, _: &str) -> Option<&str> {
        None
    }

    fn query(&self) -> &str {
        ""
    }

    fn header(&self, _: &str) -> SmallVec<[&str; 2]> {
        SmallVec::new()
    }
}
