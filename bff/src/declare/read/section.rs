//! A table of a file, checked against its [`Grammar`]: unknown keys, missing ones, and values of another kind are mistakes
//! before anything is read out of it, and what is read afterwards is sound.

use std::sync::Arc;

use toml_edit::{Item, TableLike, Value};

use super::{
    super::mistake::{At, Report, Spot, did_you_mean, quoted},
    grammar::{Grammar, Key, Kind},
};

/// A file that is being read.
pub(super) struct FileText<'t> {
    pub(super) name: Arc<str>,
    /// Where each line ends.
    line_ends: Vec<usize>,
    pub(super) report: &'t Report,
}

impl<'t> FileText<'t> {
    pub(super) fn new(name: &Arc<str>, text: &str, report: &'t Report) -> Self {
        let line_ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        Self { name: Arc::clone(name), line_ends, report }
    }

    pub(super) fn line(&self, at: usize) -> u32 {
        u32::try_from(self.line_ends.partition_point(|end| *end < at)).unwrap_or(u32::MAX - 1) + 1
    }

    fn spot(&self, line: u32, key: &str) -> Spot {
        Spot { file: Arc::clone(&self.name), line, key: key.into() }
    }
}

/// A table whose keys are known, and hold values of their kinds.
pub(super) struct Section<'t> {
    file: &'t FileText<'t>,
    table: &'t dyn TableLike,
    grammar: &'static Grammar,
    pub(super) spot: Spot,
}

/// The longest key in mistakes.
const MAX_KEY: usize = 200;

fn dotted(path: &str, name: &str) -> String {
    // As TOML would have it written.
    let bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let name = if bare { name.to_owned() } else { format!("{name:?}") };
    let whole = if path.is_empty() { name } else { format!("{path}.{name}") };
    whole.chars().take(MAX_KEY).collect()
}

fn line_of_entry(file: &FileText<'_>, table: &dyn TableLike, name: &str, otherwise: u32) -> u32 {
    let span = table.get_key_value(name).and_then(|(key, item)| key.span().or_else(|| item.span()));
    span.map_or(otherwise, |span| file.line(span.start))
}

impl<'t> Section<'t> {
    /// Checks the keys of a table.
    pub(super) fn new(
        file: &'t FileText<'t>,
        table: &'t dyn TableLike,
        grammar: &'static Grammar,
        spot: Spot,
    ) -> Self {
        let section = Self { file, table, grammar, spot };
        for (name, item) in table.iter() {
            match grammar.key(name) {
                Some(key) => section.check(name, item, key.kind),
                None => {
                    let near = did_you_mean(name, grammar.keys.iter().map(|key| key.name));
                    file.report.add(&section.spot_of(name), format_args!("there is no such key{near}"));
                }
            }
        }
        for key in grammar.keys.iter().filter(|key| key.required && !table.contains_key(key.name)) {
            let spot = file.spot(section.spot.line, &dotted(&section.spot.key, key.name));
            file.report.add(&spot, "is missing");
        }
        section
    }

    /// Where a key of it stands, or would.
    pub(super) fn spot_of(&self, name: &str) -> Spot {
        let line = line_of_entry(self.file, self.table, name, self.spot.line);
        self.file.spot(line, &dotted(&self.spot.key, name))
    }

    /// Notes a mistake at a key of it.
    pub(super) fn mistake(&self, name: &str, what: impl std::fmt::Display) {
        self.file.report.add(&self.spot_of(name), what);
    }

    pub(super) fn report(&self) -> &'t Report {
        self.file.report
    }

    /// Whether the key is there, sound or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    fn check(&self, name: &str, item: &Item, kind: Kind) {
        let spot = self.spot_of(name);
        if let Err(what) = fits(item, kind) {
            self.file.report.add(&spot, what.unwrap_or_else(|| format!("must be {}", kind.words())));
            return;
        }
        let inner = match kind {
            Kind::TextMap => Kind::Text,
            Kind::TextsMap => Kind::Texts,
            Kind::CountMap => Kind::Integer(1, u32::MAX as i64),
            _ => return,
        };
        let Some(table) = item.as_table_like() else { return };
        for (field, value) in table.iter() {
            if fits(value, inner).is_err() {
                let line = line_of_entry(self.file, table, field, spot.line);
                let spot = self.file.spot(line, &dotted(&spot.key, field));
                self.file.report.add(&spot, format_args!("must be {}", inner.words()));
            }
        }
    }

    /// The value of a key, where it is there and sound.
    fn item(&self, name: &str) -> Option<&'t Item> {
        let key = self.grammar.key(name);
        debug_assert!(key.is_some(), "the reader asks for `{name}`, which is in no grammar");
        let key: &Key = key?;
        self.table.get(name).filter(|item| fits(item, key.kind).is_ok())
    }

    fn at<T>(&self, name: &str, value: T) -> At<T> {
        At { value, spot: self.spot_of(name) }
    }

    /// The text of a key.
    pub(super) fn text(&self, name: &str) -> Option<At<String>> {
        self.item(name).and_then(Item::as_str).map(|text| self.at(name, text.to_owned()))
    }

    /// The number of a key.
    pub(super) fn integer(&self, name: &str) -> Option<At<i64>> {
        self.item(name).and_then(Item::as_integer).map(|number| self.at(name, number))
    }

    /// The number of a key, with or without a fraction.
    pub(super) fn number(&self, name: &str) -> Option<At<f64>> {
        self.item(name).and_then(as_number).map(|number| self.at(name, number))
    }

    /// Whether a key says `true`; `None`: it says nothing.
    pub(super) fn boolean(&self, name: &str) -> Option<At<bool>> {
        self.item(name).and_then(Item::as_bool).map(|value| self.at(name, value))
    }

    /// The text, number or boolean of a key.
    pub(super) fn scalar(&self, name: &str) -> Option<At<Scalar>> {
        let item = self.item(name)?;
        let text = || item.as_str().map(|text| Scalar::Text(text.to_owned()));
        let value = text()
            .or_else(|| item.as_integer().map(Scalar::Integer))
            .or_else(|| item.as_bool().map(Scalar::Boolean))?;
        Some(self.at(name, value))
    }

    /// The texts of a list, each where it stands.
    pub(super) fn texts(&self, name: &str) -> Vec<At<String>> {
        self.item(name).map(|item| self.texts_in(item, &self.spot_of(name))).unwrap_or_default()
    }

    fn texts_in(&self, item: &Item, spot: &Spot) -> Vec<At<String>> {
        let at = |value: &Value| {
            let line = value.span().map_or(spot.line, |span| self.file.line(span.start));
            value.as_str().map(|text| At { value: text.to_owned(), spot: Spot { line, ..spot.clone() } })
        };
        item.as_array().into_iter().flatten().filter_map(at).collect()
    }

    /// The lists of a list.
    pub(super) fn text_lists(&self, name: &str) -> Vec<Vec<At<String>>> {
        let spot = self.spot_of(name);
        let lists = self.item(name).and_then(Item::as_array).into_iter().flatten();
        lists.map(|list| self.texts_in(&Item::Value(list.clone()), &spot)).collect()
    }

    /// A table of text, in the file's order.
    pub(super) fn text_map(&self, name: &str) -> Vec<(At<String>, At<String>)> {
        self.entries(name)
            .filter_map(|(field, item)| {
                let text = item.as_str()?.to_owned();
                let spot = field.spot.clone();
                Some((field, At { value: text, spot }))
            })
            .collect()
    }

    /// A table of lists of text.
    pub(super) fn texts_map(&self, name: &str) -> Vec<(At<String>, Vec<At<String>>)> {
        self.entries(name)
            .filter(|(_, item)| fits(item, Kind::Texts).is_ok())
            .map(|(field, item)| {
                let texts = self.texts_in(item, &field.spot);
                (field, texts)
            })
            .collect()
    }

    /// A table of counts.
    pub(super) fn count_map(&self, name: &str) -> Vec<(At<String>, u32)> {
        self.entries(name)
            .filter_map(|(field, item)| Some((field, u32::try_from(item.as_integer()?).ok()?)))
            .collect()
    }

    fn entries(&self, name: &str) -> impl Iterator<Item = (At<String>, &'t Item)> {
        let (spot, table) = (self.spot_of(name), self.item(name).and_then(Item::as_table_like));
        table.into_iter().flat_map(move |table| {
            let spot = spot.clone();
            table.iter().map(move |(field, item)| {
                let line = line_of_entry(self.file, table, field, spot.line);
                let spot = self.file.spot(line, &dotted(&spot.key, field));
                (At { value: field.to_owned(), spot }, item)
            })
        })
    }

    /// A table that is a section itself.
    pub(super) fn section(&self, name: &str) -> Option<Self> {
        let (Kind::Table(grammar) | Kind::TextOr(_, grammar)) = self.grammar.key(name)?.kind else {
            return None;
        };
        let table = self.item(name)?.as_table_like()?;
        Some(Self::new(self.file, table, grammar, self.spot_of(name)))
    }

    /// The sections of a table of tables, by name, in the file's order.
    pub(super) fn sections(&self, name: &str) -> Vec<(At<String>, Self)> {
        let Some(Kind::Tables(grammar)) = self.grammar.key(name).map(|key| key.kind) else {
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (field, item) in self.entries(name) {
            match item.as_table_like() {
                Some(table) => {
                    let section = Self::new(self.file, table, grammar, field.spot.clone());
                    sections.push((field, section));
                }
                None => self.file.report.add(&field.spot, "must be a table"),
            }
        }
        sections
    }

    /// The sections of a list of tables. Their keys are `NAME[PLACE]`.
    pub(super) fn list(&self, name: &str) -> Vec<Self> {
        let Some(Kind::List(grammar)) = self.grammar.key(name).map(|key| key.kind) else { return Vec::new() };
        let path = dotted(&self.spot.key, name);
        let section =
            |(place, (table, span)): (usize, (&'t dyn TableLike, Option<std::ops::Range<usize>>))| {
                let line = span.map_or(self.spot.line, |span| self.file.line(span.start));
                Self::new(self.file, table, grammar, self.file.spot(line, &format!("{path}[{place}]")))
            };
        match self.item(name) {
            Some(Item::ArrayOfTables(tables)) => tables
                .iter()
                .map(|table| (table as &dyn TableLike, table.span()))
                .enumerate()
                .map(section)
                .collect(),
            Some(Item::Value(Value::Array(values))) => {
                let tables = values.iter().filter_map(|value| {
                    value.as_inline_table().map(|table| (table as &dyn TableLike, value.span()))
                });
                tables.enumerate().map(section).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The whole table as JSON, for what other parts of the gateway read with serde.
    pub(super) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let sound = self.grammar.keys.iter().filter_map(|key| Some((key.name, self.item(key.name)?)));
        sound.filter_map(|(name, item)| Some((name.to_owned(), json_of(item)?))).collect()
    }
}

/// A default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::declare) enum Scalar {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

fn as_number(item: &Item) -> Option<f64> {
    // Whole numbers as far as doubles are exact: a share of a deadline is between 0 and 1.
    item.as_float().or_else(|| item.as_integer().and_then(|number| i32::try_from(number).ok()).map(f64::from))
}

/// Whether a value is of a kind. The error may say more than that it is not.
fn fits(item: &Item, kind: Kind) -> Result<(), Option<String>> {
    let ok = |fits: bool| if fits { Ok(()) } else { Err(None) };
    let texts = |item: &Value| item.as_array().is_some_and(|list| list.iter().all(Value::is_str));
    match kind {
        Kind::Text => ok(item.is_str()),
        Kind::OneOf(names) => match item.as_str() {
            Some(text) if names.contains(&text) => Ok(()),
            Some(text) => {
                let near = did_you_mean(text, names.iter().copied());
                Err(Some(format!("{} must be {}{near}", quoted(text), kind.words())))
            }
            None => Err(None),
        },
        Kind::Boolean => ok(item.is_bool()),
        Kind::Integer(from, to) => ok(item.as_integer().is_some_and(|number| (from..=to).contains(&number))),
        Kind::Number(from, to) => ok(as_number(item).is_some_and(|number| (from..=to).contains(&number))),
        Kind::Scalar => ok(item.is_str() || item.is_integer() || item.is_bool()),
        Kind::Texts => ok(item.as_value().is_some_and(texts)),
        Kind::TextLists => ok(item.as_array().is_some_and(|lists| lists.iter().all(texts))),
        Kind::TextMap | Kind::TextsMap | Kind::CountMap | Kind::Table(_) | Kind::Tables(_) => {
            ok(item.is_table_like())
        }
        Kind::TextOr(names, _) => {
            ok(item.is_table_like() || item.as_str().is_some_and(|text| names.contains(&text)))
        }
        Kind::List(_) => ok(item.is_array_of_tables()
            || item.as_array().is_some_and(|list| list.iter().all(Value::is_inline_table))),
    }
}

fn json_of(item: &Item) -> Option<serde_json::Value> {
    let map = |table: &dyn TableLike| {
        let fields = table.iter().filter_map(|(name, item)| Some((name.to_owned(), json_of(item)?)));
        serde_json::Value::Object(fields.collect())
    };
    if let Some(table) = item.as_table_like() {
        return Some(map(table));
    }
    match item.as_value()? {
        Value::String(text) => Some(text.value().clone().into()),
        Value::Integer(number) => Some((*number.value()).into()),
        Value::Float(number) => serde_json::Number::from_f64(*number.value()).map(Into::into),
        Value::Boolean(value) => Some((*value.value()).into()),
        Value::Array(list) => {
            Some(list.iter().filter_map(|value| json_of(&Item::Value(value.clone()))).collect())
        }
        Value::Datetime(_) | Value::InlineTable(_) => None,
    }
}
