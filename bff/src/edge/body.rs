//! JSON bodies.

use std::{future::ready, ops::Deref, pin::Pin};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING},
    web,
};
use bytes::Bytes;
use schemas::FieldError;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{ApiError, Edge, FieldErrors, Validate, accepts_json};

/// A JSON body that was read whole, has the right shape and obeys its rules: 413, 415, 400 and 422 are kept
/// apart, and the fields that are wrong are named.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

impl<T> Deref for JsonBody<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + Validate + 'static> FromRequest for JsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let reading = accepts_json(request).and_then(|()| read_body(request, payload, "application/json"));
        Box::pin(async move {
            let bytes = reading?.await?;
            let body: T = parse(&bytes)?;
            let mut errors = FieldErrors::default();
            body.validate(&mut errors);
            errors.into_result().map_err(ApiError::Invalid)?;
            Ok(Self(body))
        })
    }
}

/// The same where there need not be a body at all.
#[derive(Debug, Clone)]
pub struct OptionalJsonBody<T>(pub Option<T>);

impl<T: DeserializeOwned + Validate + 'static> FromRequest for OptionalJsonBody<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // RFC 9112 section 6.3: a request without either has no body.
        let length = request.headers().get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
        if length.is_none_or(|length| length == b"0") && !request.headers().contains_key(TRANSFER_ENCODING) {
            return Box::pin(ready(accepts_json(request).map(|()| Self(None))));
        }
        let body = JsonBody::from_request(request, payload);
        Box::pin(async move { body.await.map(|JsonBody(body)| Self(Some(body))) })
    }
}

/// Reads a body whole, within the limits of its length and of the time that it may take. What can be checked by its head
/// is checked at once: see [`takes_body`].
///
/// # Errors
/// 413 or 415 at once; 400, 408 or 413 later.
pub fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
    media_type: &str,
) -> Result<impl Future<Output = Result<Bytes, ApiError>> + 'static, ApiError> {
    let edge = Edge::of(request)?;
    let (limit, timeout) = (edge.body_limit, edge.body_timeout);
    takes_body(request, media_type, limit)?;
    let payload = web::Payload::from_request(request, payload).into_inner();
    Ok(async move {
        let payload = payload.map_err(|_| ApiError::BadRequest)?;
        // Whoever sends a byte a minute must not hold a connection and a handler for ever.
        tokio::time::timeout(timeout, payload.to_bytes_limited(limit))
            .await
            .map_err(|_| ApiError::BodyTimeout)?
            .map_err(|_| ApiError::BodyTooLarge(limit))?
            .map_err(|_| ApiError::BadRequest)
    })
}

/// Refuses a body by its head alone: one that has a content coding, is not of this media type, or is said to be longer
/// than `limit` bytes.
///
/// # Errors
/// 413 or 415.
pub fn takes_body(request: &HttpRequest, media_type: &str, limit: usize) -> Result<(), ApiError> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        return Err(ApiError::UnsupportedCoding);
    }
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split(';').next()).unwrap_or_default();
    if !given.trim().eq_ignore_ascii_case(media_type) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.map(str::parse::<u64>) {
        Some(Ok(length)) if length > limit as u64 => Err(ApiError::BodyTooLarge(limit)),
        _ => Ok(()),
    }
}

pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        match error.inner().classify() {
            Category::Data => ApiError::Invalid(vec![wrong_shape(field, error.inner())]),
            Category::Syntax | Category::Eof | Category::Io => ApiError::InvalidBody,
        }
    })?;
    json.end().map_err(|_| ApiError::InvalidBody)?;
    // serde takes a list for a struct whose fields come in order. Ours are objects.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let (code, message) = ("invalid".into(), "must be an object".into());
        return Err(ApiError::Invalid(vec![FieldError { field: ".".into(), code, message }]));
    }
    Ok(body)
}

/// Names what serde refused. Its messages are stable enough to be told apart, and what they quote is the
/// caller's own text; it is not repeated all the same, a password might stand in it.
fn wrong_shape(path: String, error: &serde_json::Error) -> FieldError {
    let text = error.to_string();
    let quoted = || text.split('`').nth(1).unwrap_or_default();
    let join = |field: &str| if path == "." { field.to_owned() } else { format!("{path}.{field}") };
    let (field, code, message) = if text.starts_with("missing field") {
        (join(quoted()), "required", "must be given")
    } else if text.starts_with("unknown field") {
        // The path ends with the unknown field itself.
        (path, "unknown_field", "is not known here")
    } else if text.starts_with("duplicate field") {
        (path, "duplicate", "is given twice")
    } else {
        (path, "invalid", "has the wrong type or form")
    };
    // It may be a name that the caller made up, of any length.
    let field = field.chars().take(100).collect();
    FieldError { field, code: code.into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use schemas::SignUp;
    use serde::Deserialize;

    use super::{ApiError, parse};

    #[derive(Deserialize)]
    struct Order {
        #[serde(rename = "lines")]
        _lines: Vec<Line>,
    }

    #[derive(Deserialize)]
    struct Line {
        #[serde(rename = "amount")]
        _amount: u32,
    }

    fn refused<T: serde::de::DeserializeOwned>(json: &str) -> Vec<(String, String)> {
        match parse::<T>(json.as_bytes()) {
            Err(ApiError::Invalid(errors)) => errors.into_iter().map(|e| (e.field, e.code)).collect(),
            Err(other) => vec![(String::new(), other.problem_spec().code.into())],
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        let one = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
        assert_eq!(refused::<SignUp>(r#"{"email":"a","username":"b"}"#), one("password", "required"));
        assert_eq!(
            refused::<SignUp>(r#"{"email":"a","username":"b","password":"c","admin":true}"#),
            one("admin", "unknown_field")
        );
        assert_eq!(refused::<SignUp>(r#"{"email":1}"#), one("email", "invalid"));
        assert_eq!(refused::<Order>(r#"{"lines":[{"amount":1},{"amount":2}]}"#), vec![]);
        for amount in ["-1", "0.0001", "\"1\"", "1e40"] {
            let order = format!(r#"{{"lines":[{{"amount":1}},{{"amount":{amount}}}]}}"#);
            assert_eq!(refused::<Order>(&order), one("lines[1].amount", "invalid"), "{amount}");
        }
    }

    #[test]
    fn what_is_no_json_is_told_apart_from_wrong_fields() {
        for broken in ["", "{", "nope", r#"{"email":"a","username":"b","password":"c"} x"#, "\u{feff}{}"] {
            assert_eq!(refused::<SignUp>(broken), [(String::new(), "invalid_body".to_owned())], "{broken}");
        }
    }
}
