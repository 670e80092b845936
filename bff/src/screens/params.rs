//! Query parameters that screens have in common.

use actix_web::HttpRequest;
use schemas::{FieldError, Id};

use crate::{
    cache::DocumentKey,
    edge::{ApiError, Operation, number, text},
};

/// Longest cursor that is handed on to an upstream, in bytes.
const MAX_CURSOR: usize = 512;

/// A page of a list that is walked by cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageParams {
    pub limit: u32,
    pub cursor: Option<Box<str>>,
}

impl PageParams {
    /// Adds the page to a document's key.
    pub(super) fn add_to(&self, key: DocumentKey) -> DocumentKey {
        key.with_number(self.limit).with(self.cursor.as_deref().unwrap_or_default().as_bytes())
    }

    /// Describes what [`Self::read`] takes.
    pub(super) fn describe(operation: Operation, default: u32, most: u32) -> Operation {
        operation.query("limit", number(1, most, default), "How many.").query(
            "cursor",
            text(MAX_CURSOR),
            "`nextCursor` of the page before.",
        )
    }

    /// Reads `limit` (1 to `most`, `default` where it is absent) and `cursor` (absent or empty: the first
    /// page). Other keys are none of this screen's business.
    pub(super) fn read(query: &str, default: u32, most: u32) -> Result<Self, ApiError> {
        let mut page = Self { limit: default, cursor: None };
        if query.is_empty() {
            return Ok(page);
        }
        let wrong = |field: &str, code: &str, message: String| {
            ApiError::Invalid(vec![FieldError { field: field.into(), code: code.into(), message }])
        };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "limit" => {
                    let limit = value.parse::<u32>().ok().filter(|limit| (1..=most).contains(limit));
                    page.limit = limit.ok_or_else(|| {
                        wrong("limit", "out_of_range", format!("a whole number, 1 to {most}"))
                    })?;
                }
                // The replacement character: what was sent is not UTF-8.
                "cursor"
                    if value.len() > MAX_CURSOR
                        || value.contains(|c: char| c.is_control() || c == '\u{fffd}') =>
                {
                    return Err(wrong("cursor", "invalid", "not a cursor of this list".into()));
                }
                "cursor" => page.cursor = (!value.is_empty()).then(|| Box::from(&*value)),
                _ => {}
            }
        }
        Ok(page)
    }
}

/// The id in the path; what cannot be one names nothing.
pub(super) fn path_id(request: &HttpRequest) -> Result<Id, ApiError> {
    let id = request.match_info().get("id").and_then(|text| Id::new(text).ok());
    id.ok_or(ApiError::NotFound)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PageParams;

    fn read(query: &str) -> Option<(u32, Option<String>)> {
        PageParams::read(query, 20, 50).ok().map(|page| (page.limit, page.cursor.map(String::from)))
    }

    #[test]
    fn a_page_is_read_from_the_query() {
        assert_eq!(read(""), Some((20, None)));
        assert_eq!(read("cursor="), Some((20, None)));
        assert_eq!(read("limit=5&cursor=a%2Fb%3D&utm_source=x"), Some((5, Some("a/b=".into()))));
        for bad in [
            "limit=0",
            "limit=51",
            "limit=-1",
            "limit=x",
            "limit=",
            "cursor=%00",
            "cursor=%ff",
            "limit=99999999999",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read(&format!("cursor={}", "x".repeat(513))), None);
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "[ -~]{0,60}") {
            let _ = PageParams::read(&query, 20, 50);
        }
    }
}
