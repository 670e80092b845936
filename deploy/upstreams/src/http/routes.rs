//! A route table that answers 405 with `Allow` where a path is known and a method is not.

use actix_web::{
    FromRequest, Handler, HttpResponse, Resource, Responder, guard,
    http::Method,
    web::{self, ServiceConfig},
};

use super::failure::Failure;

/// The methods of one path.
pub(crate) struct Routes {
    resource: Resource,
    allow: Vec<&'static str>,
}

impl Routes {
    pub(crate) fn at(path: &str) -> Self {
        Self { resource: web::resource(path), allow: Vec::new() }
    }

    /// GET, and HEAD with it.
    pub(crate) fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.resource = self.resource.route(route.to(handler));
        self.allow.extend(["GET", "HEAD"]);
        self
    }

    pub(crate) fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, "POST", handler)
    }

    pub(crate) fn put<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PUT, "PUT", handler)
    }

    pub(crate) fn patch<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::PATCH, "PATCH", handler)
    }

    pub(crate) fn delete<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::DELETE, "DELETE", handler)
    }

    fn on<F, Args>(mut self, method: Method, name: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self.resource.route(web::method(method).to(handler));
        self.allow.push(name);
        self
    }

    /// Hands the path to the app.
    pub(crate) fn register(self, config: &mut ServiceConfig) {
        let allow = self.allow.join(", ");
        config.service(self.resource.default_service(web::to(move || {
            let allow = allow.clone();
            async move { Err::<HttpResponse, _>(Failure::Method { allow }) }
        })));
    }
}
