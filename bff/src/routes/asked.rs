//! One request to a declared route.

use std::sync::Arc;

use actix_web::HttpRequest;
use clients::CallContext;

use super::{Routes, asker::Asker, route::Route};
use crate::compose::{engine, params::Params};

/// A request whose caller and parameters are known.
pub(super) struct Asked {
    pub(super) request: HttpRequest,
    pub(super) routes: Routes,
    pub(super) route: Arc<Route>,
    pub(super) asker: Asker,
    pub(super) params: Params,
    pub(super) cx: CallContext,
}

impl Asked {
    /// The same as the engine takes it.
    pub(super) fn values(&self) -> engine::Asked<'_> {
        self.asker.asked(&self.params)
    }
}
