//! Values that are more than their kind: texts in one of the small languages, and numbers of a size.

use super::section::Section;
use crate::declare::mistake::{At, Report};

impl Section<'_> {
    /// The text of a key in one of the small languages.
    pub(super) fn parsed<T>(&self, name: &str) -> Option<At<T>>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        parsed(self.report(), self.text(name)?)
    }

    /// The texts of a list, each in one of the small languages.
    pub(super) fn all_parsed<T>(&self, name: &str) -> Vec<At<T>>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.texts(name).into_iter().filter_map(|text| parsed(self.report(), text)).collect()
    }

    /// A whole number that the grammar has bounded to such numbers.
    pub(super) fn whole<T: TryFrom<i64>>(&self, name: &str) -> Option<At<T>> {
        let number = self.integer(name)?;
        let value = T::try_from(number.value).ok()?;
        Some(At { value, spot: number.spot })
    }

    /// Notes a mistake where a key is there that may not be.
    pub(super) fn forbid(&self, names: &[&str], why: &str) {
        for name in names.iter().filter(|name| self.has(name)) {
            self.mistake(name, why);
        }
    }
}

pub(super) fn parsed<T>(report: &Report, text: At<String>) -> Option<At<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let value = report.take(&text.spot, text.value.parse())?;
    Some(At { value, spot: text.spot })
}
