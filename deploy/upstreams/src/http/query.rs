//! Query parameters, checked one by one; all mistakes are told at once. Parameters that nobody asks for
//! are passed over.

use actix_web::HttpRequest;
use schemas::{FieldError, Id};

use super::failure::{Failure, field_error};
use crate::db::Cursor;

/// Longest list of ids, longest page.
const MOST: usize = 100;

/// The query of one request.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Query {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
        Self { pairs, errors: Vec::new() }
    }

    fn refuse(&mut self, name: &str, code: &'static str, message: &str) {
        self.errors.push(field_error(name, code, message));
    }

    /// The parameter's text; the same one twice is a mistake.
    fn one(&mut self, name: &str) -> Option<String> {
        let mut found = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (first, second) = (found.next(), found.next());
        drop(found);
        if second.is_some() {
            self.refuse(name, "repeated", "is there twice");
        }
        first
    }

    /// A whole number from 1. Above `most` it counts as `most`.
    fn number(&mut self, name: &str, default: u32, most: u32) -> u32 {
        let Some(text) = self.one(name) else { return default };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u32>() {
            Ok(0) => self.refuse(name, "out_of_range", "starts at 1"),
            Ok(number) => return number.min(most),
            // Digits that do not fit are a large number, not nonsense.
            Err(_) if digits => return most,
            Err(_) => self.refuse(name, "invalid", "is not a whole number"),
        }
        default
    }

    /// How many rows to a page: capped at 100.
    pub(crate) fn limit(&mut self, name: &str, default: u32) -> u32 {
        self.number(name, default, MOST as u32)
    }

    /// Which page, from 1.
    pub(crate) fn page(&mut self) -> u32 {
        self.number("page", 1, u32::MAX)
    }

    /// Where the page before ended.
    pub(crate) fn cursor(&mut self) -> Option<Cursor> {
        let text = self.one("cursor").filter(|text| !text.is_empty())?;
        let cursor = Cursor::decode(&text);
        if cursor.is_err() {
            self.refuse("cursor", "invalid_cursor", "is not a cursor from here");
        }
        cursor.ok()
    }

    /// An id, if it is there.
    pub(crate) fn id(&mut self, name: &str) -> Option<Id> {
        let id = Id::new(&self.one(name)?);
        if id.is_err() {
            self.refuse(name, "invalid_id", "is not an id");
        }
        id.ok()
    }

    /// 1 to 100 ids between commas, in the order given, none twice.
    pub(crate) fn ids(&mut self) -> Vec<Id> {
        let text = self.one("ids").unwrap_or_default();
        let mut ids: Vec<Id> = Vec::new();
        for part in text.split(',') {
            match Id::new(part) {
                Ok(id) if ids.contains(&id) => {}
                Ok(id) if ids.len() < MOST => ids.push(id),
                Ok(_) => {
                    self.refuse("ids", "too_many", "names more than 100 ids");
                    break;
                }
                Err(_) => {
                    self.refuse("ids", "invalid_id", "is not 1 to 100 ids between commas");
                    break;
                }
            }
        }
        ids
    }

    /// Free text; blank counts as absent.
    pub(crate) fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        let text = self.one(name)?;
        if text.chars().count() > longest {
            self.refuse(name, "too_long", &format!("has more than {longest} characters"));
        }
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// One of `choices`, the first unless it says otherwise.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let default = choices.first().map(|(_, value)| *value);
        let Some(text) = self.one(name) else { return default };
        let chosen = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        if chosen.is_none() {
            self.refuse(name, "invalid", "is none of the choices");
        }
        chosen.or(default)
    }

    /// 422 if anything was wrong.
    pub(crate) fn done(self) -> Result<(), Failure> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(Failure::Invalid { code: "invalid_input", errors: self.errors })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::Query;

    fn query(text: &str) -> Query {
        Query::of(&TestRequest::with_uri(&format!("/?{text}")).to_http_request())
    }

    #[test]
    fn a_page_is_capped_and_nonsense_is_refused() {
        for (text, limit) in [("", 20), ("limit=7", 7), ("limit=101", 100), ("limit=99999999999999", 100)] {
            let mut query = query(text);
            assert_eq!(query.limit("limit", 20), limit, "{text}");
            assert!(query.done().is_ok(), "{text}");
        }
        for text in ["limit=0", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "limit=1.5"] {
            let mut query = query(text);
            query.limit("limit", 20);
            assert!(query.done().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_are_one_to_a_hundred() {
        let many = |count: usize| (0..count).map(|n| format!("i{n}")).collect::<Vec<_>>().join(",");
        let mut good = query(&format!("ids={},i0,i1", many(100)));
        assert_eq!(good.ids().len(), 100);
        assert!(good.done().is_ok());
        for bad in ["", "ids=", "ids=a,,b", "ids=a%20b", &format!("ids={}", many(101))] {
            let mut query = query(bad);
            query.ids();
            assert!(query.done().is_err(), "{bad}");
        }
    }
}
