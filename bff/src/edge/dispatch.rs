//! The stage in front of the built-in routes: what is declared answers there. Its table can be exchanged while requests are
//! served, each of which ends on the one that it began with.

use std::{
    collections::HashMap,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Payload, ResourceDef, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::Method,
};
use arc_swap::ArcSwap;
use futures_util::future::{FutureExt, LocalBoxFuture};

use schemas::intern;

use super::{ApiError, RequestContext};

/// What is dispatched to.
pub trait Dispatched: 'static {
    /// What answers at a path.
    type Handler;

    /// All paths.
    fn table(&self) -> &Table<Self::Handler>;

    /// Answers a request that has come to `handler`.
    fn answer(
        &self,
        handler: &Self::Handler,
        request: HttpRequest,
        payload: Payload,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, ApiError>>;
}

/// One path of what is declared: its methods, and 405 with `Allow` (RFC 9110 section 10.2.1) for all others.
struct Entry<T> {
    route: &'static str,
    definition: ResourceDef,
    allow: &'static str,
    methods: Vec<(Method, T)>,
}

/// Paths, and what answers there.
pub struct Table<T> {
    entries: Vec<Entry<T>>,
    /// Entries without placeholders.
    plain: HashMap<Box<str>, usize>,
    /// Those with some, what says more in front.
    placeholders: Vec<usize>,
}

/// What a request has come to.
enum Found<'t, T> {
    Handler(&'static str, &'t T),
    OtherMethod(&'static str, &'static str),
}

impl<T> Table<T> {
    /// Of paths (as declared: `{rest..}` may end one), the methods that they answer, and what answers. A GET answers HEAD as
    /// well (RFC 9110 section 9.3.2).
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = (Box<str>, Method, T)>) -> Self {
        let mut entries: Vec<Entry<T>> = Vec::new();
        for (path, method, handler) in all {
            let known = entries.iter().position(|entry| *entry.route == *path);
            let place = match known {
                Some(place) => place,
                None => {
                    let definition = ResourceDef::new(pattern(&path));
                    entries.push(Entry { route: intern(&path), definition, allow: "", methods: Vec::new() });
                    entries.len() - 1
                }
            };
            entries[place].methods.push((method, handler));
        }
        entries.sort_by_key(|entry| rank(entry.route));
        let (mut plain, mut placeholders) = (HashMap::new(), Vec::new());
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.allow = intern(&allow(entry.methods.iter().map(|(method, _)| method)));
            if entry.route.contains('{') {
                placeholders.push(place);
            } else {
                plain.insert(entry.route.into(), place);
            }
        }
        Self { entries, plain, placeholders }
    }

    /// What a request comes to; its placeholders are in its match information from then on.
    fn find(&self, request: &mut ServiceRequest) -> Option<Found<'_, T>> {
        let plain = self.plain.get(request.match_info().unprocessed()).copied();
        let path = request.match_info_mut();
        let place = plain.or_else(|| {
            let mut patterns = self.placeholders.iter().copied();
            patterns.find(|place| self.entries[*place].definition.capture_match_info(path))
        })?;
        let entry = &self.entries[place];
        let method = if *request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let handler = entry.methods.iter().find(|(known, _)| known == method);
        Some(match handler {
            Some((_, handler)) => Found::Handler(entry.route, handler),
            None => Found::OtherMethod(entry.route, entry.allow),
        })
    }
}

/// A path as the router has it.
fn pattern(path: &str) -> String {
    match path.strip_suffix("..}").and_then(|path| path.rsplit_once('{')) {
        Some((before, name)) => format!("{before}{{{name}:.*}}"),
        None => path.to_owned(),
    }
}

/// Literal segments come before placeholders, and those before the rest of a path.
fn rank(path: &str) -> Vec<u8> {
    let kind = |segment: &str| match segment {
        _ if segment.ends_with("..}") => 2,
        _ if segment.starts_with('{') => 1,
        _ => 0,
    };
    path.split('/').map(kind).collect()
}

fn allow<'m>(methods: impl Iterator<Item = &'m Method>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for method in methods {
        let with_head = if *method == Method::GET { &["GET", "HEAD"][..] } else { &[method.as_str()] };
        names.extend(with_head.iter().filter(|name| !names.contains(*name)).copied().collect::<Vec<_>>());
    }
    let order = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    names.sort_by_key(|name| order.iter().position(|known| known == name).unwrap_or(order.len()));
    names.join(", ")
}

/// The stage as middleware.
pub struct Dispatch<D>(pub Arc<ArcSwap<D>>);

impl<D> Clone for Dispatch<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// [`Dispatch`] in front of `S`.
pub struct DispatchService<S, D> {
    declared: Arc<ArcSwap<D>>,
    service: S,
}

impl<S, B, D: Dispatched> Transform<S, ServiceRequest> for Dispatch<D>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = DispatchService<S, D>;
    type InitError = ();
    type Future = Ready<Result<DispatchService<S, D>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(DispatchService { declared: Arc::clone(&self.0), service }))
    }
}

impl<S, B, D: Dispatched> Service<ServiceRequest> for DispatchService<S, D>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let declared = self.declared.load();
        let Some(found) = declared.table().find(&mut request) else {
            let behind = self.service.call(request);
            return Box::pin(behind.map(|answer| answer.map(ServiceResponse::map_into_left_body)));
        };
        match found {
            Found::Handler(route, handler) => {
                RequestContext::note_route(request.request(), route);
                let (request, payload) = request.into_parts();
                let answering = declared.answer(handler, request.clone(), payload);
                Box::pin(async move {
                    let answer = answering.await;
                    Ok(respond(request, answer))
                })
            }
            Found::OtherMethod(route, allow) => {
                RequestContext::note_route(request.request(), route);
                let (request, _) = request.into_parts();
                let answer = respond(request, Err(ApiError::MethodNotAllowed(allow)));
                Box::pin(ready(Ok(answer)))
            }
        }
    }
}

fn respond<B>(
    request: HttpRequest,
    answer: Result<HttpResponse<BoxBody>, ApiError>,
) -> ServiceResponse<EitherBody<B>> {
    let response = answer.unwrap_or_else(HttpResponse::from_error);
    ServiceResponse::new(request, response).map_into_right_body()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn table() -> Table<&'static str> {
        let entries = [
            ("/a/{rest..}", Method::POST, "rest"),
            ("/a/{id}", Method::GET, "one"),
            ("/a/{id}", Method::DELETE, "delete"),
            ("/a/{id}/b", Method::GET, "below"),
            ("/a/form", Method::GET, "form"),
            ("/a", Method::POST, "make"),
        ];
        Table::new(entries.map(|(path, method, name)| (path.into(), method, name)))
    }

    fn find(method: Method, path: &str) -> Option<Result<&'static str, &'static str>> {
        let mut request = TestRequest::with_uri(path).method(method).to_srv_request();
        Some(match table().find(&mut request)? {
            Found::Handler(_, name) => Ok(*name),
            Found::OtherMethod(_, allow) => Err(allow),
        })
    }

    #[test]
    fn what_says_more_comes_first() {
        let get = |path| find(Method::GET, path);
        assert_eq!(get("/a/form"), Some(Ok("form")));
        assert_eq!(get("/a/7"), Some(Ok("one")));
        assert_eq!(get("/a/7/b"), Some(Ok("below")));
        assert_eq!(find(Method::HEAD, "/a/7"), Some(Ok("one")));
        assert_eq!(find(Method::POST, "/a/x/y/z"), Some(Ok("rest")));
        for none in ["/b", "/", "/a7"] {
            assert_eq!(get(none), None, "{none}");
        }
    }

    #[test]
    fn other_methods_are_told_which_there_are() {
        assert_eq!(find(Method::PUT, "/a/7"), Some(Err("GET, HEAD, DELETE")));
        assert_eq!(find(Method::GET, "/a"), Some(Err("POST")));
        assert_eq!(find(Method::GET, "/a/x/y/z"), Some(Err("POST")));
    }
}
