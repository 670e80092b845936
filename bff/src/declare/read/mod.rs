//! Reads declarations: files to tables, tables to a typed [`Tree`]. All mistakes are collected; what could not be read is
//! left out of the tree, so that the checks that follow find the mistakes of what could.

mod gateway;
mod grammar;
mod joins;
mod naming;
mod params;
mod parts;
mod route;
mod screen;
mod section;
mod source;
#[expect(
    dead_code,
    reason = "names and texts for the contract with callers are read before it is written from them"
)]
mod tree;

use toml_edit::Document;

use self::section::{FileText, Section};
use super::mistake::{Report, Spot};

pub(super) use grammar::{GATEWAY, Grammar, Key, Kind, ROUTES, SCREEN};
pub(super) use section::Scalar;
pub(super) use source::{SourceFile, Sources};
pub(super) use tree::{
    Accounts, Announce, Gateway, Join, JoinLookup, Lookup, Naming, Param, ParamPlace, ParamType, Part,
    Refusal, Remember, Request, Route, Screen, Shaping, Tree, Upstream,
};

/// Reads all files.
pub(super) fn read(sources: &Sources, report: &Report) -> Tree {
    let mut tree = Tree::default();
    if let Some(file) = &sources.gateway {
        with_file(file, &GATEWAY, report, |section| tree.gateway = gateway::read(&section));
    }
    for file in &sources.screens {
        with_file(file, &SCREEN, report, |section| tree.screens.extend(screen::read(&section, &file.stem)));
    }
    for file in &sources.routes {
        with_file(file, &ROUTES, report, |section| {
            tree.routes.extend(section.list("route").iter().filter_map(route::read));
        });
    }
    tree
}

/// Reads a file as a table of that grammar.
fn with_file(file: &SourceFile, grammar: &'static Grammar, report: &Report, read: impl FnOnce(Section<'_>)) {
    let text = FileText::new(&file.name, &file.text, report);
    let document = match Document::parse(file.text.as_str()) {
        Ok(document) => document,
        Err(error) => {
            let line = error.span().map_or(1, |span| text.line(span.start));
            report.add(&Spot { line, ..Spot::file(&file.name) }, format_args!("TOML: {}", error.message()));
            return;
        }
    };
    read(Section::new(&text, document.as_table(), grammar, Spot::file(&file.name)));
}

impl Section<'_> {
    /// The text of a key in one of the small languages.
    fn parsed<T>(&self, name: &str) -> Option<super::mistake::At<T>>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        parsed(self.report(), self.text(name)?)
    }

    /// The texts of a list, each in one of the small languages.
    fn all_parsed<T>(&self, name: &str) -> Vec<super::mistake::At<T>>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.texts(name).into_iter().filter_map(|text| parsed(self.report(), text)).collect()
    }

    /// A whole number that the grammar has bounded to such numbers.
    fn whole<T: TryFrom<i64>>(&self, name: &str) -> Option<super::mistake::At<T>> {
        let number = self.integer(name)?;
        let value = T::try_from(number.value).ok()?;
        Some(super::mistake::At { value, spot: number.spot })
    }

    /// Notes a mistake where a key is there that may not be.
    fn forbid(&self, names: &[&str], why: &str) {
        for name in names.iter().filter(|name| self.has(name)) {
            self.mistake(name, why);
        }
    }
}

fn parsed<T>(report: &Report, text: super::mistake::At<String>) -> Option<super::mistake::At<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let value = report.take(&text.spot, text.value.parse())?;
    Some(super::mistake::At { value, spot: text.spot })
}
