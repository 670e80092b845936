//! Keys of files in bodies: checked before an upstream is called.

use http::Method;
use serde_json::json;

use super::super::files::named;
use crate::{
    compose::plan::{FileField, RoutePlan},
    routes::{Route, tests::plans::route},
};

#[test]
fn the_keys_of_a_body_are_those_of_its_declared_fields() {
    let field = |name: &str, picture| FileField { name: name.into(), picture };
    let files = [field("photo", true), field("text", false)].into();
    let plan = RoutePlan { files, ..route(Method::POST) };
    let route = Route::new(std::sync::Arc::new(plan), &[]).expect("a route");
    let keys = |body: serde_json::Value| named(&route, &body);
    assert_eq!(keys(json!({ "photo": "a", "text": "b", "other": "c" })), ["a", "b"]);
    assert_eq!(keys(json!({ "photo": null })), ["", ""]);
    assert_eq!(keys(json!([])), ["", ""]);
}
