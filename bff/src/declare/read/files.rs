//! From files to the tree.

use toml_edit::Document;

use super::{
    GATEWAY, Grammar, ROUTES, SCREEN, SourceFile, Sources, Tree, gateway, route, screen,
    section::{FileText, Section},
};
use crate::declare::mistake::{Report, Spot};

/// Reads all files.
pub(in crate::declare) fn read(sources: &Sources, report: &Report) -> Tree {
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
