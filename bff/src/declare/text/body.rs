//! JSON bodies with placeholders: a placeholder is a whole JSON string, `"{id}"`. Braces inside longer strings, and in the
//! names of fields, are text.

use std::str::FromStr;

use super::{Placeholder, SyntaxError};
use crate::compose::scan::{Plan, ScanError};

/// A body as it is declared, without the white space between its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) struct BodyText(pub(in crate::declare) Vec<BodyTextPiece>);

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) enum BodyTextPiece {
    Json(String),
    Value(Placeholder),
}

impl FromStr for BodyText {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let compact = compact_json(text)?;
        let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
        while let Some(start) = compact[at..].find('"').map(|found| at + found) {
            let end = end_of_string(&compact, start);
            at = end;
            let inside = compact.get(start + 1..end - 1).unwrap_or_default();
            let is_key = compact.as_bytes().get(end) == Some(&b':');
            let name = inside.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            // A GraphQL query may begin and end with braces as well.
            let Some(value) = name.filter(|_| !is_key).and_then(|name| name.parse().ok()) else { continue };
            pieces.push(BodyTextPiece::Json(compact[from..start].to_owned()));
            pieces.push(BodyTextPiece::Value(value));
            from = end;
        }
        pieces.push(BodyTextPiece::Json(compact[from..].to_owned()));
        pieces.retain(|piece| *piece != BodyTextPiece::Json(String::new()));
        Ok(Self(pieces))
    }
}

/// JSON without the white space between its tokens.
///
/// # Errors
/// Where the text is no JSON, or names a field twice.
pub(in crate::declare) fn compact_json(text: &str) -> Result<String, SyntaxError> {
    let wrong = |error| match error {
        ScanError::NotJson(at) => SyntaxError::Json(at),
        other => SyntaxError::Body(other.to_string()),
    };
    let (plan, mut out) = (Plan::untyped(), Vec::new());
    let (text, scanned) = plan.scan(text.as_bytes()).map_err(wrong)?;
    scanned.write(text, &mut out, |_, _| None);
    String::from_utf8(out).map_err(|error| SyntaxError::Json(error.utf8_error().valid_up_to()))
}

/// The position behind the closing quote of the string that begins at `start`. The text is known to be JSON.
fn end_of_string(json: &str, start: usize) -> usize {
    let mut escaped = false;
    for (place, byte) in json.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BodyText, BodyTextPiece, compact_json};

    fn shown(text: &str) -> String {
        let body: BodyText = text.parse().expect("a body");
        let piece = |piece: BodyTextPiece| match piece {
            BodyTextPiece::Json(json) => json,
            BodyTextPiece::Value(value) => format!("<{value}>"),
        };
        body.0.into_iter().map(piece).collect()
    }

    #[test]
    fn a_placeholder_is_a_whole_string() {
        assert_eq!(
            shown(
                r#"{"query": "query($id: ID!) { offers(order: $id) { id } }", "variables": {"id": "{id}"}}"#
            ),
            r#"{"query":"query($id: ID!) { offers(order: $id) { id } }","variables":{"id":<{id}>}}"#
        );
        assert_eq!(
            shown(r#"["{ids}", "{ a }", "{a} b", "{}", "\"{a}"]"#),
            r#"[<{ids}>,"{ a }","{a} b","{}","\"{a}"]"#
        );
        assert_eq!(shown(r#"{"{id}": 1}"#), r#"{"{id}":1}"#);
        assert_eq!(shown(r#""{id}""#), "<{id}>");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for wrong in ["", "{", "{id}", r#"{"a": {id}}"#, r#"{"a":1,"a":2}"#, "nul"] {
            assert!(wrong.parse::<BodyText>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}|[\\[\\]{}\",:a\\\\ ]{0,30}") {
            if let Ok(compact) = compact_json(&text) {
                prop_assert!(text.parse::<BodyText>().is_ok());
                let again = compact_json(&compact);
                prop_assert_eq!(again, Ok(compact));
            }
        }
    }
}
