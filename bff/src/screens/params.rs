//! Query parameters that screens have in common.

use actix_web::HttpRequest;
use schemas::Id;

use crate::{
    cache::DocumentKey,
    edge::{ApiError, MAX_CURSOR, Operation, Query, number, text},
};

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
        // Nearly all ask for nothing.
        if query.is_empty() {
            return Ok(Self { limit: default, cursor: None });
        }
        let mut query = Query::of(query);
        let limit = query.number("limit", default, 1..=most);
        let cursor = query.cursor().map(String::into_boxed_str);
        query.done()?;
        Ok(Self { limit, cursor })
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
            "limit=%2B5",
            "limit=5&limit=5",
            "cursor=a&cursor=b",
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
