//! The stage that finds routes, over routes alone.

use std::sync::Arc;

use actix_web::{HttpRequest, dev::Payload, http::Method};
use arc_swap::ArcSwap;
use futures_util::future::FutureExt;

use crate::{
    edge::{Dispatched, Exempt, Reply, Resolve, Row, Table},
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

    fn answer(&self, route: &Arc<Route>, request: HttpRequest, payload: Payload) -> Reply {
        Reply::Later(answer(self.routes.clone(), Arc::clone(route), request, payload).boxed_local())
    }
}

/// The stage that goes before [`Dispatch`] of the same.
pub(super) fn resolve(routes: &Routes) -> Resolve<Alone> {
    let rows = routes.all().iter().map(|route| {
        let (method, handler) = (route.method(), Arc::clone(route));
        let head = method == Method::GET;
        Row { path: route.path().into(), method, head, exempt: Exempt::default(), handler }
    });
    let table = Table::new(rows);
    Resolve { served: Arc::new(ArcSwap::from_pointee(Alone { routes: routes.clone(), table })), beside: None }
}
