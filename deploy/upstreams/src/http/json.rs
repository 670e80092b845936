//! A JSON body, read so that each way of being wrong gets its own answer.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::BytesMut,
};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;

use super::failure::{Failure, field_error};

/// Longest body in bytes.
const LIMIT: usize = 64 * 1024;

/// A body of that type. 415 for another media type, 413 over 64 KiB, 400 for what is not JSON, 422 with
/// the field's path for JSON of another shape.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepted = check_headers(request);
        let mut payload = payload.take();
        Box::pin(async move {
            accepted?;
            let mut body = BytesMut::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| cut_off())?;
                if body.len() + chunk.len() > LIMIT {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            parse(&body).map(Self)
        })
    }
}

fn check_headers(request: &HttpRequest) -> Result<(), Failure> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let encoding = text(header::CONTENT_ENCODING).unwrap_or("identity");
    if !essence.eq_ignore_ascii_case("application/json") || !encoding.eq_ignore_ascii_case("identity") {
        return Err(Failure::refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be application/json, not compressed.",
        ));
    }
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > LIMIT as u64) { Err(too_large()) } else { Ok(()) }
}

const fn too_large() -> Failure {
    Failure::refused(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body may have 64 KiB.")
}

const fn cut_off() -> Failure {
    Failure::refused(StatusCode::BAD_REQUEST, "body_cut_off", "The body ended early.")
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let malformed = Failure::refused(StatusCode::BAD_REQUEST, "malformed_json", "The body is not JSON.");
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => deserializer.end().map(|()| value).map_err(|_| malformed),
        Err(error) if error.inner().is_data() => Err(misshapen(&error)),
        Err(_) => Err(malformed),
    }
}

/// serde has one kind of error for data of another shape; its text tells the cases apart.
fn misshapen(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let text = error.inner().to_string();
    let path = match error.path().to_string() {
        root if root == "." => String::new(),
        path => path,
    };
    let named = text.split('`').nth(1).unwrap_or_default();
    let (field, code, message) = if text.starts_with("missing field") {
        let field = if path.is_empty() { named.to_owned() } else { format!("{path}.{named}") };
        (field, "required", "is missing".to_owned())
    } else if text.starts_with("unknown field") {
        (if path.is_empty() { named.to_owned() } else { path }, "unknown_field", "is not known".to_owned())
    } else if text.starts_with("duplicate field") {
        (if path.is_empty() { named.to_owned() } else { path }, "repeated", "is there twice".to_owned())
    } else {
        // The place in the text helps nobody; the value itself is not repeated: it may be a password.
        (path, "invalid", "is not of the expected kind".to_owned())
    };
    Failure::Invalid { code: "invalid_input", errors: vec![field_error(field, code, message)] }
}

#[cfg(test)]
mod tests {
    use crate::wire::RecipeInput;

    use super::{Failure, parse};

    #[test]
    fn the_answer_names_the_field() {
        let table = [
            (r#"{"title":1,"body":"b","servings":2,"ingredients":[]}"#, "title", "invalid"),
            (r#"{"body":"b","servings":2,"ingredients":[]}"#, "title", "required"),
            (r#"{"title":"t","body":"b","servings":2,"ingredients":[],"x":1}"#, "x", "unknown_field"),
            (r#"{"title":"t","title":"t","body":"b","servings":2,"ingredients":[]}"#, "title", "repeated"),
            (r#"{"title":"t","body":"b","servings":-2,"ingredients":[]}"#, "servings", "invalid"),
            (
                r#"{"title":"t","body":"b","servings":2,"ingredients":[{"ingredientId":"a","amount":1},{"ingredientId":"a","amount":0.0001}]}"#,
                "ingredients[1].amount",
                "invalid",
            ),
            (
                r#"{"title":"t","body":"b","servings":2,"ingredients":[{"amount":1}]}"#,
                "ingredients[0].ingredientId",
                "required",
            ),
            (r#"[]"#, "", "invalid"),
        ];
        for (body, field, code) in table {
            match parse::<RecipeInput>(body.as_bytes()) {
                Err(Failure::Invalid { errors, .. }) => {
                    assert_eq!((errors[0].field.as_str(), errors[0].code.as_str()), (field, code), "{body}");
                }
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in ["", "{", "nope", "\"\u{0}\"", "{\"title\":\"\\ud800\"}"] {
            let outcome = parse::<RecipeInput>(body.as_bytes());
            assert!(matches!(outcome, Err(Failure::Refused { .. })), "{body}: {outcome:?}");
        }
    }
}
