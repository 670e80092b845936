//! Parts of a screen.

use super::{
    super::{
        contract::ShapePath,
        mistake::{At, quoted},
        text::{TemplateText, compact_json, is_name},
    },
    Part,
    joins::{remember, request, shaping},
    parsed::parsed,
    section::Section,
};

/// Headers that a declaration may send.
const SENT: [&str; 8] = [
    "accept-language",
    "prefer",
    "x-api-version",
    "api-version",
    "x-tenant",
    "x-locale",
    "x-currency",
    "x-client-version",
];

/// Reads `[parts]`.
pub(super) fn parts(section: &Section<'_>) -> Vec<Part> {
    section.sections("parts").iter().filter_map(|(name, section)| part(name, section)).collect()
}

/// Names that placeholders have for other things.
const RESERVED: [&str; 6] = ["user", "session", "response", "ids", "id_", "end"];

fn part(name: &At<String>, section: &Section<'_>) -> Option<Part> {
    if !is_name(name) || RESERVED.contains(&name.as_str()) {
        section.report().add(&name.spot, format_args!("{} can be no name of a part", quoted(name)));
        return None;
    }
    let otherwise = section.text("else").and_then(|json| {
        let value = section.report().take(&json.spot, compact_json(&json))?;
        Some(At { value, spot: json.spot })
    });
    if section.has("else") && !section.has("when") && !section.has("not_found") {
        section.mistake("else", "never stands: there is no `when` and no `not_found`");
    }
    if section.has("not_found") && !section.has("else") {
        section.mistake("else", "is missing: `not_found` says that it stands");
    }
    Some(Part {
        name: name.clone(),
        about: section.text("about"),
        shape: section.text("shape"),
        request: request(section)?,
        required: section.boolean("required").is_some_and(|required| required.value),
        subject: section.boolean("subject").is_some_and(|subject| subject.value),
        share: section.number("share").map(|share| share.value),
        tags: section.all_parsed("tags"),
        tags_of: section.all_parsed("tags_of"),
        page: section.text("page"),
        send: send(section),
        when: section.parsed("when"),
        otherwise,
        not_found: section.text("not_found"),
        expect: expect(section),
        shaping: shaping(section),
        remember: remember(section),
    })
}

/// Reads `send`.
pub(super) fn send(section: &Section<'_>) -> Vec<(At<String>, At<TemplateText>)> {
    let report = section.report();
    let header = |(name, value): (At<String>, At<String>)| {
        let lower = name.to_ascii_lowercase();
        if !SENT.contains(&lower.as_str()) {
            let allowed = SENT.join(", ");
            report.add(&name.spot, format_args!("{} may not be sent; these may: {allowed}", quoted(&name)));
            return None;
        }
        if value.contains(char::is_control) {
            report.add(&value.spot, "holds a control character");
            return None;
        }
        Some((At { value: lower, spot: name.spot }, parsed(report, value)?))
    };
    section.text_map("send").into_iter().filter_map(header).collect()
}

/// Reads `expect`.
pub(super) fn expect(section: &Section<'_>) -> Vec<(At<ShapePath>, At<TemplateText>)> {
    let report = section.report();
    let one = |(path, value): (At<String>, At<String>)| Some((parsed(report, path)?, parsed(report, value)?));
    section.text_map("expect").into_iter().filter_map(one).collect()
}
