//! The table of routes.

use actix_web::{
    App,
    http::{Method as CallerMethod, header::ALLOW},
    test::{TestRequest, init_service, try_call_service},
};
use http::Method;

use super::{Alone, World, json, resolve, route};
use crate::{compose::plan::RoutePlan, edge::Dispatch};

#[actix_web::test]
async fn a_path_answers_its_methods_and_names_them_to_whoever_asks_with_another() {
    let rest = RoutePlan { name: "/api/{rest..}", path: "/api/{rest..}".into(), ..route(Method::POST) };
    let plans = vec![rest, route(Method::GET), route(Method::DELETE)];
    let world = World::serving(plans, |_| json(200, "{}")).await;
    let app = init_service(App::new().wrap(Dispatch::<Alone>::default()).wrap(resolve(&world.routes))).await;
    let allowed = async |method: CallerMethod, path: &str| {
        let request = TestRequest::with_uri(path).method(method).to_request();
        let answer = try_call_service(&app, request).await.expect("an answer");
        let allow = answer.headers().get(ALLOW).map(|allow| allow.to_str().expect("text").to_owned());
        (answer.status().as_u16(), allow)
    };
    let order = Some("GET, HEAD, DELETE".to_owned());
    assert_eq!(allowed(CallerMethod::PUT, "/api/orders/7").await, (405, order));
    assert_eq!(allowed(CallerMethod::GET, "/api/other/7").await, (405, Some("POST".to_owned())));
    assert_eq!(allowed(CallerMethod::GET, "/elsewhere").await, (404, None));
    // The edge that says who asks is not there: it came as far as that.
    for method in [CallerMethod::GET, CallerMethod::HEAD, CallerMethod::DELETE] {
        assert_eq!(allowed(method.clone(), "/api/orders/7").await, (500, None), "{method}");
    }
}
