//! The recipe book, which is compiled in.

use std::sync::Arc;

use schemas::FieldError;
use smallvec::SmallVec;

use crate::{
    compose::{
        params::{self, ParamError, Sources},
        plan::{Access, GatewayPlan, ParamValue, RoutePlan},
    },
    declare::Declarations,
};

fn plan() -> Arc<GatewayPlan> {
    let book = Declarations::recipe_book().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    book.compile()
}

#[test]
fn the_recipe_book_compiles() {
    let names: Vec<&str> = plan().screens.iter().map(|screen| screen.name).collect();
    assert_eq!(names, ["home-feed", "me", "member", "recipe"]);
}

/// DESIGN section 4: method, path, access, status.
const ROUTES: [(&str, &str, Access, u16); 23] = {
    use Access::{Open, SignedIn};
    [
        ("DELETE", "/api/comments/{id}", SignedIn, 204),
        ("PUT", "/api/comments/{id}", SignedIn, 200),
        ("DELETE", "/api/comments/{id}/like", SignedIn, 204),
        ("PUT", "/api/comments/{id}/like", SignedIn, 204),
        ("DELETE", "/api/follows/{memberId}", SignedIn, 204),
        ("PUT", "/api/follows/{memberId}", SignedIn, 204),
        ("GET", "/api/ingredients", Open, 200),
        ("GET", "/api/me", SignedIn, 200),
        ("PATCH", "/api/me", SignedIn, 200),
        ("POST", "/api/posts", SignedIn, 201),
        ("DELETE", "/api/posts/{id}", SignedIn, 204),
        ("DELETE", "/api/posts/{id}/like", SignedIn, 204),
        ("PUT", "/api/posts/{id}/like", SignedIn, 204),
        ("GET", "/api/recipes", Open, 200),
        ("POST", "/api/recipes", SignedIn, 201),
        ("DELETE", "/api/recipes/{id}", SignedIn, 204),
        ("GET", "/api/recipes/{id}", Open, 200),
        ("PUT", "/api/recipes/{id}", SignedIn, 200),
        ("GET", "/api/recipes/{id}/comments", Open, 200),
        ("POST", "/api/recipes/{id}/comments", SignedIn, 201),
        ("GET", "/api/recipes/{id}/form", SignedIn, 200),
        ("DELETE", "/api/recipes/{id}/like", SignedIn, 204),
        ("PUT", "/api/recipes/{id}/like", SignedIn, 204),
    ]
};

#[test]
fn every_read_and_write_is_declared_with_its_access_and_status() {
    let plan = plan();
    let mut routes: Vec<_> = plan
        .routes
        .iter()
        .map(|route| (route.path.as_ref(), route.method.as_str(), route.access, route.status))
        .collect();
    routes.sort_by_key(|(path, method, ..)| (*path, *method));
    let expected = ROUTES.map(|(method, path, access, status)| (path, method, access, status));
    assert_eq!(routes, expected);
}

fn route(plan: &GatewayPlan, method: &str, path: &str) -> Arc<RoutePlan> {
    let found = plan.routes.iter().find(|route| route.method.as_str() == method && &*route.path == path);
    Arc::clone(found.expect("a route"))
}

#[test]
fn what_is_made_is_made_once_and_says_where_it_is() {
    let plan = plan();
    for one in &plan.routes {
        let is_post = one.method == http::Method::POST;
        let told = (one.idempotent_key, one.location.is_some());
        assert_eq!(told, (is_post, is_post), "{} {}", one.method, one.path);
        let takes = matches!(one.method.as_str(), "POST" | "PATCH")
            || (one.method == http::Method::PUT && one.status == 200);
        assert_eq!(one.body.is_some(), takes, "{} {}", one.method, one.path);
        assert_eq!(one.profile, &*one.path == "/api/me", "{} {}", one.method, one.path);
        // What has an answer says what it is about: somebody else's is never handed out.
        let is_list = matches!(&*one.path, "/api/recipes" | "/api/ingredients") && !is_post;
        assert_eq!(one.expect.is_empty(), one.shape.is_none() || is_list, "{} {}", one.method, one.path);
    }
}

struct Request<'r> {
    path: &'r str,
    query: &'r str,
}

impl Sources for Request<'_> {
    fn path(&self, _: &str) -> Option<&str> {
        Some(self.path)
    }

    fn query(&self) -> &str {
        self.query
    }

    fn header(&self, _: &str) -> SmallVec<[&str; 2]> {
        SmallVec::new()
    }
}

/// Values, or fields with their codes.
fn asked(path: &str, id: &str, query: &str) -> Result<Vec<Option<ParamValue>>, Vec<(String, String)>> {
    let route = route(&plan(), "GET", path);
    let code = |error: FieldError| (error.field, error.code);
    match params::read(&route.params, &Request { path: id, query }, false) {
        Ok(values) => Ok(values.into_vec()),
        Err(ParamError::Invalid(errors)) => Err(errors.into_iter().map(code).collect()),
        Err(ParamError::NotFound) => Err(vec![("404".into(), String::new())]),
    }
}

#[test]
fn parameters_are_read_as_forms_write_them_and_their_mistakes_are_named() {
    let text = |text: &str| Some(ParamValue::Text(text.into()));
    let number = |number| Some(ParamValue::Integer(number));
    let list = |query: &str| asked("/api/recipes", "", query);
    let first = Ok(vec![None, number(1), number(10), text("new")]);
    assert_eq!(list(""), first);
    assert_eq!(list("q=+&utm_source=x&limit=nonsense"), first);
    assert_eq!(
        list("q=%EA%B9%80%EC%B9%98+%26+rice&page=4294967295&pageSize=100&sort=popular"),
        Ok(vec![text("김치 & rice"), number(4_294_967_295), number(100), text("popular")])
    );
    assert!(list(&format!("q={}", "%EA%B9%80".repeat(200))).is_ok());
    let one = |field: &str, code: &str| Err(vec![(field.to_owned(), code.to_owned())]);
    for number in ["0", "101", "4294967296", "99999999999999999999999999"] {
        assert_eq!(list(&format!("pageSize={number}")), one("pageSize", "out_of_range"), "{number}");
    }
    for number in ["", "-1", "x", "1.5", "1e1", "%2B1", "٣"] {
        assert_eq!(list(&format!("pageSize={number}")), one("pageSize", "invalid"), "{number}");
    }
    assert_eq!(list("page=4294967296"), one("page", "out_of_range"));
    assert_eq!(list("page=1&page=1"), one("page", "duplicate"));
    assert_eq!(list("sort=old"), one("sort", "invalid"));
    assert_eq!(list("q=%00"), one("q", "invalid"));
    assert_eq!(list("q=%ff"), one("q", "invalid"));
    assert_eq!(list(&format!("q={}", "x".repeat(201))), one("q", "too_long"));
    assert_eq!(list("page=0&pageSize=0&sort=x&q=%07").map_err(|errors| errors.len()), Err(4));

    let comments = |query: &str| asked("/api/recipes/{id}/comments", "r", query);
    assert_eq!(comments("cursor="), Ok(vec![text("r"), number(20), None]));
    assert_eq!(comments("limit=100&cursor=a%2Fb%3D"), Ok(vec![text("r"), number(100), text("a/b=")]));
    assert_eq!(comments("limit=101"), one("limit", "out_of_range"));
    assert_eq!(comments("limit="), one("limit", "invalid"));
    for cursor in ["%00", "%ff", "%0a", &"x".repeat(513)] {
        assert_eq!(comments(&format!("cursor={cursor}")), one("cursor", "invalid"), "{cursor}");
    }
    for id in ["..", "a b", "a%2Fb", &"x".repeat(129)] {
        assert_eq!(asked("/api/recipes/{id}", id, ""), one("404", ""), "{id}");
    }
}
