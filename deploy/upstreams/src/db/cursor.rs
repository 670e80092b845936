//! Opaque cursors: the place of the last row that was shown, so that rows added meanwhile move nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use schemas::{Id, Page};

/// A place in a list that is ordered by time, then id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Microseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) id: String,
}

/// The text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidCursor;

/// Tells our cursors from other base64, and this layout from a later one.
const VERSION: u8 = 1;

impl Cursor {
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(9 + self.id.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.at.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let (head, id) = bytes.split_first_chunk::<9>().ok_or(InvalidCursor)?;
        let [VERSION, at @ ..] = *head else { return Err(InvalidCursor) };
        let id = std::str::from_utf8(id).ok().and_then(|id| Id::new(id).ok()).ok_or(InvalidCursor)?;
        Ok(Self { at: i64::from_be_bytes(at), id: id.to_string() })
    }
}

/// Makes a page out of up to `limit + 1` rows: the one too many only tells that there is more.
pub(crate) fn page_of<T>(mut rows: Vec<(Cursor, T)>, limit: usize) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|(cursor, _)| cursor.encode());
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next_cursor }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cursor, page_of};

    proptest! {
        #[test]
        fn a_cursor_survives_the_wire(at in any::<i64>(), id in "[A-Za-z0-9._~-]{3,128}") {
            let cursor = Cursor { at, id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn any_other_text_is_refused_without_a_panic(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let row = |at| (Cursor { at, id: "a".to_owned() }, at);
        assert_eq!(page_of(vec![row(1), row(2)], 2).next_cursor, None);
        let more = page_of(vec![row(1), row(2), row(3)], 2);
        assert_eq!(more.items, [1, 2]);
        assert_eq!(more.next_cursor, Some(row(2).0.encode()));
    }
}
