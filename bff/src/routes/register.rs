//! The table of declared routes: paths, their methods, and 405 with `Allow` for all others.

use std::sync::Arc;

use actix_web::{
    HttpRequest, Resource, Route, guard,
    http::Method,
    web::{self, ServiceConfig},
};
use clients::static_name;

use super::{Routes, RoutesError, serve::answer};
use crate::{
    compose::plan::{GatewayPlan, RoutePlan},
    edge::{RouteName, method_not_allowed},
};

/// A path of the table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// As the router has it.
    pattern: String,
    name: &'static str,
    allow: &'static str,
    routes: Vec<Arc<RoutePlan>>,
}

/// The paths of a plan, those first that say more: the router takes the first that matches.
///
/// # Errors
/// [`RoutesError::Name`]: a list of methods is no name.
pub(super) fn table(plan: &GatewayPlan) -> Result<Vec<Entry>, RoutesError> {
    let mut entries: Vec<(Vec<u8>, Entry)> = Vec::new();
    for route in &plan.routes {
        let pattern = pattern(&route.path);
        match entries.iter_mut().find(|(_, entry)| entry.pattern == pattern) {
            Some((_, entry)) => entry.routes.push(Arc::clone(route)),
            None => {
                let entry = Entry { pattern, name: route.name, allow: "", routes: vec![Arc::clone(route)] };
                entries.push((rank(&route.path), entry));
            }
        }
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let named = |(_, entry): (_, Entry)| Ok(Entry { allow: static_name(&allow(&entry.routes))?, ..entry });
    entries.into_iter().map(named).collect()
}

/// Adds the routes of the table to an application.
pub fn register(services: &mut ServiceConfig, routes: &Routes) {
    for entry in routes.table() {
        let resource: Resource = web::resource(entry.pattern.as_str());
        let each = entry.routes.iter();
        let resource = each.fold(resource, |resource, route| resource.route(handler(routes, route)));
        let resource = resource.app_data(RouteName(entry.name));
        services.service(resource.default_service(web::to(method_not_allowed(entry.allow))));
    }
}

fn handler(routes: &Routes, route: &Arc<RoutePlan>) -> Route {
    let (routes, plan) = (routes.clone(), Arc::clone(route));
    // A GET answers HEAD as well (RFC 9110 section 9.3.2).
    let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap_or(Method::GET);
    let guarded = if method == Method::GET {
        web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
    } else {
        web::method(method)
    };
    guarded.to(move |request: HttpRequest, payload: web::Payload| {
        answer(routes.clone(), Arc::clone(&plan), request, payload.into_inner())
    })
}

/// `Allow` (RFC 9110 section 10.2.1).
fn allow(routes: &[Arc<RoutePlan>]) -> String {
    let mut methods: Vec<&str> = Vec::new();
    for route in routes {
        let method = route.method.as_str();
        let with_head = if method == "GET" { &["GET", "HEAD"][..] } else { std::slice::from_ref(&method) };
        for method in with_head {
            if !methods.contains(method) {
                methods.push(method);
            }
        }
    }
    let order = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    methods.sort_by_key(|method| order.iter().position(|known| known == method).unwrap_or(order.len()));
    methods.join(", ")
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

#[cfg(test)]
mod tests {
    use super::{pattern, rank};

    #[test]
    fn paths_that_say_more_come_first() {
        let mut paths = ["/a/{rest..}", "/a/{id}", "/a/{id}/b", "/a/form", "/a"];
        paths.sort_by_key(|path| rank(path));
        assert_eq!(paths, ["/a", "/a/form", "/a/{id}", "/a/{id}/b", "/a/{rest..}"]);
        assert_eq!(pattern("/a/{rest..}"), "/a/{rest:.*}");
        assert_eq!(pattern("/a/{id}/b"), "/a/{id}/b");
    }
}
