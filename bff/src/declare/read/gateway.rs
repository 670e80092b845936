//! `gateway.toml`.

use super::{
    super::{
        mistake::{At, quoted},
        text::{is_kind, is_name},
    },
    Accounts, Gateway,
    joins::lookup,
    parsed::parsed,
    section::Section,
    tree::{Refusal, Upstream},
};

pub(super) fn read(section: &Section<'_>) -> Gateway {
    let topics = section.section("topics");
    let kinds = |section: &Option<Section<'_>>, key: &str| {
        section.as_ref().map(|section| kinds(section, key)).unwrap_or_default()
    };
    Gateway {
        title: section.text("title"),
        about: section.text("about"),
        groups: section.text_map("groups"),
        upstreams: section
            .sections("upstreams")
            .iter()
            .filter_map(|(name, section)| upstream(name, section))
            .collect(),
        accounts: section.section("accounts").map(|section| accounts(&section)),
        refusals: section
            .sections("refusals")
            .iter()
            .filter_map(|(code, section)| refusal(code, section))
            .collect(),
        tags: kinds(&section.section("tags"), "kinds"),
        open_topics: kinds(&topics, "open"),
        own_topics: kinds(&topics, "own"),
        lookups: section
            .sections("lookups")
            .iter()
            .filter_map(|(name, section)| lookup(name, section))
            .collect(),
    }
}

fn upstream(name: &At<String>, section: &Section<'_>) -> Option<Upstream> {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let first = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    if !first || name.len() > 64 || !name.bytes().all(sound) {
        section
            .report()
            .add(&name.spot, format_args!("{} is no name of an upstream: a-z 0-9 -", quoted(name)));
        return None;
    }
    if let Some(table) = section.section("authorization")
        && table.text("file").is_some_and(|file| file.is_empty())
    {
        table.mistake("file", "names no file");
    }
    if let Some(url) = section.text("url") {
        check_url(section, &url);
    }
    let mut settings = section.to_json();
    settings.remove("contract");
    Some(Upstream {
        name: name.clone(),
        contract: section.text("contract"),
        audience: section.text("audience"),
        settings,
    })
}

fn check_url(section: &Section<'_>, text: &str) {
    let sound = url::Url::parse(text).ok().filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none();
        let bare = url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && plain && bare
    });
    if sound.is_none() {
        section.mistake("url", "must be an http or https URL without credentials, query or fragment");
    }
}

/// The fields that the gateway needs of a profile.
const CLAIMED: [&str; 4] = ["id", "username", "displayName", "avatarUrl"];

fn accounts(section: &Section<'_>) -> Accounts {
    let claims = section.text_map("claims");
    if section.has("upstream") {
        section.forbid(&["claims"], "claims say who somebody is only where no upstream does");
    }
    for (field, _) in claims.iter().filter(|(field, _)| !CLAIMED.contains(&field.as_str())) {
        section.report().add(&field.spot, format_args!("there is no such field: {}", CLAIMED.join(", ")));
    }
    if section.has("claims") && !claims.iter().any(|(field, _)| field.as_str() == "id") {
        section.mistake("claims", "must say which claim is the `id`");
    }
    if !section.has("upstream") {
        section.forbid(&["delete"], "an account can be deleted only where an upstream keeps it");
    }
    if !section.has("delete") {
        section.forbid(&["drops"], "is of no use without `delete`");
    }
    let call = |(name, text): (At<String>, At<String>)| {
        if !is_name(&name) {
            section.report().add(&name.spot, format_args!("{} is no name", quoted(&name)));
        }
        Some((name, parsed(section.report(), text)?))
    };
    let export = section.text_map("export").into_iter().filter_map(call).collect();
    Accounts {
        spot: section.spot.clone(),
        upstream: section.text("upstream"),
        card: section.texts("card"),
        claims,
        delete: section.all_parsed("delete"),
        export,
        drops: section.all_parsed("drops"),
    }
}

fn refusal(code: &At<String>, section: &Section<'_>) -> Option<Refusal> {
    if !is_name(code)
        || !code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        section.report().add(&code.spot, format_args!("{} is no code: a-z 0-9 _", quoted(code)));
        return None;
    }
    let status = section.whole::<u16>("status")?.value;
    let detail = section.text("detail")?.value;
    if detail.trim().is_empty() {
        section.mistake("detail", "says nothing");
    }
    Some(Refusal { code: code.clone(), status, detail })
}

fn kinds(section: &Section<'_>, key: &str) -> Vec<At<String>> {
    let kinds = section.texts(key);
    for (place, kind) in kinds.iter().enumerate() {
        if !is_kind(kind) {
            section.report().add(
                &kind.spot,
                format_args!("{} is no kind: 1 to 31 characters out of a-z and _", quoted(kind)),
            );
        } else if kinds[..place].iter().any(|other| other.value == kind.value) {
            section.report().add(&kind.spot, format_args!("names {} twice", quoted(kind)));
        }
    }
    kinds
}
