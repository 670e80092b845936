//! Requests, look-ups and joins, and what leaves of an answer.

use super::{
    super::{
        contract::ShapePath,
        mistake::{At, quoted},
        text::{is_kind, is_name},
    },
    Join, JoinLookup, Lookup, Remember, Request, Shaping,
    parsed::parsed,
    section::Section,
};

/// Reads `get` or `post`, `body`, `at`.
pub(super) fn request(section: &Section<'_>) -> Option<Request> {
    let post = section.has("post");
    match (section.has("get"), post) {
        (true, true) => section.mistake("post", "stands beside `get`: a call is one of them"),
        (false, false) => section.mistake("get", "is missing: what is called?"),
        _ => {}
    }
    if !post {
        section.forbid(&["body"], "only a `post` has a body");
    }
    let call = section.parsed(if post { "post" } else { "get" });
    let (body, at) = (section.parsed("body"), section.parsed::<ShapePath>("at"));
    if let Some(at) = at.as_ref().filter(|at| at.to_string().contains('[')) {
        report_list(section, at);
        return None;
    }
    Some(Request { post, call: call?, body, at })
}

/// Reads `pick`, `drop`, `rename`.
pub(super) fn shaping(section: &Section<'_>) -> Shaping {
    if section.has("pick") {
        section.forbid(&["drop"], "stands beside `pick`: what is not picked does not leave");
    }
    let rename = |(theirs, ours): (At<String>, At<String>)| Some((parsed(section.report(), theirs)?, ours));
    Shaping {
        pick: section.all_parsed("pick"),
        drop: section.all_parsed("drop"),
        rename: section.text_map("rename").into_iter().filter_map(rename).collect(),
    }
}

/// Reads `remember`.
pub(super) fn remember(section: &Section<'_>) -> Vec<Remember> {
    let report = section.report();
    let pair = |(table, paths): (At<String>, Vec<At<String>>)| match <[_; 2]>::try_from(paths) {
        Ok([key, value]) => {
            Some(Remember { key: parsed(report, key)?, value: parsed(report, value)?, table })
        }
        Err(_) => {
            report.add(&table.spot, "must be two paths: of the key and of the value");
            None
        }
    };
    section.texts_map("remember").into_iter().filter_map(pair).collect()
}

/// Reads `[lookups.NAME]`, or the same keys in a join.
pub(super) fn lookup(name: &At<String>, section: &Section<'_>) -> Option<Lookup> {
    if !is_name(name) {
        section
            .report()
            .add(&name.spot, format_args!("{} is no name: letters, digits, `_` and `-`", quoted(name)));
        return None;
    }
    let tag = section.text("tag");
    if let Some(tag) = tag.as_ref().filter(|tag| !is_kind(tag)) {
        section
            .mistake("tag", format_args!("{} is no kind: 1 to 31 characters out of a-z and _", quoted(tag)));
    }
    let shared = section.boolean("shared").is_some_and(|shared| shared.value);
    if !shared {
        section.forbid(&["fresh_ms"], "only a shared look-up keeps what it found");
    }
    let key = section.parsed::<ShapePath>("key");
    if let Some(key) = key.as_ref().filter(|key| key.to_string().contains('[')) {
        report_list(section, key);
        return None;
    }
    Some(Lookup {
        name: name.clone(),
        request: request(section)?,
        from: section.parsed("from"),
        key,
        shaping: shaping(section),
        tag: tag.filter(|tag| is_kind(tag)),
        shared,
        fresh_ms: section.whole("fresh_ms"),
        max_ids: section.whole("max_ids"),
        max_calls: section.whole("max_calls"),
        shape: section.text("shape"),
    })
}

fn report_list(section: &Section<'_>, path: &At<ShapePath>) {
    section.report().add(&path.spot, "is one value: a path without `[]`");
}

/// The keys of a look-up in a join.
const OWN: [&str; 13] = [
    "get", "post", "body", "at", "from", "key", "pick", "drop", "rename", "tag", "shared", "fresh_ms",
    "max_ids",
];

/// Reads `[joins]`.
pub(super) fn joins(section: &Section<'_>) -> Vec<Join> {
    section.sections("joins").iter().filter_map(|(name, section)| join(name, section)).collect()
}

fn join(name: &At<String>, section: &Section<'_>) -> Option<Join> {
    let report = section.report();
    if !is_name(name) {
        report.add(&name.spot, format_args!("{} is no name: letters, digits, `_` and `-`", quoted(name)));
        return None;
    }
    let of = section.all_parsed::<ShapePath>("of");
    if section.has("of") && section.texts("of").is_empty() {
        section.mistake("of", "names no path");
    }
    let part = section.text("part");
    if let Some(part) = part.as_ref().filter(|part| !is_name(part)) {
        section.mistake("part", format_args!("{} is no name: letters, digits, `_` and `-`", quoted(part)));
    }
    let lookup = if section.has("lookup") {
        section.forbid(&OWN, "belongs to the look-up, which is named here");
        section.forbid(&["max_calls"], "belongs to the look-up, which is named here");
        JoinLookup::Named(section.text("lookup")?)
    } else if section.has("get") || section.has("post") {
        JoinLookup::Own(Box::new(lookup(name, section)?))
    } else {
        section.mistake("lookup", "is missing: what is looked up?");
        return None;
    };
    let field = section.text("as")?;
    if field.is_empty() {
        section.mistake("as", "is empty");
        return None;
    }
    Some(Join { name: name.clone(), of, field, part: part.filter(|part| is_name(part)), lookup })
}
