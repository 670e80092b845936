//! What operations are called in the contract with callers, and the paths that callers ask for.

use super::{
    super::{
        mistake::{At, quoted},
        text::{Segment, is_name, segments},
    },
    Naming,
    parsed::parsed,
    section::Section,
};

/// Reads `id`, `summary`, `about`, `group`, `shape`, `leads_to`.
pub(super) fn naming(section: &Section<'_>) -> Naming {
    let name = |key: &str| {
        let text = section.text(key)?;
        if is_name(&text) {
            return Some(text);
        }
        section.mistake(key, format_args!("{} is no name: letters, digits, `_` and `-`", quoted(&text)));
        None
    };
    Naming {
        id: name("id"),
        summary: section.text("summary"),
        about: section.text("about"),
        group: section.text("group"),
        shape: name("shape"),
        leads_to: links(section),
    }
}

fn links(section: &Section<'_>) -> Vec<super::tree::Link> {
    let report = section.report();
    let operation = |text: &At<String>| {
        let found = text.split_once('.').filter(|(operation, name)| is_name(operation) && is_name(name));
        if found.is_none() {
            report.add(&text.spot, format_args!("{} is none: write `OPERATION.PARAMETER`", quoted(text)));
        }
        found.map(|(operation, name)| (operation.to_owned(), name.to_owned()))
    };
    let link = |(path, targets): (At<String>, Vec<At<String>>)| {
        Some((parsed(report, path)?, targets.iter().filter_map(operation).collect()))
    };
    section.texts_map("leads_to").into_iter().filter_map(link).collect()
}

/// Reads the path that callers ask for.
pub(super) fn path(section: &Section<'_>) -> Option<(At<Vec<Segment>>, String)> {
    let text = section.text("path")?;
    if text.contains(['?', '#', '%']) {
        section.mistake("path", "a path has no query, fragment or percent-encoding");
        return None;
    }
    let value = section.report().take(&text.spot, segments(&text))?;
    let mut names: Vec<&str> = Vec::new();
    for segment in &value {
        let placeholders: Vec<_> = segment.0.placeholders().collect();
        if placeholders.iter().any(|one| !one.path.0.is_empty()) {
            section.mistake("path", "only parameters stand in a path that callers ask for");
            return None;
        }
        if !placeholders.is_empty() && segment.0.only().is_none() {
            section.mistake("path", "a parameter is a whole segment of a path");
            return None;
        }
        for one in placeholders {
            if names.contains(&one.head.as_str()) {
                section.mistake("path", format_args!("names {} twice", quoted(&one.head)));
                return None;
            }
            names.push(&one.head);
        }
    }
    let text = text.value;
    Some((At { value, spot: section.spot_of("path") }, text))
}
