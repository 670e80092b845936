//! Routes.

use super::{
    super::mistake::{At, alternatives, quoted},
    Announce, Route,
    joins::{joins, remember, shaping},
    naming::{naming, path},
    params::params,
    parsed::parsed,
    parts::{expect, send},
    section::Section,
};

/// The methods that a route may have.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Reads a route.
pub(super) fn read(section: &Section<'_>) -> Option<Route> {
    let report = section.report();
    let methods = methods(section);
    let (naming, path, to) = (naming(section), path(section), section.parsed("to"));
    if naming.id.is_some() && methods.len() > 1 {
        section.mistake("id", "names one operation, and here are several methods");
    }
    let add = |(name, value): (At<String>, At<String>)| Some((name, parsed(report, value)?));
    let recall = |(name, value): (At<String>, At<String>)| Some((name, parsed(report, value)?));
    let stream = section.boolean("stream").is_some_and(|stream| stream.value);
    if !stream {
        section.forbid(&["max_bytes", "idle_ms", "timeout_ms"], "only a `stream` has this");
    }
    let (params, joins, remember) = (params(section), joins(section), remember(section));
    let announce = section
        .section("announce")
        .and_then(|section| Some(Announce { topic: section.parsed("topic")?, kind: section.text("type")? }));
    let (location, drops_mine, drops) =
        (section.parsed("location"), section.all_parsed("drops_mine"), section.all_parsed("drops"));
    let (send, expect, shaping) = (send(section), expect(section), shaping(section));
    let add = section.text_map("add").into_iter().filter_map(add).collect();
    let recall = section.text_map("recall").into_iter().filter_map(recall).collect();
    let (path, path_text) = path?;
    Some(Route {
        spot: section.spot.clone(),
        naming,
        path,
        path_text,
        methods,
        to: to?,
        open: section.text("access").is_some_and(|access| access.as_str() == "open"),
        params,
        send,
        joins,
        expect,
        shaping,
        status: section.whole("status"),
        location,
        body: section.text("body"),
        files: section.text_map("files"),
        drops_mine,
        drops,
        add,
        announce,
        idempotent_key: section.boolean("idempotent_key"),
        profile: section.boolean("profile"),
        if_match: section.boolean("if_match"),
        remember,
        recall,
        stream,
        max_bytes: section.whole("max_bytes"),
        idle_ms: section.whole("idle_ms"),
        timeout_ms: section.whole("timeout_ms"),
    })
}

fn methods(section: &Section<'_>) -> Vec<At<String>> {
    let methods = section.texts("methods");
    if section.has("methods") && methods.is_empty() {
        section.mistake("methods", "names no method");
    }
    for (place, method) in methods.iter().enumerate() {
        if !METHODS.contains(&method.as_str()) {
            let known = alternatives(METHODS);
            section.report().add(&method.spot, format_args!("{} must be {known}", quoted(method)));
        } else if methods[..place].iter().any(|other| other.value == method.value) {
            section.report().add(&method.spot, format_args!("names {} twice", quoted(method)));
        }
    }
    methods.into_iter().filter(|method| METHODS.contains(&method.as_str())).collect()
}
