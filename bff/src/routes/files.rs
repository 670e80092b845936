//! Keys of files in what callers write: each must name a committed file of the writer's own, or a picture of another, or
//! one that anybody could still replace, would be shown under the writer's name.

use schemas::FieldError;
use serde_json::Value;

use super::{Routes, route::Route};
use crate::edge::ApiError;

/// Checks the fields of `input` that the route declares to be keys of files. Null and absent ones name none.
///
/// # Errors
/// 422 `unknown_file`, with every field that is wrong; what the storage fails with.
pub(super) async fn check(
    routes: &Routes,
    route: &Route,
    user: Option<&str>,
    named: Vec<String>,
) -> Result<(), ApiError> {
    let mut errors = Vec::new();
    for (field, key) in route.files.iter().zip(named).filter(|(_, key)| !key.is_empty()) {
        let known = match user {
            Some(user) => (routes.check_file)(user.to_owned(), key, field.picture).await?,
            None => false,
        };
        if !known {
            let kind = if field.picture { "picture" } else { "file" };
            let message = format!("must be a public {kind} that you have uploaded and committed");
            errors.push(FieldError { field: (*field.name).into(), code: "unknown_file".into(), message });
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(ApiError::Invalid(errors)) }
}

/// The keys that stand in the fields of `input`, in the order of the declaration; empty where there is none.
pub(super) fn named(route: &Route, input: &Value) -> Vec<String> {
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    route.files.iter().map(|field| text(&field.name)).collect()
}
