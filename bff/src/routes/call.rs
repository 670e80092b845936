//! The call to the upstream, out of its plan and the values of the request.

use bytes::Bytes;
use clients::{Authority, RawCall};
use http::{HeaderName, HeaderValue};
use schemas::Id;

use super::values::Values;
use crate::{
    compose::{
        params::encode_segment,
        plan::{BodyPiece, CallPlan, PathPiece, QueryValue, RoutePlan},
    },
    edge::ApiError,
};

/// Prepares the call of a route. `query` is the caller's, which goes along as it is where the route passes all of it on.
///
/// # Errors
/// 404: the caller names what cannot be.
pub(super) fn prepare(route: &RoutePlan, values: &Values<'_>, query: &str) -> Result<RawCall, ApiError> {
    let plan = &route.call;
    let mut target = path(plan, values)?;
    let mut pairs = pairs(plan, values);
    let passes_all =
        route.stream.is_some() || plan.path.iter().any(|piece| matches!(piece, PathPiece::Rest(_)));
    if passes_all && !query.is_empty() {
        if !pairs.is_empty() {
            pairs.push('&');
        }
        as_it_is(query, &mut pairs);
    }
    if !pairs.is_empty() {
        target.push('?');
        target.push_str(&pairs);
    }
    let mut call = RawCall::new(plan.operation, plan.method.clone(), target);
    for (name, template) in &plan.send {
        let value = values.template(template);
        let value = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        if let (Some(value), Ok(name)) = (value, HeaderName::from_bytes(name.as_bytes())) {
            call.headers.insert(name, value);
        }
    }
    if plan.for_nobody {
        call.authority = Authority::Nobody;
    }
    call.body = plan.body.as_deref().map(|pieces| body(pieces, values));
    call.wants_body = route.shape.is_some();
    Ok(call)
}

fn path(plan: &CallPlan, values: &Values<'_>) -> Result<String, ApiError> {
    let mut path = String::with_capacity(64);
    for piece in &plan.path {
        match piece {
            PathPiece::Text(text) => path.push_str(text),
            PathPiece::Id { value, reserved } => {
                let id = values.text(value).ok_or(ApiError::NotFound)?;
                if Id::new(&id).is_err()
                    || matches!(&*id, "." | "..")
                    || reserved.iter().any(|one| **one == *id)
                {
                    return Err(ApiError::NotFound);
                }
                path.push_str(&id);
            }
            PathPiece::Rest(value) => {
                let rest = values.text(value).ok_or(ApiError::NotFound)?;
                for (place, segment) in rest.split('/').enumerate() {
                    if place > 0 {
                        path.push('/');
                    }
                    encode_segment(segment, &mut path);
                }
            }
            PathPiece::LookupId { .. } => return Err(ApiError::Internal("a route's call is no look-up")),
        }
    }
    Ok(path)
}

fn pairs(plan: &CallPlan, values: &Values<'_>) -> String {
    let mut pairs = String::new();
    for pair in &plan.query {
        // A pair whose value is absent is left out; a look-up's stands in no route.
        let QueryValue::Template(template) = &pair.value else { continue };
        let Some(value) = values.template(template) else { continue };
        if !pairs.is_empty() {
            pairs.push('&');
        }
        pairs.push_str(&pair.name);
        pairs.push('=');
        encode_segment(&value, &mut pairs);
    }
    pairs
}

/// Writes a query so that no URL parser changes it: what must not stand there by itself is escaped (WHATWG URL section 1.3,
/// special-query percent-encode set).
fn as_it_is(query: &str, out: &mut String) {
    for one in query.chars() {
        if one.is_ascii_graphic() && !matches!(one, '"' | '#' | '<' | '>' | '\'') {
            out.push(one);
        } else {
            encode_segment(one.encode_utf8(&mut [0; 4]), out);
        }
    }
}

fn body(pieces: &[BodyPiece], values: &Values<'_>) -> Bytes {
    let mut body = Vec::with_capacity(256);
    for piece in pieces {
        match piece {
            BodyPiece::Json(json) => body.extend_from_slice(json.as_bytes()),
            BodyPiece::Value(value) => values.write_json(value, &mut body),
            BodyPiece::LookupIds { .. } | BodyPiece::LookupId { .. } => body.extend_from_slice(b"null"),
        }
    }
    body.into()
}

#[cfg(test)]
mod tests {
    use super::as_it_is;

    #[test]
    fn a_query_goes_along_as_it_is_and_no_parser_changes_it() {
        let passed = |query: &str| {
            let mut out = String::new();
            as_it_is(query, &mut out);
            out
        };
        assert_eq!(passed("a=1&b=%2F+x;{}|^`"), "a=1&b=%2F+x;{}|^`");
        assert_eq!(passed("a='\"<>#김"), "a=%27%22%3C%3E%23%EA%B9%80");
        for query in ["a='b'", "a=\"<>\"", "{a}|b^c`d\\e", "a=%zz"] {
            let text = format!("http://host/p?{}", passed(query));
            assert_eq!(url::Url::parse(&text).expect("a url").as_str(), text);
        }
    }
}
