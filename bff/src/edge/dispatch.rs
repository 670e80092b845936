//! The table of all paths that are served, and the innermost stage: what a request was resolved to answers it.

use std::{
    collections::HashMap,
    future::{Ready, ready},
    marker::PhantomData,
};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Payload, ResourceDef, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::Method,
};
use futures_util::future::{Either, FutureExt, LocalBoxFuture};

use schemas::intern;

use super::{
    ApiError, RequestContext,
    place::{Exempt, Place, Resolved},
};

/// What is dispatched to.
pub trait Dispatched: Send + Sync + 'static {
    /// What answers at a path.
    type Handler;

    /// All paths.
    fn table(&self) -> &Table<Self::Handler>;

    /// Answers a request that has come to `handler`.
    fn answer(&self, handler: &Self::Handler, request: HttpRequest, payload: Payload) -> Reply;
}

/// An answer.
pub enum Reply {
    /// One that is there.
    Now(Result<HttpResponse, ApiError>),
    /// One that something has to be awaited for.
    Later(LocalBoxFuture<'static, Result<HttpResponse, ApiError>>),
}

/// One path of what is declared: its methods, and 405 with `Allow` (RFC 9110 section 10.2.1) for all others.
struct Entry<T> {
    route: &'static str,
    definition: ResourceDef,
    allow: &'static str,
    methods: Vec<Answered<T>>,
}

struct Answered<T> {
    method: Method,
    head: bool,
    exempt: Exempt,
    handler: T,
}

/// A method on a path, and what answers it.
pub struct Row<T> {
    /// As declared: `{rest..}` may end one.
    pub path: Box<str>,
    pub method: Method,
    /// Whether it answers HEAD as well (RFC 9110 section 9.3.2). Only a GET can.
    pub head: bool,
    pub exempt: Exempt,
    pub handler: T,
}

/// Paths, and what answers there.
pub struct Table<T> {
    entries: Vec<Entry<T>>,
    /// Entries without placeholders.
    plain: HashMap<Box<str>, usize>,
    /// Those with some, what says more in front.
    placeholders: Vec<usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new([])
    }
}

impl<T> Table<T> {
    /// Of all paths.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Row<T>>) -> Self {
        let mut entries: Vec<Entry<T>> = Vec::new();
        for Row { path, method, head, exempt, handler } in all {
            let known = entries.iter().position(|entry| *entry.route == *path);
            let place = match known {
                Some(place) => place,
                None => {
                    let definition = ResourceDef::new(pattern(&path));
                    entries.push(Entry { route: intern(&path), definition, allow: "", methods: Vec::new() });
                    entries.len() - 1
                }
            };
            entries[place].methods.push(Answered { method, head, exempt, handler });
        }
        entries.sort_by_key(|entry| rank(entry.route));
        let (mut plain, mut placeholders) = (HashMap::new(), Vec::new());
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.allow = intern(&allow(entry.methods.iter().map(|one| (&one.method, one.head))));
            if entry.route.contains('{') {
                placeholders.push(place);
            } else {
                plain.insert(entry.route.into(), place);
            }
        }
        Self { entries, plain, placeholders }
    }

    /// What a request comes to; its placeholders are in its match information from then on.
    pub(super) fn find(&self, request: &mut ServiceRequest) -> Option<Place> {
        let plain = self.plain.get(request.match_info().unprocessed()).copied();
        let path = request.match_info_mut();
        let entry = plain.or_else(|| {
            let mut patterns = self.placeholders.iter().copied();
            patterns.find(|place| self.entries[*place].definition.capture_match_info(path))
        })?;
        let wanted = request.method();
        let answers = |one: &Answered<T>| one.method == *wanted || (one.head && *wanted == Method::HEAD);
        let method = self.entries[entry].methods.iter().position(answers);
        Some(Place { entry, method })
    }

    /// What metrics call the path at `place`, and what the stages before its handler leave out.
    pub(super) fn about(&self, place: Place) -> (&'static str, Exempt) {
        let entry = &self.entries[place.entry];
        let exempt = place.method.map(|method| entry.methods[method].exempt);
        (entry.route, exempt.unwrap_or_default())
    }

    /// What answers at `place`.
    ///
    /// # Errors
    /// `Allow`, where the path has other methods.
    fn handler(&self, place: Place) -> Result<&T, &'static str> {
        let entry = &self.entries[place.entry];
        place.method.map(|method| &entry.methods[method].handler).ok_or(entry.allow)
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

fn allow<'m>(methods: impl Iterator<Item = (&'m Method, bool)>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (method, head) in methods {
        let with_head = if head { &[method.as_str(), "HEAD"][..] } else { &[method.as_str()] };
        names.extend(with_head.iter().filter(|name| !names.contains(*name)).copied().collect::<Vec<_>>());
    }
    let order = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    names.sort_by_key(|name| order.iter().position(|known| known == name).unwrap_or(order.len()));
    names.join(", ")
}

/// The stage as middleware, behind [`Resolve`](super::Resolve) of the same `D`.
pub struct Dispatch<D>(PhantomData<fn() -> D>);

impl<D> Default for Dispatch<D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// [`Dispatch`] in front of `S`.
pub struct DispatchService<S, D> {
    service: S,
    served: PhantomData<fn() -> D>,
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
        ready(Ok(DispatchService { service, served: PhantomData }))
    }
}

impl<S, B, D: Dispatched> Service<ServiceRequest> for DispatchService<S, D>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future =
        Either<Ready<Result<Self::Response, Error>>, LocalBoxFuture<'static, Result<Self::Response, Error>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let resolved = request.extensions_mut().get_mut::<RequestContext>().and_then(|c| c.resolved.take());
        let Some(Resolved { served, place }) = resolved else {
            let behind = self.service.call(request);
            let behind = behind.map(|answer| answer.map(ServiceResponse::map_into_left_body));
            return Either::Right(Box::pin(behind));
        };
        let (request, payload) = request.into_parts();
        let answering = match served.downcast::<D>() {
            Ok(served) => match served.table().handler(place) {
                Ok(handler) => served.answer(handler, request.clone(), payload),
                Err(allow) => Reply::Now(Err(ApiError::MethodNotAllowed(allow))),
            },
            Err(_) => Reply::Now(Err(ApiError::Internal("what was resolved is not what is dispatched"))),
        };
        match answering {
            Reply::Now(answer) => Either::Left(ready(Ok(respond(request, answer)))),
            Reply::Later(answering) => {
                Either::Right(Box::pin(async move { Ok(respond(request, answering.await)) }))
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
        let row = |(path, method, handler): (&str, Method, &'static str)| {
            let head = method == Method::GET && path != "/a/form";
            let exempt = Exempt { rate_limit_exempt: handler == "form", caller_independent: false };
            Row { path: path.into(), method, head, exempt, handler }
        };
        Table::new(entries.map(row))
    }

    fn find(method: Method, path: &str) -> Option<Result<&'static str, &'static str>> {
        let mut request = TestRequest::with_uri(path).method(method).to_srv_request();
        let table = table();
        let place = table.find(&mut request)?;
        Some(table.handler(place).copied())
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
        assert_eq!(find(Method::HEAD, "/a/form"), Some(Err("GET")));
    }

    #[test]
    fn what_an_endpoint_is_exempt_from_is_known_before_it_answers() {
        let about = |method: Method, path: &str| {
            let mut request = TestRequest::with_uri(path).method(method).to_srv_request();
            let table = table();
            table.find(&mut request).map(|place| table.about(place))
        };
        let free = Exempt { rate_limit_exempt: true, caller_independent: false };
        assert_eq!(about(Method::GET, "/a/form"), Some(("/a/form", free)));
        assert_eq!(about(Method::GET, "/%61/form"), Some(("/a/form", free)), "however it is written");
        assert_eq!(about(Method::DELETE, "/a/form"), Some(("/a/form", Exempt::default())), "another method");
        assert_eq!(about(Method::GET, "/a/7"), Some(("/a/{id}", Exempt::default())));
        assert_eq!(about(Method::GET, "/b"), None);
        assert_eq!(find(Method::GET, "/a/x/y/z"), Some(Err("POST")));
    }
}
