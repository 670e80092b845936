//! `screens/NAME.toml`.

use super::{
    super::{
        mistake::{At, quoted},
        text::{Segment, segments},
    },
    Screen,
    joins::joins,
    naming::{naming, path},
    params::params,
    parts::parts,
    section::Section,
    tree::{Param, ParamPlace, ScreenCache},
};

/// The most parameters, parts or joins of a screen.
const MAX_TABLES: usize = 64;
/// The most fields of a document.
const MAX_FIELDS: usize = 256;

/// A path in place of one that is missing or malformed, so that the rest of the file is checked all the same: with every
/// parameter that says that it is in the path. It is never served, since its mistake has been reported.
fn stand_in(section: &Section<'_>, stem: &str, params: &[Param]) -> Option<(At<Vec<Segment>>, String)> {
    let mut text = format!("/bff/.{stem}");
    for param in params.iter().filter(|param| param.place == ParamPlace::Path) {
        text.extend(["/{", &param.name.value, "}"]);
    }
    let value = segments(&text).ok()?;
    Some((At { value, spot: section.spot_of("path") }, text))
}

/// Reads a screen; its name is the file's.
pub(super) fn read(section: &Section<'_>, stem: &str) -> Option<Screen> {
    let name = At { value: stem.to_owned(), spot: section.spot.clone() };
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !stem.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        || stem.len() > 64
        || !stem.bytes().all(sound)
    {
        section
            .report()
            .add(&name.spot, format_args!("{} is no name of a screen: a-z 0-9 - _", quoted(stem)));
    }
    let compact = section.section("compact");
    let cache = section.section("cache").map(|cache| ScreenCache {
        fresh_ms: cache.whole("fresh_ms"),
        stale_ms: cache.whole("stale_ms"),
        deadline_ms: cache.whole("deadline_ms"),
    });
    let (naming, path) = (naming(section), path(section));
    let (params, parts, joins) = (params(section), parts(section), joins(section));
    if section.has("parts") && section.sections("parts").is_empty() {
        section.mistake("parts", "a screen has at least one part");
    }
    for (key, count, most) in [
        ("params", params.len(), MAX_TABLES),
        ("parts", parts.len(), MAX_TABLES),
        ("joins", joins.len(), MAX_TABLES),
        ("document", section.text_map("document").len(), MAX_FIELDS),
    ] {
        if count > most {
            section.mistake(key, format_args!("holds {count} entries, and may hold {most}"));
            return None;
        }
    }
    let (path, path_text) = path.or_else(|| stand_in(section, stem, &params))?;
    Some(Screen {
        name,
        naming,
        path,
        path_text,
        open: section.text("access").is_some_and(|access| access.as_str() == "open"),
        vary: section.texts("vary"),
        at_least_one: section.text_lists("at_least_one"),
        params,
        parts,
        joins,
        document: section.has("document").then(|| section.text_map("document")),
        without: compact.as_ref().map(|compact| compact.texts("without")).unwrap_or_default(),
        at_most: compact.as_ref().map(|compact| compact.count_map("at_most")).unwrap_or_default(),
        cache: cache.unwrap_or_default(),
    })
}
