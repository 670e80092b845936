//! The call to the upstream, out of its plan and the values of the request.

use clients::RawCall;

use super::route::Route;
use crate::{
    compose::{
        backend::raw_call,
        engine::{Asked, Ids, NoAnswers, Unprepared, Values, prepare},
        params::encode_segment,
        plan::PathPiece,
    },
    edge::ApiError,
};

/// Prepares the call of a route. `query` is the caller's, which goes along as it is where the route passes all of it on.
///
/// # Errors
/// 404: the caller names what cannot be.
pub(super) fn call_of(route: &Route, asked: &Asked<'_>, query: &str) -> Result<RawCall, ApiError> {
    let plan = &route.call;
    let prepared = prepare(plan, &Values { asked, answers: &NoAnswers }, Ids::None);
    let mut prepared = prepared.map_err(|error| match error {
        Unprepared::NotFound | Unprepared::Absent => ApiError::NotFound,
        Unprepared::Invalid => ApiError::Internal("a route's call names a part"),
    })?;
    let passes_all =
        route.stream.is_some() || plan.path.iter().any(|piece| matches!(piece, PathPiece::Rest(_)));
    if passes_all && !query.is_empty() {
        prepared.target.push(if prepared.target.contains('?') { '&' } else { '?' });
        as_it_is(query, &mut prepared.target);
    }
    let mut call = raw_call(plan, prepared);
    call.wants_body = route.shape.is_some();
    Ok(call)
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
