//! The stage that finds routes, over routes alone.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, dev::Payload};
use arc_swap::ArcSwap;
use futures_util::future::{FutureExt, LocalBoxFuture};

use crate::{
    edge::{ApiError, Dispatch, Dispatched, Table},
    routes::{Route, Routes, answer},
};

/// Routes and their paths.
pub(super) struct Alone {
    routes: Routes,
    table: Table<Arc<Route>>,
}

impl Dispatched for Alone {
    type Handler = Arc<Route>;

    fn table(&self) -> &Table<Arc<Route>> {
        &self.table
    }

    fn answer(
        &self,
        route: &Arc<Route>,
        request: HttpRequest,
        payload: Payload,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, ApiError>> {
        answer(self.routes.clone(), Arc::clone(route), request, payload).boxed_local()
    }
}

pub(super) fn dispatch(routes: &Routes) -> Dispatch<Alone> {
    let entries = routes.all().iter().map(|route| (route.path().into(), route.method(), Arc::clone(route)));
    let table = Table::new(entries);
    Dispatch(Arc::new(ArcSwap::from_pointee(Alone { routes: routes.clone(), table })))
}
