//! Query parameters, read one by one; all mistakes are told at once. Parameters that nobody asks for are
//! passed over: trackers add theirs to every link.

use std::{borrow::Cow, ops::RangeInclusive};

use url::form_urlencoded;

use super::{ApiError, FieldErrors};

/// Longest cursor that is handed on to an upstream, in bytes.
pub const MAX_CURSOR: usize = 512;
/// Longest text to search for, in characters.
const MAX_SEARCH: usize = 200;

/// The query of one request.
#[derive(Debug)]
pub struct Query<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    errors: FieldErrors,
}

impl<'q> Query<'q> {
    /// `text` is what follows the `?`, in the form of `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn of(text: &'q str) -> Self {
        Self { pairs: form_urlencoded::parse(text.as_bytes()).collect(), errors: FieldErrors::default() }
    }

    /// A whole number within `range`, or `default` where it is absent.
    pub fn number(&mut self, field: &str, default: u32, range: RangeInclusive<u32>) -> u32 {
        let Some(text) = self.one(field) else { return default };
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && range.contains(&number) => return number,
            // Digits that do not fit are a number out of range, not nonsense.
            _ if digits => {
                let (least, most) = (range.start(), range.end());
                self.errors.add(field, "out_of_range", format!("a whole number, {least} to {most}"));
            }
            _ => self.errors.add(field, "invalid", "must be a whole number"),
        }
        default
    }

    /// `q`: what to search for. Blank counts as absent.
    pub fn search(&mut self) -> Option<String> {
        let text = self.one("q")?;
        if !is_plain(&text) {
            self.errors.add("q", "invalid", "must be text");
        }
        self.errors.length("q", &text, 0, MAX_SEARCH);
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// `cursor`: where the page before ended. Empty counts as absent.
    pub fn cursor(&mut self) -> Option<String> {
        let text = self.one("cursor")?;
        if text.len() > MAX_CURSOR || !is_plain(&text) {
            self.errors.add("cursor", "invalid", "not a cursor of this list");
        }
        Some(text.into_owned()).filter(|text| !text.is_empty())
    }

    /// One of `choices`; the first where it is absent.
    pub fn choice<T: Copy, const N: usize>(&mut self, field: &str, choices: [(&str, T); N]) -> T {
        const { assert!(N > 0, "one of nothing cannot be chosen") };
        let Some(text) = self.one(field) else { return choices[0].1 };
        let chosen = choices.iter().find(|(name, _)| *name == text);
        if chosen.is_none() {
            let names = choices.map(|(name, _)| name).join(", ");
            self.errors.add(field, "invalid", format!("one of: {names}"));
        }
        chosen.unwrap_or(&choices[0]).1
    }

    /// What was read counts only when this says so.
    ///
    /// # Errors
    /// 422 with every field that is wrong.
    pub fn done(self) -> Result<(), ApiError> {
        self.errors.into_result().map_err(ApiError::Invalid)
    }

    /// A parameter's value. There twice, it is unclear which one is meant.
    fn one(&mut self, field: &str) -> Option<Cow<'q, str>> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == field).map(|(_, value)| value);
        let first = values.next().cloned();
        if values.next().is_some() {
            self.errors.add(field, "duplicate", "is given twice");
        }
        first
    }
}

/// No control characters, and not the replacement for bytes that are no UTF-8.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() || c == '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ApiError, Query};

    type Read = (Option<String>, u32, u32, char, Option<String>);

    fn read(text: &str) -> Result<Read, Vec<(String, String)>> {
        let mut query = Query::of(text);
        let read = (
            query.search(),
            query.number("page", 1, 1..=u32::MAX),
            query.number("pageSize", 10, 1..=100),
            query.choice("sort", [("new", 'n'), ("popular", 'p')]),
            query.cursor(),
        );
        match query.done() {
            Ok(()) => Ok(read),
            Err(ApiError::Invalid(errors)) => Err(errors.into_iter().map(|e| (e.field, e.code)).collect()),
            Err(_) => Err(Vec::new()),
        }
    }

    #[test]
    fn parameters_are_read_as_forms_write_them() {
        assert_eq!(read(""), Ok((None, 1, 10, 'n', None)));
        assert_eq!(read("q=+&cursor=&utm_source=x&limit=nonsense"), Ok((None, 1, 10, 'n', None)));
        let all =
            read("q=%EA%B9%80%EC%B9%98+%26+rice&page=4294967295&pageSize=100&sort=popular&cursor=a%2Fb");
        assert_eq!(all, Ok((Some("김치 & rice".into()), u32::MAX, 100, 'p', Some("a/b".into()))));
        assert!(read(&format!("q={}", "%EA%B9%80".repeat(200))).is_ok());
    }

    #[test]
    fn mistakes_are_named_and_all_of_them_at_once() {
        let one = |field: &str, code: &str| Err(vec![(field.to_owned(), code.to_owned())]);
        for number in ["0", "101", "4294967296", "99999999999999999999999999"] {
            assert_eq!(read(&format!("pageSize={number}")), one("pageSize", "out_of_range"), "{number}");
        }
        for number in ["", "-1", "x", "1.5", "1e1", "%2B1", "٣"] {
            assert_eq!(read(&format!("pageSize={number}")), one("pageSize", "invalid"), "{number}");
        }
        assert_eq!(read("page=1&page=1"), one("page", "duplicate"));
        assert_eq!(read("sort=old"), one("sort", "invalid"));
        assert_eq!(read("q=%00"), one("q", "invalid"));
        assert_eq!(read("q=%ff"), one("q", "invalid"));
        assert_eq!(read(&format!("q={}", "x".repeat(201))), one("q", "too_long"));
        assert_eq!(read("cursor=%0a"), one("cursor", "invalid"));
        assert_eq!(read(&format!("cursor={}", "x".repeat(513))), one("cursor", "invalid"));
        assert_eq!(read("page=0&pageSize=0&sort=&q=%07").map_err(|errors| errors.len()), Err(4));
    }

    proptest! {
        #[test]
        fn no_query_panics(text in "[ -~]{0,80}") {
            let _ = read(&text);
        }
    }
}
